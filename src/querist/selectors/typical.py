"""Typical points: one from the middle of the densest spot of each cluster, where nothing is labelled first.

Paper: hacohen2022active, TypiClust. Known differences: the clustering is faiss's k-means (the authors' program takes
scikit-learn's, the best of ten runs, and beyond 50 clusters one of mini-batches); typicality is one over the mean
distance, as in the paper, where their program averages squared distances (``squared=True`` does that); clusters of
``least_size`` points or fewer, which they drop, come last instead, so that ``k`` picks can always be made.

Cost: k-means, then ``O(s^2 d)`` time for each pick from a cluster of ``s`` open points; ``O(n)`` memory beside the
points and what k-means takes. In a cluster of more than 16,384 the answer is approximate: that many, drawn at random,
are compared with each other, and the best 256 of them with the whole cluster.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from querist.core.errors import DataError, UsageError
from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, positions, refuse_impossible, shuffled
from querist.selectors.kmeans import best_clusters
from querist.selectors.memory import Memory
from querist.selectors.points import TILE, DensePoints, Distances, as_points

_FEW = 50
"""Clusters up to which k-means is run several times."""
_MANY = 16384
"""Points of a cluster beyond which as many, drawn at random, stand for all."""
_BEST = 256
"""How many of those are compared with the whole cluster."""
_ROWS = 256
"""Points whose neighbours are looked for together."""
_ROUNDING = 1e-5
"""Share of a distance by which rounding may set apart two that are equal."""


def typical(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    neighbours: int = 20,
    most_clusters: int = 500,
    least_size: int = 5,
    starts: int | None = None,
    steps: int = 25,
    squared: bool = False,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """The most typical point of each cluster in turn: those with fewest labelled points first, then the largest.

    Labelled and open points together form ``m + k`` clusters, so that ``k`` of them hold nothing labelled or more do
    than must. A point is typical if its nearest neighbours among the open points of its cluster are near; a pick
    leaves its cluster. Once every cluster had its turn the first is next again.

    Args:
        points: ``[n d]`` table (torch or numpy, mapped from a file too).
        k: how many.
        labelled: positions never returned; they shape the clusters.
        candidates: positions that may be returned; all if ``None``. Others take no part.
        rng: draws the first centres and breaks ties; a generator with seed 0 if ``None``.
        neighbours: ``K`` of the paper; never more than half of the open points of a cluster.
        most_clusters: the most clusters that are formed.
        least_size: clusters that hold no more points than this come after all others.
        starts: times that k-means is run, of which the best counts; 10 up to 50 clusters and 1 beyond if ``None``.
        steps: times that the centres move.
        squared: whether squared distances are averaged, as in the authors' program.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open; neighbours, clusters or starts below 1.
        DataError: points in factors.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> points = torch.tensor([[0.0], [1.0], [2.0], [3.0], [1.5], [1.6], [20.0], [21.0], [22.0], [23.0]])
        >>> sorted(typical(points, k=2, least_size=2).tolist())[0]
        4
    """
    return typical_clusters(
        points,
        k=k,
        labelled=labelled,
        candidates=candidates,
        rng=rng,
        neighbours=neighbours,
        most_clusters=most_clusters,
        least_size=least_size,
        starts=starts,
        steps=steps,
        squared=squared,
        memory_mb=memory_mb,
    )[0]


def typical_clusters(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    neighbours: int = 20,
    most_clusters: int = 500,
    least_size: int = 5,
    starts: int | None = None,
    steps: int = 25,
    squared: bool = False,
    memory_mb: float | None = None,
) -> tuple[Int[Tensor, "k"], Int[Tensor, "k"], Int[Tensor, "k"]]:
    """:func:`typical`, how many points the cluster of each pick holds, and how many of these are labelled."""
    if neighbours < 1 or most_clusters < 1:
        raise UsageError(f"{neighbours} neighbours in {most_clusters} clusters", hint="give 1 or more of both")
    rng = generator(0) if rng is None else rng
    table = as_points(points)
    if not isinstance(table, DensePoints):
        raise DataError("typical points need vectors written out", hint="pass points.dense()")
    free = free_positions(len(table), labelled, candidates, table.device)
    refuse_impossible(k, len(free))
    known = positions("labelled", labelled, len(table), table.device)
    memory = Memory("typical", memory_mb, held=64 * len(table))
    tile = memory.tile(TILE, least=_ROWS * 32)
    # Equals are settled by these random ranks, not by place.
    rank = torch.empty(len(table), dtype=torch.long, device=table.device)
    rank[shuffled(torch.arange(len(table), device=table.device), rng)] = torch.arange(len(table)).to(table.device)

    rows = torch.cat([free, known]).sort().values
    count = min(len(known) + k, most_clusters, len(rows))
    starts = (10 if count <= _FEW else 1) if starts is None else starts
    own = best_clusters(table, rows, k=count, rng=rng, starts=starts, steps=steps, memory_mb=memory_mb).own
    is_known = torch.isin(rows, known).cpu()
    sizes, labels = (torch.bincount(x, minlength=count).numpy() for x in (own, own[is_known]))
    order = torch.argsort(own[~is_known], stable=True)
    members = list(free[order.to(free.device)].split((sizes - labels).tolist()))
    apart = Distances(table, tile=tile)
    picked: list[int] = []
    clusters: list[int] = []
    # Fewest labelled, then largest; of equals the one whose first centre was drawn first.
    turns = np.lexsort((-sizes, labels, sizes <= least_size))
    for group in (turns[sizes[turns] > least_size], turns[sizes[turns] <= least_size]):
        while len(picked) < k and any(len(members[number]) for number in group):
            for number in group:
                if len(members[number]) and len(picked) < k:
                    report("typical", len(picked), of=k)
                    best = _most_typical(apart, members[number], rank, neighbours, squared=squared, rng=rng)
                    members[number] = members[number][members[number] != best]
                    picked.append(best)
                    clusters.append(int(number))
    answer = torch.tensor(picked, device=table.device)
    return answer, torch.from_numpy(sizes[clusters]), torch.from_numpy(labels[clusters])


def _most_typical(
    apart: Distances, pos: Int[Tensor, "s"], rank: Tensor, neighbours: int, *, squared: bool, rng: Generator
) -> int:
    """The position whose neighbours among all these are nearest."""
    near = min(neighbours, len(pos) // 2)
    if not near:
        return int(pos[0])
    some = pos
    if len(pos) > _MANY:
        some = shuffled(pos, rng)[:_MANY]
        some = some[_remoteness(apart, some, some, near, squared=squared).topk(_BEST, largest=False).indices]
    remoteness = _remoteness(apart, some, pos, near, squared=squared)
    equals = some[remoteness <= remoteness.min() * (1 + _ROUNDING)]
    return int(equals[rank[equals].argmin()])


def _remoteness(
    apart: Distances, some: Int[Tensor, "q"], pos: Int[Tensor, "s"], near: int, *, squared: bool
) -> Float[Tensor, "q"]:
    """Mean distance of each of some positions to the nearest few of all, itself left out."""
    found = []
    for block in some.split(_ROWS):
        mine = apart.take(block)
        nearest = torch.full((len(block), near), torch.inf, dtype=apart.norms.dtype, device=pos.device)
        for part in pos.split(max(near, apart.tile // max(_ROWS, apart.points.width))):
            tile = mine.to(apart.take(part)).masked_fill_(block[:, None] == part, torch.inf)
            few = tile.topk(min(near, len(part)), largest=False, sorted=False).values
            nearest = torch.cat([nearest, few], 1).topk(near, largest=False, sorted=False).values
        found.append((nearest if squared else nearest.sqrt()).mean(1))
    return torch.cat(found)
