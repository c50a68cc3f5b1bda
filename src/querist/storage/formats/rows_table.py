"""``rows.csv``: what a folder with a file a row cannot say in those files. Other readers pass over it.

It names the rows in their order, and what Querist knows of each beside the label. A folder that somebody else wrote
has none, and a file that was added to a folder later is not in it: both are read by their names.
"""

from __future__ import annotations

import csv
import json
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TextIO

from querist.core.errors import DataError
from querist.storage.formats.base import LabelRecord

FILE = "rows.csv"
FIELDS = ("row", "key", "split", "annotators", "round", "reason")
SPLIT_FILES = {"train": "train.txt", "validation": "val.txt", "test": "test.txt"}
"""The lists of pictures that trainers look for."""


class RowsWriter:
    """Writes the table, a row at a time.

    Args:
        folder: where it stands.
        more: columns behind those that every record has.
    """

    def __init__(self, folder: Path, *, more: Sequence[str] = ()) -> None:
        self._file: TextIO = (folder / FILE).open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\r\n")
        self._writer.writerow((*FIELDS, *more))

    def __enter__(self) -> RowsWriter:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, record: LabelRecord, *more: Any) -> None:
        """One row."""
        annotators = json.dumps(record.annotators, ensure_ascii=False)
        known = (record.row, record.key, record.split, annotators, record.round, record.reason, *more)
        self._writer.writerow(["" if cell is None else cell for cell in known])


def read_rows(folder: Path, *, more: Sequence[str] = ()) -> Iterator[tuple[str, dict[str, Any]]]:
    """The place and the cells of each row; none where there is no such file.

    Raises:
        DataError: another header, a line that breaks off, or a key that comes twice; names the line.
    """
    if not (folder / FILE).exists():
        return
    seen: set[str] = set()
    with (folder / FILE).open(encoding="utf-8", newline="") as file:
        lines = csv.reader(file, strict=True)
        try:
            if next(lines, []) != [*FIELDS, *more]:
                raise DataError(f"{FILE} has another header", hint=f"it needs {', '.join((*FIELDS, *more))}")
            for cells in lines:
                place = f"{FILE} line {lines.line_num}"
                if len(cells) != len(FIELDS) + len(more):
                    raise DataError(f"{place} has {len(cells)} cells", hint=f"the header has {len(FIELDS) + len(more)}")
                values: dict[str, Any] = dict(zip((*FIELDS, *more), cells, strict=True))
                if values["key"] in seen:
                    raise DataError(f"{place}: the key {values['key']!r} comes twice", hint="keep one of them")
                seen.add(values["key"])
                try:
                    file_key(values["key"])
                except DataError as error:
                    raise DataError(f"{place}: {error.message}", hint=error.hint) from None
                values["annotators"] = _names(values["annotators"], place)
                yield place, values
        except csv.Error as error:
            raise DataError(f"{FILE} line {lines.line_num}: {error}", hint="export again") from None


def _names(cell: str, place: str) -> Any:
    try:
        return json.loads(cell or "[]")
    except ValueError:
        raise DataError(f"{place}: annotators is {cell!r}", hint='write a list as JSON, for example ["ann"]') from None


def file_key(key: str) -> PurePosixPath:
    """A key as a path below a folder, with an ending.

    Raises:
        DataError: a key that leads out of the folder, has no ending, or has a sign that no list of files can hold.

    Example:
        >>> file_key("train/a.jpg")
        PurePosixPath('train/a.jpg')
    """
    parts = key.split("/")
    if not key or set(parts) & {"", ".", ".."} or "\\" in key:
        raise DataError(
            f"the key {key!r} is no path below a folder", hint="rename the picture, or take a format of one file"
        )
    if key != key.strip() or any(unicodedata.category(sign) in ("Cc", "Zl", "Zp") for sign in key):
        raise DataError(f"the key {key!r} has a sign that ends a line", hint="rename the picture")
    stem, _, ending = parts[-1].rpartition(".")
    if not stem or not ending:
        raise DataError(f"the key {key!r} has no ending such as .jpg", hint="rename the picture")
    return PurePosixPath(key)


class FileNames:
    """Which file belongs to which row: two pictures may have names that differ in their endings alone."""

    def __init__(self) -> None:
        self._keys: dict[Path, str] = {}

    def claim(self, path: Path, key: str) -> Path:
        """``path`` for ``key``, with the folder that it needs.

        Raises:
            DataError: another row has it.
        """
        if path in self._keys:
            raise DataError(
                f"the labels of {self._keys[path]!r} and {key!r} would be one file, {path.name}",
                hint="rename a picture, or take a format of one file",
            )
        self._keys[path] = key
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def write_split_files(folder: Path, names: dict[str, list[str]]) -> None:
    """A list for each split that has rows, one on each line."""
    for split, file in SPLIT_FILES.items():
        if split in names:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text("".join(f"{name}\n" for name in names[split]), encoding="utf-8")
