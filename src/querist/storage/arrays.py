"""Arrays that were computed elsewhere, opened without reading them whole: npy, npz and Parquet files.

What comes back is mapped from a file, so it may be larger than memory. A member of an npz archive and a Parquet
column are decoded once, block by block, into a nameless temporary file that is gone when nobody needs it any more,
killed or not.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from querist.core.errors import DataError
from querist.core.progress import report

if TYPE_CHECKING:
    import pyarrow as pa

ENDINGS = (".npy", ".npz", ".parquet")
ID_COLUMNS = ("id", "row")
"""Columns of a Parquet file that name its rows: no features, unless one is asked for."""
_SMALL = 1 << 26
"""Bytes that are gathered in memory."""
_BATCH = 1 << 14
"""Rows of a Parquet file that are decoded together."""


def open_array(path: str | Path, *, name: str | None = None) -> np.ndarray:
    """The array in a file, read-only.

    Args:
        path: ``.npy``, ``.npz`` or ``.parquet``.
        name: which array of an npz archive, or which column of a Parquet file (lists of one length make a table,
            numbers a vector). May be left out where there is one, and in a Parquet file where all columns are numbers,
            which then make a table. Columns called ``id`` and ``row`` name rows, and are read when asked for only.

    Raises:
        DataError: missing, truncated or damaged; another kind of file; no or several arrays to choose from; rows of
            different lengths or without a value (named).

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.save(f"{folder}/z.npy", np.eye(3, dtype=np.float32))
        ...     open_array(f"{folder}/z.npy").shape
        (3, 3)
    """
    path = Path(path)
    if path.suffix not in ENDINGS:
        raise DataError(f"{path} is no array file", hint=f"give one that ends in {', '.join(ENDINGS)}")
    if not path.is_file():
        raise DataError(f"there is no file {path}")
    if path.suffix == ".parquet":
        return _parquet_column(path, name)
    if path.suffix == ".npz":
        return _member(path, name)
    with path.open("rb") as file:
        return _mapped(file, str(path))


def rows_of(array: np.ndarray, rows: np.ndarray, *, axis: int = 0) -> np.ndarray:
    """Some rows of an array; many of them in a nameless temporary file that is mapped, so that no memory is taken.

    Args:
        array: mapped or in memory.
        rows: positions.
        axis: 0, or 1 where samples come first.
    """
    size = array.nbytes // max(1, array.shape[axis]) * len(rows)
    if size <= _SMALL:
        return np.ascontiguousarray(array.take(rows, axis=axis))
    tables = [array] if axis == 0 else list(array)
    step = max(1, _SMALL // 4 * len(tables) * len(rows) // size)
    with tempfile.TemporaryFile() as file:
        for number, table in enumerate(tables):
            for start in range(0, len(rows), step):
                file.write(np.ascontiguousarray(table[rows[start : start + step]]).data)
                report("gathering rows", number * len(rows) + start, of=len(tables) * len(rows))
        file.flush()
        shape = (len(rows), *array.shape[1:]) if axis == 0 else (len(tables), len(rows), *array.shape[2:])
        return np.memmap(file, array.dtype, "r", 0, shape)


def _mapped(file: BinaryIO, called: str) -> np.ndarray:
    """The npy file that is open, mapped."""
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except ValueError as error:
        raise DataError(f"{called} is no npy file: {error}") from None
    if dtype.hasobject:
        raise DataError(f"{called} holds Python objects", hint="save plain numbers")
    start, there = file.tell(), file.seek(0, 2)
    needed = start + int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
    if there < needed:
        raise DataError(f"{called} is cut short: {there} bytes of {needed}", hint="copy or save it again")
    if 0 in shape:
        return np.empty(shape, dtype)
    return np.memmap(file, dtype, "r", start, shape, "F" if fortran else "C")


def _member(path: Path, name: str | None) -> np.ndarray:
    """One array of an npz archive: each of its members is an npy file."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = {entry.removesuffix(".npy"): entry for entry in archive.namelist()}
            member = members[_chosen(path, "array", name, list(members))]
            with archive.open(member) as source, tempfile.TemporaryFile() as file:
                shutil.copyfileobj(source, file, 1 << 20)
                file.seek(0)
                return _mapped(file, f"{member} in {path}")
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path} is damaged: {error}", hint="copy or save it again") from None


