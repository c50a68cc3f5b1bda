"""Labels as a typed, compressed table, for data frames and for millions of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from querist.core.errors import DataError
from querist.storage.formats.base import COLUMNS, EVERY_KIND, FileFormat, LabelRecord, record_from

_ROWS_AT_ONCE = 16384


def _picture(parts: str, part: dict[str, pa.DataType]) -> pa.DataType:
    """A picture's size and its parts."""
    return pa.struct({"width": pa.int64(), "height": pa.int64(), parts: pa.list_(pa.struct(part))})


_POINTS = pa.list_(pa.list_(pa.float64()))
_LABEL_TYPES = {
    "classification": pa.string(),
    "multilabel": pa.list_(pa.string()),
    "regression": pa.float64(),
    "tokens": pa.list_(pa.string()),
    "text": pa.string(),
    "spans": pa.list_(pa.struct({"start": pa.int64(), "end": pa.int64(), "label": pa.string()})),
    "boxes": _picture("boxes", {**dict.fromkeys("xywh", pa.float64()), "label": pa.string()}),
    "segmentation": _picture(
        "regions",
        {"points": _POINTS, "also": pa.list_(_POINTS), "counts": pa.list_(pa.int64()), "label": pa.string()},
    ),
}


class Parquet(FileFormat):
    """Apache Parquet. A class name is a string, names are a list, a number is a double, and what has parts a struct.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> Parquet().write([LabelRecord(row=3, label=1.5)], file, kind="regression")
        >>> pq.read_table(file)["label"].to_pylist()
        [1.5]
    """

    holds = EVERY_KIND
    suffix = ".parquet"
    counts = "record"

    def write(self, records: Iterable[LabelRecord], file: BinaryIO, *, kind: str, classes: Sequence[str] = ()) -> None:
        names = pa.list_(pa.string())
        types = (pa.int64(), pa.string(), pa.string(), _LABEL_TYPES[kind], names, pa.int64(), pa.string())
        schema = pa.schema(list(zip(COLUMNS, types, strict=True)))
        remaining = iter(records)
        with pq.ParquetWriter(file, schema) as writer:
            while some := list(islice(remaining, _ROWS_AT_ONCE)):
                columns = {name: [getattr(record, name) for record in some] for name in COLUMNS}
                writer.write_table(pa.table(columns, schema=schema))

    def read(self, file: BinaryIO, *, kind: str) -> Iterator[LabelRecord]:
        try:
            yield from self._records(pq.ParquetFile(file), file, kind)
        except pa.ArrowException as error:
            raise DataError(
                f"{file.name} is no whole parquet file: {str(error).rstrip('.')}", hint="check the format"
            ) from None

    def _records(self, table: pq.ParquetFile, file: BinaryIO, kind: str) -> Iterator[LabelRecord]:
        names = table.schema_arrow.names
        if "label" not in names or not {"row", "key"} & set(names):
            raise DataError(
                f"{file.name} has the columns {', '.join(names)}",
                hint="an import needs the column label and one of row and key",
            )
        number = 0
        for batch in table.iter_batches(_ROWS_AT_ONCE, columns=[name for name in COLUMNS if name in names]):
            for values in batch.to_pylist():
                number += 1
                _without_nulls(values["label"])
                yield record_from(values, kind=kind, place=self.place(file, number))


def _without_nulls(label: Any) -> None:
    """Take away the fields that a region does not have: a struct has all of them, empty where they are not said."""
    for region in label.get("regions") or () if isinstance(label, dict) else ():
        for name in [name for name, value in region.items() if value is None]:
            del region[name]
