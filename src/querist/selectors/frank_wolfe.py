"""Frank-Wolfe: a few rows whose vectors, each taken so and so many times, add up to those of all rows.

Paper: pinsler2019bayesian (ACS-FW); the algorithm is frank1956algorithm. With ``L_n`` the vector of row ``n``, ``s_n``
its length and ``L`` the sum of all, weights ``w >= 0`` with ``sum_n w_n s_n = sum_n s_n`` are to make ``L(w) =
sum_n w_n L_n`` come near ``L``. Each step goes from ``L(w)`` towards the row that points most nearly along what is
missing, as far as brings it nearest. The batch is the rows that have any weight.

The paper takes ``k`` steps and whatever rows they reach, which may be fewer, because a step can come back to a row.
Here steps go on until ``k`` rows have a weight. Once several in a row reach none that is new, or nothing is missing any
more, the rows with a weight are set aside and it begins again with the sum of all others. As in the authors' program
``s_n^2 = |L_n|^2 + 1e-6``, so that vectors of next to no length are not taken for their direction alone.

Cost: one product of the table with a vector a step, ``O(n d)``; ``O(n + k + d)`` memory beside the features. Bounds
from earlier scores save none of them: what is missing turns further in one step than the best rows lie apart.
"""

from __future__ import annotations

from typing import Any

import torch

from querist.core.errors import DataError
from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, refuse_impossible, shuffled
from querist.selectors.memory import Memory
from querist.selectors.points import TILE, DensePoints, as_points, products

_JITTER = 1e-6
"""Squared length that is added to each vector's own."""
_PATIENCE = 10
"""Steps in a row, beyond one for each row with a weight, that reach none that is new before it begins again."""
_REACHED = 1e-6
"""Share of the sum that counts as nothing missing."""


def frank_wolfe(
    features: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions whose vectors, weighted, stand for the sum of all open ones, in the order in which they got a weight.

    Args:
        features: ``[n d]`` (torch or numpy, mapped from a file too), the paper's ``L_n``: a row's log-likelihood under
            networks that were drawn, or any other vectors that may be added up.
        k: how many.
        labelled: positions that are neither returned nor part of the sum.
        candidates: positions that may be returned, and that the sum is over; all if ``None``.
        rng: breaks ties, and draws the rest once nothing is missing; a generator with seed 0 if ``None``.
        memory_mb: megabytes that may be taken beside the features; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open.
        DataError: features that are no dense table.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> frank_wolfe(torch.tensor([[4.0, 0.0], [4.0, 0.1], [4.0, 0.2], [0.0, 1.0]]), k=2).tolist()
        [2, 3]
    """
    return frank_wolfe_weights(features, k=k, labelled=labelled, candidates=candidates, rng=rng, memory_mb=memory_mb)[0]


frank_wolfe.known_gaps = {  # type: ignore[attr-defined]
    "prefix_law": "labelled rows are no longer part of the sum that the next ones are to stand for",
}


def frank_wolfe_weights(
    features: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    memory_mb: float | None = None,
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
    """:func:`frank_wolfe`, and the weight of each pick: how many times its vector is taken (0 if it was drawn)."""
    rng = generator(0) if rng is None else rng
    points = as_points(features)
    if not isinstance(points, DensePoints):
        raise DataError("the features are kept in factors", hint="give one vector a row, [n d]")
    free = free_positions(len(points), labelled, candidates, points.device)
    refuse_impossible(k, len(free))
    memory = Memory("frank_wolfe", memory_mb, held=48 * len(points) + 64 * points.width + 32 * k)
    rows = _Rows(points, free, rng, tile=memory.tile(TILE, itemsize=8, least=8 * points.width))

    picked: list[int] = []
    weights: list[float] = []
    while len(picked) < k:
        places, found = _approximate(rows, k - len(picked), done=len(picked), of=k)
        if not places:
            rest = shuffled(free[torch.isin(free, torch.tensor(picked, device=free.device), invert=True)], rng)
            picked += rest[: k - len(picked)].tolist()
            weights += [0.0] * (k - len(weights))
            break
        rows.set_aside(places)
        picked += places
        weights += found
    return torch.tensor(picked, device=free.device), torch.tensor(weights, dtype=torch.float64, device=free.device)


class _Rows:
    """The rows whose sum is to be met: their lengths, the sum, and how far each points along something.

    Args:
        points: all vectors.
        free: positions of those that count.
        rng: breaks ties.
        tile: numbers that stand in memory at once.
    """

    def __init__(self, points: DensePoints, free: Tensor, rng: Generator, *, tile: int) -> None:
        self.points = points
        self.lengths = (points.squared_norms + _JITTER).sqrt()
        self._open = torch.zeros(len(points), dtype=torch.bool, device=free.device)
        self._open[free] = True
        # Equals are settled by these random ranks, not by place.
        self._rank = shuffled(torch.arange(len(points), device=free.device), rng)
        self._scores = torch.empty_like(self.lengths)
        step = max(1, tile // max(1, points.width))
        self._blocks = [slice(start, min(start + step, len(points))) for start in range(0, len(points), step)]
        self.set_aside([])

    def set_aside(self, pos: list[int]) -> None:
        """Let rows count no more."""
        self._open[pos] = False
        # Added up anew: where all others are 0 the sum must be so too.
        sums = [self.points.rows(at)[self._open[at]].sum(0, dtype=torch.float64) for at in self._blocks]
        self.sum: Float[Tensor, "d"] = torch.stack(sums).sum(0)
        self.length = float(self.lengths[self._open].sum(dtype=torch.float64))

    def along(self, direction: Float[Tensor, "d"], known: list[int]) -> int:
        """The open position that points most nearly along; of equals one of ``known``, else a random one."""
        column = direction.to(self._scores.dtype)[None]
        for at in self._blocks:
            self._scores[at] = products(self.points.rows(at), column)[:, 0]
        self._scores.div_(self.lengths).masked_fill_(~self._open, -torch.inf)
        rounding = 16 * torch.finfo(self._scores.dtype).eps * direction.norm()
        equals = torch.nonzero(self._scores >= self._scores.max() - rounding).flatten()
        if len(equals) == 1:
            return int(equals)
        for pos in known:
            if pos in equals:
                return pos
        return int(equals[self._rank[equals].argmin()])


def _approximate(rows: _Rows, k: int, *, done: int, of: int) -> tuple[list[int], list[float]]:
    """Up to ``k`` positions that the sum of the open rows is made of, at least one unless there is no sum; weights."""
    reached = torch.zeros_like(rows.sum)
    weights: dict[int, float] = {}
    idle = 0
    while len(weights) < k and idle < _PATIENCE + len(weights):
        report("frank_wolfe", done + len(weights), of=of)
        missing = rows.sum - reached
        if not float(missing.norm()) > _REACHED * float(rows.sum.norm()):
            break
        pos = rows.along(missing, list(weights))
        often = rows.length / float(rows.lengths[pos])
        towards = rows.points.rows(slice(pos, pos + 1))[0].double() * often - reached
        gain = float(towards @ missing)
        if not gain > 0:
            break
        step = min(gain / float(towards @ towards), 1.0)
        reached += step * towards
        idle = idle + 1 if pos in weights else 0
        weights = {other: (1 - step) * weight for other, weight in weights.items()}
        weights[pos] = weights.get(pos, 0.0) + step * often
    return list(weights), list(weights.values())
