"""Rows that join the pool together, and where they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from querist.pool.payloads import Payloads
from querist.pool.truth import Label


@dataclass(frozen=True)
class Origin:
    """Where a row came from.

    Args:
        kind: ``source`` for rows that were read, else what made it (``synthesised``, ``perturbed``, ...).
        parent: pool id of the row it was made from.
    """

    kind: str = "source"
    parent: int | None = None


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """Rows that came together: a column of payloads and what is known of each, in order.

    Args:
        payloads: ``[n]``.
        labels: ``n`` labels, ``None`` where unknown.
        keys: ``n`` names that stay when the data grow: a path, or file and place.
        split: name of the split of all rows, or of each row.
    """

    payloads: Payloads
    labels: Sequence[Label | None]
    keys: Sequence[str]
    split: str | Sequence[str] = "train"


@dataclass(frozen=True)
class CountedKeys(Sequence[str]):
    """Keys of rows that have no name but their place: ``prefix/0``, ``prefix/1``, ... made when asked."""

    prefix: str
    size: int

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, pos: Any) -> Any:
        if not 0 <= pos < self.size:
            raise IndexError(pos)
        return f"{self.prefix}/{pos}"
