"""``parquet:FILE`` or ``parquet:DIR``: texts, tokens, encoded images or numbers in columns."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from querist.core.errors import DataError
from querist.pool.sources.base import TableSource

if TYPE_CHECKING:
    import pyarrow as pa


class Parquet(TableSource):
    """Tables in Parquet files."""

    suffixes = (".parquet", ".pq")

    def read(self, file: Path) -> pa.Table:
        import pyarrow as pa
        import pyarrow.parquet

        try:
            # Not as a data set: names of folders above the file are no columns.
            return pyarrow.parquet.ParquetFile(file, memory_map=True).read()
        except (pa.ArrowException, OSError) as error:
            raise DataError(
                f"{file} cannot be read as Parquet: it is damaged or cut short", hint="write or fetch it again"
            ) from error
