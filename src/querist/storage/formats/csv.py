"""Labels as a table that any spreadsheet opens: a header, then a row a line; lists stand as JSON in a cell."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from querist.core.errors import DataError
from querist.storage.formats.base import COLUMNS, EVERY_KIND, FileFormat, LabelRecord, record_from

_LONGEST_CELL = 2**31 - 1
_AS_THEY_ARE = ("classification", "text")
"""Kinds whose label needs no quotes to be told from a list or a number."""


class Csv(FileFormat):
    """Comma-separated values in UTF-8. A class name or a text is written as it is; all other labels are JSON.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> Csv().write([LabelRecord(row=3, label=["cat", "dog"])], file, kind="multilabel")
        >>> print(file.getvalue().decode().replace("\\r", ""), end="")
        row,key,split,label,annotators,round,reason
        3,,,"[""cat"", ""dog""]",[],,
    """

    holds = EVERY_KIND
    note = "Lists, boxes and the like are JSON in a cell."
    suffix = ".csv"

    def write(self, records: Iterable[LabelRecord], file: BinaryIO, *, kind: str, classes: Sequence[str] = ()) -> None:
        # The standard's line end also makes the writer quote a lone carriage return, which "\n" would not.
        writer = csv.writer(_Encoded(file), lineterminator="\r\n")
        writer.writerow(COLUMNS)
        for record in records:
            label = record.label if kind in _AS_THEY_ARE else _dumps(record.label)
            cells = (record.row, record.key, record.split, label, _dumps(record.annotators), record.round)
            writer.writerow(["" if cell is None else cell for cell in (*cells, record.reason)])

    def read(self, file: BinaryIO, *, kind: str) -> Iterator[LabelRecord]:
        # The limit guards no memory here (the file is ours to read), and long documents have long lists of tags.
        csv.field_size_limit(_LONGEST_CELL)
        lines = csv.reader(_decoded(file), strict=True)
        header = next(lines, [])
        if "label" not in header or not {"row", "key"} & set(header):
            raise DataError(
                f"{self.place(file, 1)} has the columns {', '.join(header) or 'none'}",
                hint="an import needs the column label and one of row and key",
            )
        line = lines.line_num + 1
        for cells in _readable(lines, self, file):
            place = self.place(file, line)
            line = lines.line_num + 1
            if not cells:
                continue
            if len(cells) != len(header):
                raise DataError(f"{place} has {len(cells)} cells", hint=f"the header has {len(header)}")
            values: dict[str, Any] = dict(zip(header, cells, strict=True))
            lists = ["annotators"] if kind in _AS_THEY_ARE else ["annotators", "label"]
            for name in lists:
                values[name] = _loads(values.get(name, ""), name, place)
            yield record_from(values, kind=kind, place=place)


class _Encoded:
    """A text file for the writer on top of a binary one that is not its to close."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.encode())


def _decoded(file: BinaryIO) -> Iterator[str]:
    for number, line in enumerate(file):
        # Spreadsheets like to begin a file with a byte order mark.
        yield line.decode("utf-8-sig" if number == 0 else "utf-8")


def _readable(lines: Any, form: Csv, file: BinaryIO) -> Iterator[list[str]]:
    try:
        yield from lines
    except csv.Error as error:
        raise DataError(f"{form.place(file, lines.line_num)}: {error}", hint="quote cells that hold quotes") from None


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _loads(cell: str, name: str, place: str) -> Any:
    if not cell.strip():
        return None
    try:
        return json.loads(cell)
    except ValueError:
        raise DataError(
            f"{place}: {name} is {cell!r}", hint='write a list as JSON, for example ["a", "b"], a number as 1.5'
        ) from None
