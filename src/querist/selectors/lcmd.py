"""Largest cluster, maximum distance: split the cluster that costs most, at the point farthest from its centre.

Paper: holzmuller2023framework, LCMD in mode TP (labelled points are centres from the start). It refuses outliers the
power they have in k-center, because a cluster is as large as the sum over its points. Cost: at most ``O(n k d)`` time,
less where the triangle inequality rules clusters out; ``O(n)`` memory beside the points.
"""

from __future__ import annotations

from typing import Any

import torch

from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, positions, refuse_impossible, shuffled
from querist.selectors.memory import Memory
from querist.selectors.points import TILE, Distances, as_points

_SLACK = 1e-4
"""Share of a gap between centres that rounding may have added."""


def lcmd(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions picked one at a time: the farthest of the cluster with the largest sum of squared distances.

    Every open point belongs to the nearest centre; labelled points and picks are the centres.

    Args:
        points: ``[n d]`` table (torch or numpy), or factored points.
        k: how many.
        labelled: positions that are centres already, never returned. Without any, the longest vector comes first.
        candidates: positions that may be returned; all if ``None``. Only they count in a cluster.
        rng: breaks ties, and draws the rest once every point is at a centre; a generator with seed 0 if ``None``.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> points = torch.tensor([[0.0], [10.0], [13.0], [14.0], [15.0], [-6.0]])
        >>> lcmd(points, k=2, labelled=[0, 1]).tolist()   # 9 + 16 + 25 around 10, 36 around 0
        [4, 5]
    """
    return lcmd_clusters(points, k=k, labelled=labelled, candidates=candidates, rng=rng, memory_mb=memory_mb)[0]


def lcmd_clusters(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    memory_mb: float | None = None,
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"], Int[Tensor, "k"]]:
    """:func:`lcmd`, how far each pick was from its centre, and how many points its cluster held."""
    rng = generator(0) if rng is None else rng
    table = as_points(points)
    free = free_positions(len(table), labelled, candidates, table.device)
    refuse_impossible(k, len(free))
    known = positions("labelled", labelled, len(table), table.device).unique()
    memory = Memory("lcmd", memory_mb, held=64 * len(table) + 32 * (k + len(known)))
    apart = Distances(table, tile=memory.tile(TILE, least=8 * table.width))
    clusters = _Clusters(apart, free, capacity=k + len(known))
    # Equals are settled by these random ranks, not by place.
    rank = torch.empty(len(table), dtype=torch.long, device=table.device)
    rank[shuffled(torch.arange(len(table), device=table.device), rng)] = torch.arange(len(table)).to(table.device)
    clusters.start(known)

    picked, squared, sizes = [], [], []
    for done in range(k):
        report("lcmd", done, of=k)
        if not clusters.count:
            best, own = _best(table.squared_norms, free, rank), free
        else:
            costs = clusters.costs()
            if not float(costs.max()) > 0:
                rest = shuffled(torch.nonzero(clusters.open).flatten(), rng)[: k - done]
                picked.extend(rest.tolist())
                squared.extend([0.0] * len(rest))
                sizes.extend([1] * len(rest))
                break
            equals = (costs == costs.max())[clusters.own] & clusters.open
            best = _best(clusters.squared, torch.nonzero(equals).flatten(), rank)
            own = torch.nonzero((clusters.own == clusters.own[best]) & clusters.open)
        picked.append(best)
        squared.append(float(clusters.squared[best]))
        sizes.append(len(own))
        clusters.add(best)
    answer = torch.tensor(picked, device=table.device)
    return answer, torch.tensor(squared).sqrt(), torch.tensor(sizes)


class _Clusters:
    """The nearest centre of every point, and its squared distance."""

    def __init__(self, apart: Distances, free: Tensor, *, capacity: int) -> None:
        n, device = len(apart.norms), apart.norms.device
        self.apart, self.count = apart, 0
        self.open = torch.zeros(n, dtype=torch.bool, device=device)
        self.open[free] = True
        self.squared = torch.full((n,), torch.inf, dtype=apart.norms.dtype, device=device)
        self.own = torch.zeros(n, dtype=torch.long, device=device)
        self.centres = torch.empty(capacity, dtype=torch.long, device=device)

    def start(self, known: Int[Tensor, "m"]) -> None:
        """Let positions be the first centres."""
        self.open[known] = False
        self.centres[: len(known)] = known
        self.count = len(known)
        for first in range(0, len(known), 256):
            centres = self.apart.take(known[first : first + 256])
            step = max(1, self.apart.tile // max(len(centres), self.apart.points.width))
            for start in range(0, len(self.own), step):
                some = slice(start, start + step)
                squared, own = self.apart.to(centres, some).min(1)
                closer = squared < self.squared[some]
                self.own[some] = torch.where(closer, own + first, self.own[some])
                self.squared[some] = torch.where(closer, squared, self.squared[some])

    def add(self, pos: int) -> None:
        """Let a position be one more centre."""
        new = torch.tensor([pos], device=self.own.device)
        rows: Tensor | None = None
        if self.count:
            # A point nearer its centre than half the way from there to the new one stays where it is.
            gap = self.apart.between(self.centres[: self.count], new).flatten()
            near = 4 * self.squared > (1 - _SLACK) * gap[self.own]
            touched = torch.nonzero(near & self.open).flatten()
            # Rows gathered are rows copied: that pays for few of them only.
            rows = touched if 8 * len(touched) < len(near) else None
        step = max(1, self.apart.tile // self.apart.points.width)
        for start in range(0, len(self.own) if rows is None else len(rows), step):
            some = slice(start, start + step) if rows is None else rows[start : start + step]
            squared = self.apart.between(some, new).flatten()
            closer = squared < self.squared[some]
            self.own[some] = torch.where(closer, self.count, self.own[some])
            self.squared[some] = torch.where(closer, squared, self.squared[some])
        self.open[pos] = False
        self.centres[self.count] = pos
        self.count += 1

    def costs(self) -> Float[Tensor, "clusters"]:
        """Sum of squared distances of the open points of each cluster."""
        weights = self.squared.double().masked_fill(~self.open, 0)
        return torch.zeros(self.count, dtype=torch.float64, device=weights.device).index_add_(0, self.own, weights)


def _best(values: Tensor, among: Tensor, rank: Tensor) -> int:
    equals = among[values[among] == values[among].max()]
    return int(equals[rank[equals].argmin()])
