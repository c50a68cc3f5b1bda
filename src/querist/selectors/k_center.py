"""k-center: the farthest point again and again, so that every point has a pick nearby.

Paper: gonzalez1985clustering; in active learning sener2018coreset and geifman2017deep. The radius is at most twice
the best possible one. Cost: at most ``O(n k d)`` time in matrix products, far less where most points never come to
the front; ``O(n + k d)`` memory beside the points.

Distances to the chosen set only fall, so an old distance is a bound. Only points whose bounds are among the largest
are measured again, against the picks that they have not met; and the largest few are settled among themselves. Each
pick is the one that a look at all points would have given.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, positions, refuse_impossible, shuffled
from querist.selectors.memory import Memory
from querist.selectors.points import TILE, Distances, as_points

_FRONT = 1024
"""Points of largest bound that are measured again together, to begin with."""
_FEW, _MANY = 48, 400
"""Picks of a front below which the next is twice as large, and above which half."""
_BLOCK = 128
"""Farthest points whose picks are settled by their mutual distances alone."""


def k_center(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions picked farthest first: each is the farthest from the labelled points and the picks before it.

    Args:
        points: ``[n d]`` table (torch or numpy, mapped from a file too), or factored points.
        k: how many.
        labelled: positions that are covered already, never returned. Without any, the first pick is random.
        candidates: positions that may be returned; all if ``None``. Only they are to be covered.
        rng: draws that first pick, and the rest once every distance is 0; a generator with seed 0 if ``None``.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> k_center(torch.tensor([[0.0], [1.0], [7.0], [10.0]]), k=2, labelled=[0]).tolist()
        [3, 2]
    """
    return k_center_radii(points, k=k, labelled=labelled, candidates=candidates, rng=rng, memory_mb=memory_mb)[0]


