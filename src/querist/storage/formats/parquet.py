"""Labels as a typed, compressed table, for data frames and for millions of rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from querist.core.errors import DataError
from querist.storage.formats.base import COLUMNS, TABULAR, Format, LabelRecord, record_from

_ROWS_AT_ONCE = 16384

_LABEL_TYPES = {
    "classification": pa.string(),
    "multilabel": pa.list_(pa.string()),
    "regression": pa.float64(),
    "tokens": pa.list_(pa.string()),
}


class Parquet(Format):
    """Apache Parquet; a class name is a string, a set or sequence of them a list, a number a double.

    Example:
        >>> import io
        >>> file = io.BytesIO()
        >>> Parquet().write([LabelRecord(row=3, label=1.5)], file, kind="regression")
        >>> pq.read_table(file)["label"].to_pylist()
        [1.5]
    """

    holds = TABULAR
    suffix = ".parquet"
    counts = "record"

    def write(self, records: Iterable[LabelRecord], file: BinaryIO, *, kind: str) -> None:
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
                yield record_from(values, kind=kind, place=self.place(file, number))
