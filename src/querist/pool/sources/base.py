"""What a source must do, and the checks of paths that all of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from querist.core.errors import DataError
from querist.pool.pool import Pool

TEST_SHARE = 0.2
"""Share of the labelled rows that is held out where the data bring no test split."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns of a table that a person named; ``None`` is guessed."""

    text: str | None = None
    label: str | None = None
    split: str | None = None


class Source(ABC):
    """One kind of data. A file ``npz.py`` in this folder holds the class ``Npz``."""

    takes_path: ClassVar[bool] = True

    @abstractmethod
    def open(self, path: str, *, columns: Columns, skip_bad: bool, seed: int) -> Pool:
        """The pool over what lies at ``path``.

        Args:
            path: a file, a folder or a name, as the kind has it.
            columns: names of columns, for tables.
            skip_bad: leave unreadable payloads out.
            seed: of the split, where one must be made.

        Raises:
            DataError: missing, empty or damaged data.
        """


def existing(path: str, *, want: str = "file or folder") -> Path:
    """``path`` if it is there, and a file or a folder as ``want`` says.

    Raises:
        DataError: it is not.
    """
    found = Path(path).expanduser()
    if not found.exists():
        raise DataError(f"there is no {want} {path}", hint="check the path")
    if want == "file" and not found.is_file():
        raise DataError(f"{path} is a folder, and a file is needed", hint="name one file in it")
    if want == "folder" and not found.is_dir():
        raise DataError(f"{path} is a file, and a folder is needed", hint="give the folder that holds it")
    if found.is_file() and found.stat().st_size == 0:
        raise DataError(f"{path} is empty", hint="give a file with data in it")
    return found


def listed(names: Iterable[object], limit: int = 12) -> str:
    """Names for a message: all of a few, the first of many."""
    words = [str(name) for name in names]
    more = f", ... ({len(words)} in all)" if len(words) > limit else ""
    return ", ".join(words[:limit]) + more
