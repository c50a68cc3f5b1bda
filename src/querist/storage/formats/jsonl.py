"""Labels as one JSON object a line: what programs exchange, and what can be read while it is still being written."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO

from querist.core.errors import DataError
from querist.storage.formats.base import COLUMNS, EVERY_KIND, FileFormat, LabelRecord, record_from


class Jsonl(FileFormat):
    """JSON lines in UTF-8.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> Jsonl().write([LabelRecord(row=3, key="a.png", label="cat")], file, kind="classification")
        >>> json.loads(file.getvalue())["label"]
        'cat'
    """

    holds = EVERY_KIND
    suffix = ".jsonl"

    def write(self, records: Iterable[LabelRecord], file: BinaryIO, *, kind: str, classes: Sequence[str] = ()) -> None:
        for record in records:
            values = {name: getattr(record, name) for name in COLUMNS}
            file.write(json.dumps(values, ensure_ascii=False, allow_nan=False).encode() + b"\n")

    def read(self, file: BinaryIO, *, kind: str) -> Iterator[LabelRecord]:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            place = self.place(file, number)
            try:
                values = json.loads(line)
            except ValueError as error:
                raise DataError(f"{place} is no JSON: {error}", hint="write one object a line") from None
            if not isinstance(values, dict):
                raise DataError(f"{place} is no object", hint='write {"key": ..., "label": ...}')
            yield record_from(values, kind=kind, place=place)
