"""What ``querist select`` leaves: a file of picks, rows for a pipe, or a few lines for a person."""

from __future__ import annotations

import csv
import io
import json as json_text
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from rich.markup import escape
from rich.table import Table

from querist.cli.console import err, out
from querist.cli.progress import duration
from querist.core.errors import UsageError

FORMATS = (".csv", ".json", ".txt")
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Rows in the order picked.

    Args:
        strategy: who picked.
        n: rows of the table.
        rows: zero-based.
        ids: what the user calls them; ``None`` where nobody said.
        reasons: why, one short sentence a pick.
        seconds: from opening the files to the last pick.
        peak_mb: the most memory that was resident meanwhile, in megabytes.
    """

    strategy: str
    n: int
    rows: list[int]
    ids: list[Any] | None
    reasons: tuple[str, ...]
    seconds: float
    peak_mb: float

    def to_json(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        ids = {} if self.ids is None else {"ids": self.ids}
        return {"rows": self.rows, **ids, "seconds": round(self.seconds, 3), "peak_mb": round(self.peak_mb, 1)}

    def columns(self) -> dict[str, list[Any]]:
        """The columns of a file of picks."""
        ids = {} if self.ids is None else {"id": self.ids}
        return {"order": [*range(1, len(self.rows) + 1)], "row": self.rows, **ids, "why": list(self.reasons)}


def refuse_unwritable(file: Path) -> None:
    """Say before the work, and not after it, that a file cannot be what it is called or stand where it shall.

    Raises:
        UsageError: an unknown ending, or a folder that is not there.
    """
    if file.suffix not in FORMATS:
        raise UsageError(f"--out {file} has no known ending", hint=f"use one of {', '.join(FORMATS)}")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"the folder of --out {file} is not there", hint="make it first")


def write_picks(selection: Selection, file: Path) -> None:
    """Write the picks; the file appears whole or not at all.

    A CSV file has the columns order, row, id (where rows have ids) and why; a JSON file the same as lists, with rows
    and ids in the plural; a text file one row on each line, which ``--labelled`` reads.

    Raises:
        NotDurable: full disk, or a folder that cannot be written.
    """
    from querist.storage.atomic import atomic_write

    with atomic_write(file) as stream:
        {".csv": _write_csv, ".json": _write_json, ".txt": _write_text}[file.suffix](selection, stream)


def _write_csv(selection: Selection, stream: BinaryIO) -> None:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    columns = selection.columns()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    text.detach()  # flushes, and leaves the file open for its owner


def _write_json(selection: Selection, stream: BinaryIO) -> None:
    said = {"strategy": selection.strategy, **selection.to_json(), "why": list(selection.reasons)}
    stream.write(json_text.dumps(said, ensure_ascii=False).encode() + b"\n")


def _write_text(selection: Selection, stream: BinaryIO) -> None:
    stream.write("".join(f"{row}\n" for row in selection.rows).encode())


def print_selection(selection: Selection, file: Path | None) -> None:
    """How many, by whom, how long, how much memory, and the first few in a table.

    Where there is no file the rows themselves are the result, and what is said about them goes to standard error.
    """
    if file is None:
        for row in selection.rows if selection.ids is None else selection.ids:
            print(row)
    console = out() if file is not None else err()
    console.print(
        f"{len(selection.rows)} of {selection.n} rows picked by {selection.strategy} in "
        f"{duration(selection.seconds)}, at most {selection.peak_mb:.0f} MB of memory"
        f"{'' if file is None else f': {file}'}",
        markup=False,
    )
    columns = selection.columns()
    table = Table(*columns)
    for cells in list(zip(*columns.values(), strict=True))[:_SHOWN]:
        table.add_row(*(escape(str(cell)) for cell in cells))
    if len(selection.rows) > _SHOWN:
        table.add_row(*("..." for _ in columns))
    console.print(table)
