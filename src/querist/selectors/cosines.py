"""Cosines of a pool with some points, nothing below 0, made tile by tile and forgotten."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch

from querist.core.errors import DataError
from querist.core.types import Float, Int, Tensor
from querist.selectors.base import positions
from querist.selectors.memory import Memory
from querist.selectors.points import TILE, FactoredPoints, Points, as_points, unit

_COLUMNS = 256
"""Columns that are computed together."""
Tile = tuple[slice, slice, Tensor]


def cosines_with(points: Points, pos: Int[Tensor, "q"]) -> Float[Tensor, "n q"]:
    """Cosine of every point with those at ``pos``; a zero vector has 0 with everything.

    Example:
        >>> cosines_with(as_points(torch.tensor([[3.0, 0.0], [0.0, 2.0], [1.0, 1.0]])), torch.tensor([2]))[:, 0]
        tensor([0.7071, 0.7071, 1.0000])
    """
    lengths = points.squared_norms.sqrt()
    weights = torch.where(lengths > 0, 1 / lengths, torch.zeros_like(lengths))
    widest = max(points.width, len(pos))
    step = max(1, Memory("cosines", None, held=4 * len(points) * (2 + len(pos))).tile(TILE, least=widest) // widest)
    # Divided afterwards, so that rows are read where they stand.
    starts = range(0, len(points), step)
    inner = torch.cat([points.products(pos, slice(start, min(start + step, len(points)))) for start in starts])
    return inner.mul_(weights[:, None]).mul_(weights[pos])


class Cosines:
    """The kernel ``s(x, y) = max(cos(x, y), 0)`` of the open points ``x`` and any points ``y``.

    Rows stay as long as they are: a tile holds ``|x| cos(x, y)``, and what it is compared with is multiplied by
    ``|x|`` once (``lengths``), instead of each tile divided by it (``weights``) each time.

    Args:
        points: all points.
        free: positions of the open ones, the rows.
        tile: numbers that stand in memory at once.
    """

    def __init__(self, points: Points, free: Int[Tensor, "q"], *, tile: int) -> None:
        self.points, self.free, self._tile = points, free, tile
        self._whole = len(free) == len(points)
        self._unit = unit(points)
        self.lengths = points.squared_norms[free].sqrt()
        # A zero vector is like nothing.
        self.weights = torch.where(self.lengths > 0, 1 / self.lengths, torch.zeros_like(self.lengths))

    def others(self, name: str, given: Any) -> Points:
        """Points that are compared with the pool: positions in it, or a table of their own.

        Raises:
            DataError: a position outside the pool, or vectors of another length.
        """
        if not isinstance(given, FactoredPoints) and torch.as_tensor([] if given is None else given).ndim < 2:
            return self.at(positions(name, given, len(self.points), self.free.device))
        table = as_points(given)
        if type(table) is not type(self.points) or table.width != self.points.width:
            raise DataError(f"{name} holds vectors of {table.width} numbers, the points have {self.points.width}")
        return unit(table)

    def at(self, pos: Int[Tensor, "q"]) -> Points:
        """Some of the pool's points as columns: gathered, and of length 1."""
        return self._unit.take(pos)

    def rows_at_once(self, columns: int) -> int:
        """How many points can be gathered and compared with that many columns at once."""
        return max(1, self._tile // max(columns, self.points.width))

    def tiles(self, columns: Points) -> Iterator[Tile]:
        """Slices of the rows and of the columns, and ``|x| cos(x, y)`` there."""
        for left in range(0, len(columns), _COLUMNS):
            across = slice(left, min(left + _COLUMNS, len(columns)))
            some = columns.take(across)
            step = max(1, self._tile // max(len(some), 1 if self._whole else self.points.width))
            for start in range(0, len(self.free), step):
                at = slice(start, min(start + step, len(self.free)))
                block = self.points.take(at if self._whole else self.free[at])
                yield at, across, block.products_with(some)  # type: ignore[arg-type]

    def sums(self, columns: Points, weigh: Callable[[slice, Tensor], Tensor]) -> Float[Tensor, "y"]:
        """For each column the sum over rows of what ``weigh`` makes of a tile, which it may overwrite."""
        total = torch.zeros(len(columns), dtype=torch.float64, device=self.free.device)
        for at, across, tile in self.tiles(columns):
            total[across] += self.weights[at] @ weigh(at, tile)
        return total

    def row_sums(self, columns: Points) -> Float[Tensor, "x"]:
        """What each open point has in common with the columns, together."""
        total = torch.zeros(len(self.free), dtype=torch.float64, device=self.free.device)
        for at, _, tile in self.tiles(columns):
            total[at] += tile.clamp_min_(0).sum(1) * self.weights[at]
        return total

    def best(self, columns: Points) -> Float[Tensor, "x"]:
        """``|x|`` times what each open point has in common with the nearest column; 0 without any."""
        best = torch.zeros_like(self.lengths)
        for at, _, tile in self.tiles(columns):
            torch.maximum(best[at], tile.amax(1), out=best[at])
        return best