def _parquet_column(path: Path, name: str | None) -> np.ndarray:
    """One column of lists as a table, one of numbers as a vector, or all columns of numbers as a table."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        schema = file.schema_arrow
        lists = [field.name for field in schema if _is_list(field.type)]
        numbers = [field.name for field in schema if _is_number(field.type)]
        if name is None:
            numbers = [column for column in numbers if column not in ID_COLUMNS]
        others = [column for column in schema.names if column not in ID_COLUMNS]
        if name is None and not lists and len(numbers) == len(others) > 1:
            columns = numbers
        else:
            columns = [_chosen(path, "column", name, lists if name is None and lists else [*lists, *numbers])]
        n = file.metadata.num_rows
        batches = file.iter_batches(_BATCH, columns=columns)
        return _decoded((_block(batch, start, path) for batch, start in _starts(batches)), n, path)
    except pa.ArrowInvalid as error:
        raise DataError(f"{path} is no Parquet file, or is damaged: {error}", hint="copy or save it again") from None


def _decoded(blocks: Iterator[np.ndarray], n: int, path: Path) -> np.ndarray:
    """Blocks one after another in a temporary file, mapped."""
    shape: tuple[int, ...] = ()
    dtype = np.dtype(np.float32)
    done = 0
    with tempfile.TemporaryFile() as file:
        for block in blocks:
            if not done:
                shape, dtype = block.shape[1:], block.dtype
            elif block.shape[1:] != shape:
                raise DataError(f"{path} has {block.shape[1]} numbers in row {done} and {shape[0]} before")
            file.write(np.ascontiguousarray(block).data)
            done += len(block)
            report(f"reading {path.name}", done, of=n)
        file.flush()
        return np.memmap(file, dtype, "r", 0, (n, *shape)) if done else np.empty((0, 0), dtype)


def _starts(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[pa.RecordBatch, int]]:
    start = 0
    for batch in batches:
        yield batch, start
        start += batch.num_rows


def _block(batch: pa.RecordBatch, start: int, path: Path) -> np.ndarray:
    """Rows of one batch as numbers, ``[r]`` or ``[r d]``; the first of them is row ``start`` of the file."""
    columns = []
    for column in batch.columns:
        whole = column.flatten() if _is_list(column.type) else column
        if column.null_count or whole.null_count:
            missing = next(row for row, value in enumerate(column.to_pylist()) if value is None or _has_gap(value))
            raise DataError(f"{path} has no value in row {start + missing}", hint="fill or remove that row")
        values = whole.to_numpy(zero_copy_only=False)
        if _is_list(column.type):
            length = len(values) // max(1, len(column))
            free = hasattr(column, "value_lengths")  # lists of fixed size have none to tell
            sizes = column.value_lengths().to_numpy(zero_copy_only=False) if free else np.full(len(column), length)
            if np.any(sizes != length):
                odd = int(np.flatnonzero(sizes != sizes[0])[0])
                raise DataError(f"{path} has {sizes[odd]} numbers in row {start + odd} and {sizes[0]} before")
            values = values.reshape(len(column), length)
        columns.append(values)
    if len(columns) == 1:
        return columns[0]
    return np.stack(columns, axis=1).astype(np.result_type(*columns), copy=False)


def _has_gap(value: Any) -> bool:
    return isinstance(value, list) and any(each is None for each in value)


def _chosen(path: Path, kind: str, name: str | None, known: list[str]) -> str:
    if name is None and len(known) == 1:
        return known[0]
    listed = ", ".join(known[:20]) or "none"
    if name is None:
        raise DataError(f"{path} holds {len(known)} {kind}s of numbers: {listed}", hint=f"name one as {path}:NAME")
    if name not in known:
        raise DataError(f"{path} has no {kind} {name!r} of numbers; it has {listed}")
    return name


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow as pa

    nested = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return nested and _is_number(kind.value_type)


def _is_number(kind: pa.DataType) -> bool:
    import pyarrow as pa

    return pa.types.is_floating(kind) or pa.types.is_integer(kind)
