"""Where each row's payload lies: its part and its place there. Row ids are positions in this index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from querist.core.errors import DataError, UsageError
from querist.pool.part import Part
from querist.pool.payloads import stacked

GONE = -1
"""Stands for the part of a row whose payload is no longer there."""


class RowIndex:
    """Parts laid end to end; it grows by whole parts and can be put into another order."""

    def __init__(self) -> None:
        self.parts: list[Part] = []
        self._part = np.empty(0, np.int32)
        self._pos = np.empty(0, np.int64)
        self._gone: dict[int, str] = {}

    def __len__(self) -> int:
        return len(self._part)

    def append(self, part: Part) -> np.ndarray:
        """Give the rows of ``part`` the next ids, ``[b]``."""
        count = len(part.payloads)
        if not len(part.labels) == len(part.keys) == count:
            raise DataError(f"{count} payloads came with {len(part.labels)} labels and {len(part.keys)} keys")
        start = len(self)
        self._part = np.concatenate([self._part, np.full(count, len(self.parts), np.int32)])
        self._pos = np.concatenate([self._pos, np.arange(count)])
        self.parts.append(part)
        return np.arange(start, start + count)

    def checked(self, rows: Sequence[int] | np.ndarray) -> np.ndarray:
        """``rows`` as an int64 array, all of them there.

        Raises:
            UsageError: names the first that is not.
        """
        array = np.asarray(rows, dtype=np.int64).reshape(-1)
        bad = (array < 0) | (array >= len(self))
        if bad.any():
            raise UsageError(f"row {int(array[bad][0])} was asked for", hint=f"the pool has rows 0 to {len(self) - 1}")
        return array

    def payloads(self, rows: np.ndarray) -> np.ndarray | list[Any]:
        """Payloads of ``rows``, in their order."""
        owners = np.unique(self._part[rows])
        if len(owners) and owners[0] == GONE:
            lost = int(rows[self._part[rows] == GONE][0])
            raise DataError(f"the payload of row {lost} ({self._gone[lost]}) is gone", hint="put the file back")
        if len(owners) <= 1:
            return self.parts[int(owners[0]) if len(owners) else 0].payloads.take(self._pos[rows])
        mixed: list[Any] = [None] * len(rows)
        for owner in owners.tolist():
            places = np.flatnonzero(self._part[rows] == owner)
            taken = self.parts[owner].payloads.take(self._pos[rows[places]])
            for place, value in zip(places.tolist(), taken, strict=True):
                mixed[place] = value
        return stacked(mixed)

    def is_gone(self) -> np.ndarray:
        """Which rows have lost their payload, ``[n]`` of bool."""
        return self._part == GONE

    def key(self, row: int) -> str:
        """The key of one row."""
        return self._gone[row] if row in self._gone else self.parts[self._part[row]].keys[int(self._pos[row])]

    def keys(self) -> list[str]:
        """The key of every row."""
        return self._each([part.keys for part in self.parts], self._gone)

    def digests(self) -> list[bytes]:
        """A hash of every row's content; a row that is gone is like no other."""
        columns = [part.payloads.digests for part in self.parts]
        return self._each(columns, {row: b"gone:" + key.encode() for row, key in self._gone.items()})

    def _each(self, columns: Sequence[Sequence[Any]], gone: dict[int, Any]) -> list[Any]:
        if not gone and len(columns) == 1 and bool((np.diff(self._pos) == 1).all()):
            return list(columns[0])
        places = enumerate(zip(self._part.tolist(), self._pos.tolist(), strict=True))
        return [gone[row] if part == GONE else columns[part][pos] for row, (part, pos) in places]

    def ordered_by(self, keys: Sequence[str]) -> tuple[RowIndex, np.ndarray]:
        """This index with ``keys`` first and the other rows behind them, and each row's id before (:data:`GONE`)."""
        if len(set(keys)) < len(keys):
            raise UsageError("a key is named twice", hint="give each row's key once, as pool.keys() does")
        row_of = {key: row for row, key in enumerate(self.keys())}
        before = [row_of.pop(key, GONE) for key in keys]
        order = np.array(before + list(row_of.values()), np.int64)
        index = RowIndex()
        index.parts = list(self.parts)
        index._part = np.where(order == GONE, GONE, self._part[order]).astype(np.int32)
        index._pos = self._pos[order]
        index._gone = {row: keys[row] for row in np.flatnonzero(index._part == GONE).tolist()}
        return index, order
