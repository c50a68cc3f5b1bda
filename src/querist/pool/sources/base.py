"""What a source must do, and the checks of paths that all of them share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from querist.core.errors import DataError
from querist.pool.columns import Columns, listed
from querist.pool.pool import Pool
from querist.pool.split import SPLITS, split_named
from querist.pool.tables import NamedTable, pool_of_tables

if TYPE_CHECKING:
    import pyarrow as pa

TEST_SHARE = 0.2
"""Share of the labelled rows that is held out where the data bring no test split."""


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


class TableSource(Source):
    """Tables in files of one format: one file, or a folder whose file names say the splits."""

    suffixes: ClassVar[tuple[str, ...]]
    """Endings of the files of a folder that are read."""

    @abstractmethod
    def read(self, file: Path) -> pa.Table:
        """The rows of one file that exists and is not empty.

        Raises:
            DataError: damaged, or of another format.
        """

    def open(self, path: str, *, columns: Columns, skip_bad: bool, seed: int) -> Pool:
        place = existing(path)
        if place.is_file():
            notes: list[str] = []
            tables = [NamedTable(name=place.name, split=None, rows=self.read(place), folder=place.parent)]
        else:
            files, notes = split_files(place, self.suffixes)
            tables = [
                NamedTable(
                    name=file.relative_to(place).as_posix(),
                    split=split,
                    rows=self.read(existing(str(file))),
                    folder=file.parent,
                )
                for file, split in files
            ]
        pool = pool_of_tables(
            tables, columns=columns, name=place.stem, where=path, test=TEST_SHARE, skip_bad=skip_bad, seed=seed
        )
        pool.notes[:0] = notes
        return pool


def split_files(folder: Path, suffixes: tuple[str, ...]) -> tuple[list[tuple[Path, str | None]], list[str]]:
    """The files of a folder with the split that each one's name says, training first, and what was left out.

    Where some names say a split, the other files are left out; where none does, all of them are one table.
    """
    found = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in suffixes and file.is_file()]
    files = [file for file in found if not file.name.startswith(".")]
    if not files:
        raise DataError(f"{folder} holds no {' or '.join(suffixes)} files", hint="give a folder that does, or one file")
    named = [(file, split) for file in files if (split := split_named(file.stem))]
    if not named:
        return [(file, None) for file in files], []
    if not any(split == "train" for _, split in named):
        raise DataError(
            f"{folder} holds {listed(file.name for file, _ in named)} and no training file",
            hint="name it train, or give one file",
        )
    left = [file.name for file in files if split_named(file.stem) is None]
    notes = [f"files that are not used, as their names say no split: {listed(left)}"] if left else []
    return sorted(named, key=lambda pair: SPLITS.index(pair[1])), notes