def k_center_radii(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    memory_mb: float | None = None,
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
    """:func:`k_center`, and how far each pick was from all before it (infinitely, if there were none).

    The distances fall from pick to pick; what the next one would be is the radius of the cover.
    """
    rng = generator(0) if rng is None else rng
    table = as_points(points)
    free = free_positions(len(table), labelled, candidates, table.device)
    refuse_impossible(k, len(free))
    memory = Memory("k_center", memory_mb, held=16 * len(table) + 8 * k * (table.width + 4))
    front = memory.tile(TILE << 2, least=4 * table.width) // (2 * table.width)
    known = positions("labelled", labelled, len(table), table.device)
    bounds = _Bounds(Distances(table, tile=memory.tile(TILE, least=table.width)), free, known)

    picked, squared = [], []
    if not len(known):
        first = shuffled(free, rng)[:1]
        picked, squared = [first], [bounds.bound[first].clone()]
        bounds.measure_all(first)
    size = _FRONT
    while (done := sum(map(len, picked))) < k:
        report("k_center", done, of=k)
        new, far, size = bounds.settle_front(min(size, front), k - done)
        if not len(new) and not float(bounds.bound.max()) > 0:
            # All that is left coincides with a centre: no order is better than another.
            new = shuffled(torch.nonzero(bounds.bound == 0).flatten(), rng)[: k - done]
            far = bounds.bound[new]
        picked.append(new)
        squared.append(far)
    return torch.cat(picked), torch.cat(squared).sqrt()


class _Bounds:
    """Squared distance of every point to the nearest centre, as of the last time that it was measured.

    Args:
        apart: distances between all points.
        free: positions that may be picked; the others stay below all of them.
        known: centres from the start.
    """

    def __init__(self, apart: Distances, free: Tensor, known: Tensor) -> None:
        self.apart = apart
        self.bound = torch.full((len(apart),), -torch.inf, dtype=apart.norms.dtype, device=free.device)
        self.bound[free] = torch.inf
        self._seen = torch.zeros(len(apart), dtype=torch.int32, device=free.device)
        """How many of the fronts' picks each point has been measured against."""
        self._picks: list[Distances] = []
        apart.nearest(self.bound, known)

    def measure_all(self, pos: Int[Tensor, "q"]) -> None:
        """Let ``pos`` be centres that every point has met."""
        self.apart.nearest(self.bound, pos)
        self.bound[pos] = -torch.inf

    def settle_front(self, size: int, k: int) -> tuple[Tensor, Tensor, int]:
        """The next picks, up to ``k``, that the points of largest bound decide; there may be none yet.

        Returns:
            Picks, their squared distances, and the size that the next front should have.
        """
        front, limit = self._front(min(size, len(self.bound)))
        mine = self.apart.take(front)
        distance = self.bound[front]
        ages = self._seen[front].cpu().numpy()
        for age in range(int(ages[0]), len(self._picks)):
            older = slice(0, int(np.searchsorted(ages, age, side="right")))  # those that have not met these picks
            _lower(distance, mine, self._picks[age], older)
        places, far = _settle(mine, distance, limit, k)
        new = front[places]
        if len(new):
            self._picks.append(mine.take(places))
        self.bound[front] = distance
        self._seen[front] = len(self._picks)
        if len(new) < _FEW:
            return new, far, 2 * size
        return new, far, size // 2 if len(new) > _MANY and size > _FRONT // 2 else size

    def _front(self, size: int) -> tuple[Tensor, float]:
        """Positions of the largest bounds, the longest not measured first, and the largest bound outside."""
        if size == len(self.bound):
            front, limit = torch.arange(size, device=self.bound.device), 0.0
        else:
            values, front = self.bound.topk(size + 1)
            front, limit = front[:-1].sort().values, max(float(values[-1]), 0.0)
        return front[torch.argsort(self._seen[front], stable=True)], limit


def _lower(distance: Tensor, mine: Distances, centres: Distances, rows: slice) -> None:
    """Lower the distances of some points to those to the nearest of the centres, tile by tile."""
    step = max(1, mine.tile // max(1, len(centres)))
    for start in range(rows.start, rows.stop, step):
        some = slice(start, min(start + step, rows.stop))
        # A pick is at -infinity, where it stays.
        torch.minimum(distance[some], mine.to(centres, some).amin(1), out=distance[some])


def _settle(mine: Distances, distance: Float[Tensor, "q"], limit: float, k: int) -> tuple[Tensor, Tensor]:
    """Farthest first among these points, as long as the farthest is beyond ``limit``; lowers ``distance`` in place.

    The farthest few are settled by their mutual distances, as long as they are beyond all others here.
    """
    places, far = [], []
    left = k
    while left:
        size = min(_BLOCK, len(distance))
        values, block = distance.topk(min(size + 1, len(distance)))
        nearest_outside = max(limit, float(values[-1])) if len(values) > size else limit
        block = block[:size]
        among = mine.between(block, block).cpu().numpy()
        order, beyond = farthest_first(among, values[:size].cpu().numpy(), nearest_outside, left)
        if not len(order):
            break
        new = block[torch.from_numpy(order).to(block.device)]
        places.append(new)
        far.append(torch.from_numpy(beyond).to(block.device))
        left -= len(new)
        _lower(distance, mine, mine.take(new), slice(0, len(distance)))
        distance[new] = -torch.inf
    if not places:
        return torch.empty(0, dtype=torch.long, device=distance.device), distance[:0]
    return torch.cat(places), torch.cat(far)


def farthest_first(among: np.ndarray, distance: np.ndarray, limit: float, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Up to ``k`` places and distances, farthest first, none nearer than ``limit`` or at a centre."""
    distance = distance.copy()
    order: list[int] = []
    far = np.empty(min(k, len(distance)), dtype=distance.dtype)
    while len(order) < len(far):
        best = int(distance.argmax())
        if distance[best] < limit or not distance[best] > 0:
            break
        far[len(order)] = distance[best]
        order.append(best)
        np.minimum(distance, among[best], out=distance)
        distance[best] = -np.inf
    return np.array(order, dtype=np.int64), far[: len(order)]
