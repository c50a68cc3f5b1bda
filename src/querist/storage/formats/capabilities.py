"""Which format holds what: the one table that refusals and the guide are made from."""

from __future__ import annotations

from pathlib import Path

from querist.core.errors import UnknownName, UsageError
from querist.core.labels import KINDS
from querist.storage.formats import registry
from querist.storage.formats.base import Format


def spelled(name: str) -> str:
    """A registered name as the command spells it.

    Example:
        >>> spelled("label_studio")
        'label-studio'
    """
    return name.replace("_", "-")


def format_of(name: str, *, kind: str) -> Format:
    """The format called ``name``, in either spelling, if it holds labels of ``kind``.

    Raises:
        UnknownName: there is no such format, or no such kind.
        UsageError: it cannot hold them; says which can.

    Example:
        >>> format_of("yolo", kind="text")
        Traceback (most recent call last):
        querist.core.errors.UsageError: yolo cannot hold text labels; these can: csv, jsonl, label-studio, parquet
    """
    if kind not in KINDS:
        raise UnknownName("kind of labels", kind, KINDS)
    if name.replace("-", "_") not in registry:
        raise UnknownName("format", name, map(spelled, registry))
    form: Format = registry[name.replace("-", "_")]()
    if kind not in form.holds:
        raise UsageError(f"{name} cannot hold {kind} labels", hint=f"these can: {able(kind)}")
    return form


def refuse_features(form: Format, features: frozenset[str], *, kind: str, where: str) -> None:
    """Refuse a label with features that a format has no words for.

    Raises:
        UsageError: there are some; says which formats can hold them.
    """
    for feature in sorted(features & form.lacks):
        name = next(spelled(one) for one in registry if isinstance(form, registry[one]))
        raise UsageError(f"{where} has {feature}, which {name} cannot hold", hint=f"these can: {able(kind, features)}")


def able(kind: str, features: frozenset[str] = frozenset()) -> str:
    """Names of the formats that hold labels of ``kind`` with these features."""
    holding = [name for name in registry if kind in registry[name].holds and not features & registry[name].lacks]
    return ", ".join(map(spelled, holding)) or "none yet"


def table() -> str:
    """All of it as a table in Markdown: a row a format, a column a kind, and what the marks mean.

    Example:
        >>> print(table().splitlines()[0])
        | format | classification | multilabel | regression | tokens | spans | boxes | segmentation | text |
    """
    lines = [f"| format | {' | '.join(KINDS)} |", f"|---|{':-:|' * len(KINDS)}"]
    notes = []
    for name in registry:
        form = registry[name]
        marks = ["yes" if kind in form.holds else "" for kind in KINDS]
        lines.append(f"| `{spelled(name)}` | {' | '.join(marks)} |")
        without = f"Without {' and '.join(sorted(form.lacks))}." if form.lacks else ""
        if said := " ".join(part for part in (without, form.note) if part):
            notes.append(f"- `{spelled(name)}`: {said}")
    return "\n".join([*lines, "", *notes, ""])


_ENDINGS = {".conll": "conll", ".bio": "conll", ".iob": "conll", ".iob2": "conll"}
_JSON_FORMATS = {b"{": "coco", b"[": "label-studio"}


def guessed(path: Path | None, *, otherwise: str = "csv") -> str:
    """The format that a file or folder has by its ending or by what is in it; ``otherwise`` where nothing tells.

    Raises:
        UsageError: several formats share the ending, or the folder is none of labels.

    Example:
        >>> guessed(Path("labels.parquet")), guessed(Path("tags.bio")), guessed(None)
        ('parquet', 'conll', 'csv')
    """
    if path is not None and path.is_dir():
        for name, signs in (("yolo", ("*.yaml", "classes.txt", "labels/*")), ("voc", ("Annotations/*", "*.xml"))):
            if any(next(path.glob(sign), None) for sign in signs):
                return name
        raise UsageError(f"{path} holds no labels that can be told by their names", hint="say which with --format")
    if path is None or not path.suffix:
        return otherwise
    if path.suffix != ".json":
        return _ENDINGS.get(path.suffix, path.suffix.removeprefix("."))
    if path.is_file():
        with path.open("rb") as file:
            start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
        if start in _JSON_FORMATS:
            return _JSON_FORMATS[start]
    raise UsageError(f"{path} may be {' or '.join(_JSON_FORMATS.values())}", hint="say which with --format")
