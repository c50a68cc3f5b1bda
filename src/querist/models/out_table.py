"""Answers of a whole table, filled in batch by batch in whatever order the batches were run."""

from __future__ import annotations

from typing import Any

import torch

from querist.core.types import Int, Tensor
from querist.views.base import View


class OutTable:
    """One tensor a view, allocated when its first batch arrives.

    Args:
        n: rows of the table.
        counts: units of each row ``[n]``; ``None`` where a row is its one unit.
    """

    def __init__(self, n: int, counts: Int[Tensor, "n"] | None) -> None:
        self.n = n
        self.offsets = None if counts is None else torch.cat([counts.new_zeros(1), counts.cumsum(0)])
        self.views: dict[View, Any] = {}

    def put(self, view: View, pos: Int[Tensor, "b"], answer: Tensor) -> None:
        """The answer to ``view`` for the rows at ``pos``; its units stand row by row in that order."""
        at, size = pos, self.n
        if view.scope == "unit" and self.offsets is not None:
            at, size = self.units_of(pos), int(self.offsets[-1])
        answer = answer.detach().cpu()
        if view not in self.views:
            shape = list(answer.shape)
            shape[view.row_axis] = size
            self.views[view] = answer.new_empty(shape)
        self.views[view].index_copy_(view.row_axis, at, answer)

    def units_of(self, pos: Int[Tensor, "b"]) -> Int[Tensor, "u"]:
        """Places in the unit table of the units of the rows at ``pos``, row after row."""
        assert self.offsets is not None
        starts = self.offsets[pos]
        counts = self.offsets[pos + 1] - starts
        # Within each row 0, 1, 2, ...: the running number minus the units of the rows before it.
        before = counts.cumsum(0) - counts
        return torch.repeat_interleave(starts - before, counts) + torch.arange(int(counts.sum()))
