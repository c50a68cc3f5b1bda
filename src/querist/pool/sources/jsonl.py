"""``jsonl:FILE`` or ``jsonl:DIR``: a JSON object a line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from querist.core.errors import DataError
from querist.pool.sources.base import TableSource

if TYPE_CHECKING:
    import pyarrow as pa


class Jsonl(TableSource):
    """Tables in lines of JSON; a key that a line lacks is an empty cell."""

    suffixes = (".jsonl", ".ndjson", ".json")

    def read(self, file: Path) -> pa.Table:
        import pyarrow as pa

        rows: list[dict[str, Any]] = []
        names: dict[str, None] = {}
        try:
            with file.open(encoding="utf-8-sig") as lines:
                for number, line in enumerate(lines, 1):
                    if line.strip():
                        rows.append(_row(line, number, file))
                        names.update(dict.fromkeys(rows[-1]))
        except UnicodeDecodeError as error:
            raise DataError(f"{file} is not UTF-8 text: {error.reason}", hint="save it as UTF-8") from error
        columns = {}
        for name in names:
            try:
                columns[name] = pa.array([row.get(name) for row in rows])
            except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
                raise DataError(
                    f"{file} holds values of several types under {name!r}: {error}", hint="use one type a key"
                ) from error
        return pa.table(columns)


def _row(line: str, number: int, file: Path) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise DataError(f"line {number} of {file} is no JSON: {error.msg}", hint="write one object a line") from error
    if not isinstance(row, dict):
        raise DataError(f"line {number} of {file} holds a {type(row).__name__}", hint="write one object a line")
    return row
