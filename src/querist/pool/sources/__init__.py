"""Sources: one way a file to turn what lies on a disk into a pool. ``DATA`` is ``digits`` or ``KIND:PATH``.

The folder is the registry: ``npz.py`` holds ``Npz``, which opens ``npz:FILE``.
"""

from __future__ import annotations

from pathlib import Path

from querist.core.errors import UsageError
from querist.core.registry import Registry
from querist.pool.pool import Pool
from querist.pool.sources.base import Columns, Source

registry = Registry("source", __name__)

__all__ = ["Columns", "Source", "open_pool", "registry"]


def open_pool(
    data: str,
    *,
    text: str | None = None,
    label: str | None = None,
    split: str | None = None,
    like: tuple[str, ...] = (),
    skip_bad: bool = False,
    seed: int = 0,
) -> Pool:
    """The pool that ``data`` names.

    Args:
        data: ``digits``, or a kind and a path: ``images:./photos``, ``npz:FILE``, ``csv:FILE``, ``conll:DIR``, ...
        text: column of a table that holds the texts (or tokens, or images); guessed if left out.
        label: column that holds the labels; guessed if left out.
        split: column that holds the names of the splits; ``split`` if there is one.
        like: columns that the payloads of earlier data were made of (``Pool.columns``), to read new data likewise.
        skip_bad: leave unreadable images out, with a note, instead of refusing the data.
        seed: decides what is held out for testing where the data bring no test split. It is no run's seed: all
            runs on the data should test on the same rows.

    Raises:
        UnknownName: no such kind; the nearest is suggested.
        DataError: missing, empty or damaged data; says what and where.

    Example:
        >>> open_pool("digits")
        <Pool digits: image, 1346 train, 0 validation, 451 test>
    """
    kind, colon, path = data.partition(":")
    if kind not in registry and not colon and Path(data).exists():
        raise UsageError(f"{data!r} does not say what kind of data it is", hint=f"write {_guess(Path(data))}:{data}")
    source: Source = registry[kind]()
    if source.takes_path and not path:
        raise UsageError(f"{kind} needs a path", hint=f"write {kind}:PATH")
    if path and not source.takes_path:
        raise UsageError(f"{kind} takes no path, and {path!r} was given", hint=f"write {kind}")
    columns = Columns(text=text, label=label, split=split, like=like)
    return source.open(path, columns=columns, skip_bad=skip_bad, seed=seed)


def _guess(path: Path) -> str:
    """The kind that a bare path most likely is."""
    if path.is_dir():
        return "conll" if any(path.glob("*.conll")) else "images"
    suffix = path.suffix.lstrip(".").lower()
    return suffix if suffix in registry else "csv"
