"""Tables of columns (from csv, parquet, jsonl, Hugging Face) as a pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from querist.core.errors import DataError, NonFinite
from querist.pool.arrays import as_table
from querist.pool.columns import Columns, Roles, listed, roles_of
from querist.pool.images import ImagePayloads
from querist.pool.part import Part
from querist.pool.payloads import ArrayPayloads, ListPayloads, Payloads
from querist.pool.pool import Pool
from querist.pool.split import SPLITS, split_named
from querist.pool.truth import Label, as_label

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True, eq=False)
class NamedTable:
    """The rows of one file.

    Args:
        name: what keys and messages call it.
        split: what its name says; ``None`` if it says nothing.
        rows: the columns.
        folder: where relative paths of images start.
    """

    name: str
    split: str | None
    rows: pa.Table
    folder: Path = Path()


_MANY_CLASSES = 50
"""More different whole numbers than this among the labels are worth a word: they may be amounts, not classes."""


class _Places:
    """Which file, and which row of it, a row of all tables together is."""

    def __init__(self, tables: Sequence[NamedTable]) -> None:
        self.tables = tables
        self.starts = np.cumsum([0, *(table.rows.num_rows for table in tables)])

    def __getitem__(self, row: int) -> tuple[NamedTable, int]:
        at = int(np.searchsorted(self.starts, row, side="right")) - 1
        return self.tables[at], row - int(self.starts[at])

    def named(self, row: int) -> str:
        table, place = self[row]
        return f"{place} of {table.name}"


def pool_of_tables(
    tables: Sequence[NamedTable], *, columns: Columns, name: str, where: str, test: float, skip_bad: bool, seed: int
) -> Pool:
    """One pool over the rows of all tables.

    Args:
        tables: in the order of row ids.
        columns: what the person named; the rest is guessed and noted.
        name: of the pool.
        where: what messages call the data.
        test: share to hold out where no split is given.
        skip_bad: leave unreadable images out.
        seed: of that share.

    Raises:
        DataError: no rows, columns that are missing or differ between files, a cell that is no payload (named).
    """
    tables = [table for table in tables if table.rows.num_rows]
    if not tables:
        raise DataError(f"{where} holds no rows", hint="give a file with data in it")
    places = _Places(tables)
    whole = _together(tables, where)
    roles = roles_of(whole, columns, where=where, files_are_splits=any(table.split for table in tables))
    _check_payload_columns(tables, roles)
    notes = list(roles.notes)
    splits = _splits(whole, roles, places)
    labels = _labels(whole, roles, notes)
    payloads, kept = _payloads(whole, roles, places, skip_bad, notes)
    if kept is not None:
        splits, labels = [splits[row] for row in kept], [labels[row] for row in kept]
    rows = range(whole.num_rows) if kept is None else kept
    keys = [f"{table.name}/{place}" for table, place in (places[row] for row in rows)]
    part = Part(payloads=payloads, labels=labels, keys=keys, split=splits)
    pool = Pool([part], modality=roles.modality, name=name, test=test, notes=notes, seed=seed)
    pool.columns = roles.payload
    return pool


def _together(tables: Sequence[NamedTable], where: str) -> pa.Table:
    """All rows under the columns of the first file; a file that lacks the label has none for its rows."""
    import pyarrow as pa

    first = tables[0].rows.column_names
    for table in tables:
        if table.split is None and set(table.rows.column_names) != set(first):
            raise DataError(
                f"the files of {where} are no parts of one table: {tables[0].name} has the columns {listed(first)}, "
                f"{table.name} has {listed(table.rows.column_names)}",
                hint="give one of the files",
            )
    shared = [table.rows.select([name for name in first if name in table.rows.column_names]) for table in tables]
    try:
        return pa.concat_tables(shared, promote_options="permissive")
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise DataError(f"the files of {where} differ in a column's type: {error}", hint="give one of them") from error


def _check_payload_columns(tables: Sequence[NamedTable], roles: Roles) -> None:
    """Every file must have what the payloads are made of."""
    for table in tables:
        for name in roles.payload:
            if name not in table.rows.column_names:
                raise DataError(
                    f"{table.name} has no column {name!r}; its columns are {listed(table.rows.column_names)}",
                    hint=f"{tables[0].name} has it, so give it that column or leave the file out",
                )


def _splits(whole: pa.Table, roles: Roles, places: _Places) -> list[str]:
    """The split of each row, from the split column or the file."""
    if roles.split is None:
        return [table.split or "train" for table in places.tables for _ in range(table.rows.num_rows)]
    words = whole[roles.split].to_pylist()
    meaning = {word: split_named(str(word)) for word in set(words)}
    for row, word in enumerate(words):
        if meaning[word] is None:
            raise DataError(
                f"column {roles.split!r} of row {places.named(row)} says {word!r}", hint=f"use {', '.join(SPLITS)}"
            )
    return [str(meaning[word]) for word in words]


def _labels(whole: pa.Table, roles: Roles, notes: list[str]) -> list[Label | None]:
    """The label of each row as plain data."""
    if roles.label is None:
        return [None] * whole.num_rows
    labels = [as_label(value) for value in _plain(whole[roles.label]).to_pylist()]
    if any(isinstance(label, str) and "|" in label for label in labels):
        notes.append(f"labels in column {roles.label!r} are parted at | into several classes a row, a lone | is none")
        labels = [
            [one for word in label.split("|") if (one := word.strip())] if isinstance(label, str) else label
            for label in labels
        ]
    if str(whole.schema.field(roles.label).type).startswith(("int", "uint")) and len(set(labels)) > _MANY_CLASSES:
        notes.append(
            f"the whole numbers in column {roles.label!r} are {len(set(labels))} classes, unless the task is regression"
        )
    unknown = sum(label is None for label in labels)
    if unknown:
        notes.append(f"{unknown} of {len(labels)} rows have no label")
    return labels


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Dictionary-encoded values written out, decimals as floats."""
    import pyarrow.types as types

    if types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast("float64") if types.is_decimal(column.type) else column


