"""``csv:FILE`` or ``csv:DIR``: a header line and a row a line, parted by commas, semicolons or tabs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from querist.core.errors import DataError
from querist.pool.sources.base import TableSource

if TYPE_CHECKING:
    import pyarrow as pa

_LARGEST_BLOCK = 2**30


class Csv(TableSource):
    """Tables in text files with a header."""

    suffixes = (".csv", ".tsv")

    def read(self, file: Path) -> pa.Table:
        import pyarrow as pa
        import pyarrow.csv

        try:
            return pyarrow.csv.read_csv(
                file,
                # Types are guessed from the first block, so the whole file is one: a late word must not be an error.
                pyarrow.csv.ReadOptions(block_size=min(file.stat().st_size + 1, _LARGEST_BLOCK)),
                pyarrow.csv.ParseOptions(delimiter=_delimiter(file), newlines_in_values=True),
            )
        except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
            why = str(error).strip()
            if "\ufffd" in why or "\0" in why:
                raise DataError(
                    f"{file} cannot be read as csv: it is no text", hint="check the kind of file"
                ) from error
            hint = "save it as UTF-8" if "UTF8" in why or isinstance(error, UnicodeDecodeError) else "repair that line"
            raise DataError(f"{file} cannot be read as csv: {why}", hint=hint) from error


def _delimiter(file: Path) -> str:
    """The sign that parts the header the most."""
    with file.open(encoding="utf-8", errors="replace") as lines:
        header = lines.readline()
    return max(",;\t", key=header.count)
