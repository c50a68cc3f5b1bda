"""Files with a number or a name a row: what is labelled, with what label, what may be picked, and what rows are called.

A text file has one on each line, a CSV file in a column, and an array file (npy, npz, Parquet) in a vector.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from querist.core.errors import DataError

if TYPE_CHECKING:
    import numpy as np

TEXT = (".txt", ".csv")


def split_name(text: str) -> tuple[Path, str | None]:
    """A file and what is meant in it, from ``FILE`` or ``FILE:NAME``.

    Example:
        >>> split_name("runs/E.npz:z"), split_name("E.npy")
        ((PosixPath('runs/E.npz'), 'z'), (PosixPath('E.npy'), None))
    """
    path, _, name = text.rpartition(":")
    if not Path(path).suffix or Path(text).exists():
        return Path(text), None
    return Path(path), name or None


def read_positions(text: str, *, rows: int, what: str) -> np.ndarray:
    """Zero-based rows of a table.

    Args:
        text: ``FILE`` or ``FILE:NAME``; in a CSV file the column is called ``row`` if no other is named.
        rows: rows of the table.
        what: what they are, for messages ("labelled").

    Raises:
        DataError: a file that cannot be read, what is no row number, rows outside the table or repeated (named).
    """
    import numpy as np

    found = read_whole_numbers(text, column="row")
    bad = np.flatnonzero((found < 0) | (found >= rows))
    if len(bad):
        raise DataError(f"{text} names row {found[bad[0]]} as {what}, the table has rows 0 to {rows - 1}")
    values, times = np.unique(found, return_counts=True)
    if len(values) < len(found):
        raise DataError(f"{text} names row {values[times > 1][0]} as {what} more than once")
    return found


def read_whole_numbers(text: str, *, column: str) -> np.ndarray:
    """Whole numbers, one a row.

    Args:
        text: ``FILE`` or ``FILE:NAME``.
        column: of a CSV file, where none is named.

    Raises:
        DataError: a file that cannot be read, or what is no whole number (named).
    """
    import numpy as np

    from querist.storage.arrays import open_array

    path, name = split_name(text)
    if path.suffix in TEXT:
        numbers = []
        for line, word in _words(path, name or column):
            try:
                numbers.append(int(word))
            except ValueError:
                raise DataError(f"{path} line {line} is {word!r}, which is no whole number") from None
        return np.array(numbers, dtype=np.int64)
    array = open_array(path, name=name)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DataError(
            f"{text} holds {array.dtype} of the shape {list(array.shape)}", hint="give one whole number a row"
        )
    return array.astype(np.int64)


class Ids:
    """What the user calls the rows; read for the picked ones alone.

    Args:
        text: ``FILE`` or ``FILE:NAME``; the column of a CSV or Parquet file is ``id`` or ``row`` if none is named.
        rows: rows of the table.

    Raises:
        DataError: a file that cannot be read, or as many ids as there are not rows.
    """

    def __init__(self, text: str, *, rows: int) -> None:
        self._text, (self._path, self._name) = text, split_name(text)
        found = self._count()
        if found != rows:
            raise DataError(f"--ids {text} has {found} ids, the table has {rows} rows")

    def of(self, positions: Sequence[int]) -> list[Any]:
        """The ids of some rows, numbers or strings."""
        if self._path.suffix in TEXT:
            wanted = set(positions)
            found = {row: word for row, (_, word) in enumerate(_words(self._path, self._name)) if row in wanted}
            return [found[row] for row in positions]
        if self._path.suffix == ".parquet":
            return _parquet_values(self._path, self._name, positions)
        return self._vector()[positions].tolist()

    def _count(self) -> int:
        if self._path.suffix in TEXT:
            return sum(1 for _ in _words(self._path, self._name))
        if self._path.suffix == ".parquet":
            from pyarrow import parquet

            self._name = self._name or id_column(self._path)
            names = parquet.read_schema(self._path).names
            if self._name not in names:
                raise DataError(f"{self._path} has no column {self._name or 'id'!r}; it has {', '.join(names)}")
            return parquet.read_metadata(self._path).num_rows
        return len(self._vector())

    def _vector(self) -> np.ndarray:
        from querist.storage.arrays import open_array

        array = open_array(self._path, name=self._name)
        if array.ndim != 1 or array.dtype.kind not in "iuUS":
            raise DataError(
                f"--ids {self._text} holds {array.dtype} of the shape {list(array.shape)}", hint="one a row"
            )
        return array


def id_column(path: Path) -> str | None:
    """The column of a Parquet file that names its rows, if one is called so."""
    from pyarrow import parquet

    from querist.storage.arrays import ID_COLUMNS

    names = parquet.read_schema(path).names
    return next((name for name in ID_COLUMNS if name in names), None)


def _parquet_values(path: Path, column: str | None, positions: Sequence[int]) -> list[Any]:
    """Values of one column at some rows, from a file that is read a batch at a time."""
    import numpy as np
    from pyarrow import parquet

    order = np.argsort(positions)
    ascending = np.asarray(positions)[order]
    found: list[Any] = []
    start = 0
    for batch in parquet.ParquetFile(path).iter_batches(columns=[column]):
        first, last = np.searchsorted(ascending, [start, start + batch.num_rows])
        found += batch.column(0).take(ascending[first:last] - start).to_pylist()
        start += batch.num_rows
    back = np.argsort(order)
    return [found[place] for place in back]


def _words(path: Path, column: str | None) -> Iterator[tuple[int, str]]:
    """The entries of a text file with the numbers of their lines; empty lines have none.

    Raises:
        DataError: missing, no text, or a CSV file without the column.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            if path.suffix == ".csv":
                yield from _cells(file, path, column)
                return
            for line, word in enumerate(file, start=1):
                if word.strip():
                    yield line, word.strip()
    except FileNotFoundError:
        raise DataError(f"there is no file {path}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path} is no text in UTF-8") from None


def _cells(file: Any, path: Path, column: str | None) -> Iterator[tuple[int, str]]:
    from querist.storage.arrays import ID_COLUMNS

    lines = csv.DictReader(file)
    names = list(lines.fieldnames or ())
    wanted = column or next((name for name in ID_COLUMNS if name in names), "id")
    if wanted not in names:
        raise DataError(f"{path} has no column {wanted!r}; it has {', '.join(names) or 'none'}")
    for cells in lines:
        yield lines.line_num, (cells[wanted] or "").strip()