def _payloads(
    whole: pa.Table, roles: Roles, places: _Places, skip_bad: bool, notes: list[str]
) -> tuple[Payloads, list[int] | None]:
    """The payloads, and which rows they are of if not of all."""
    if roles.modality == "table":
        return ArrayPayloads(_features(whole, roles.payload, places)), None
    values = _plain(whole[roles.payload[0]]).to_pylist()
    if roles.modality == "image":
        names = [f"row {places.named(row)}" for row in range(len(values))]
        images = ImagePayloads(
            [_encoded(value, places[row][0].folder) for row, value in enumerate(values)], names, skip_bad=skip_bad
        )
        notes.extend(f"skipped: {why}" for why in images.skipped)
        return images, images.kept
    for row, value in enumerate(values):
        if value is None or (isinstance(value, list) and None in value):
            raise DataError(
                f"column {roles.payload[0]!r} of row {places.named(row)} is empty", hint="remove the row or fill it"
            )
    return ListPayloads(values), None


def _features(whole: pa.Table, names: tuple[str, ...], places: _Places) -> np.ndarray:
    """The columns ``names`` side by side as finite float32 ``[n d]``."""
    table = np.empty((whole.num_rows, len(names)), np.float32)
    for at, name in enumerate(names):
        # A missing cell becomes NaN on the way, and is named below.
        with np.errstate(over="ignore"):
            table[:, at] = _plain(whole[name]).cast("float64").to_numpy()
    try:
        return as_table(table, names)
    except NonFinite as error:
        what = error.message.partition(" of row ")[0]
        raise NonFinite(what, places.named(int(error.row)), hint=error.hint) from None


def _encoded(value: Any, folder: Path) -> Path | bytes:
    """An image cell: its bytes, or the file it names. An empty cell stays empty and is named when it is read."""
    if isinstance(value, dict):
        value = value["bytes"] if value["bytes"] is not None or not value["path"] else folder / value["path"]
    return value if value is not None else b""
