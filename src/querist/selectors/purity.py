"""How large balls may be while they stay pure: the radius for :func:`~querist.selectors.cover.cover`.

Paper: yehuda2022active. Classes are not known, so clusters of k-means stand for them; a ball is pure if all points in
it belong to the cluster of its centre, and the largest radius is taken at which enough balls are. A ball stops being
pure when it reaches the nearest point of another cluster, so that radius is a quantile of those distances: found
at once, where the authors try one radius after the other.

Cost: k-means, then ``O(b n d)`` time for ``b`` balls; ``O(n)`` memory beside the points and what k-means takes.
"""

from __future__ import annotations

import math
from typing import Any

import torch

from querist.core.errors import DataError, UsageError
from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Generator
from querist.selectors.base import free_positions, refuse_impossible, shuffled
from querist.selectors.kmeans import best_clusters
from querist.selectors.memory import Memory
from querist.selectors.points import TILE, DensePoints, Distances, as_points

_JUST_BELOW = 1e-6
"""Share of the radius that keeps the first impure point outside."""


def pure_radius(
    points: Any,
    *,
    clusters: int,
    candidates: Any = None,
    rng: Generator | None = None,
    purity: float = 0.95,
    balls: int = 4096,
    starts: int = 10,
    steps: int = 25,
    memory_mb: float | None = None,
) -> float:
    """The largest radius at which a share ``purity`` of the balls around points hold one cluster only.

    Args:
        points: ``[n d]`` table (torch or numpy, mapped from a file too).
        clusters: how many are formed: the number of classes. Never more than there are points.
        candidates: positions that count; all if ``None``.
        rng: draws the first centres and the balls; a generator with seed 0 if ``None``.
        purity: ``alpha`` of the paper, above 0 and up to 1.
        balls: points whose balls are looked at, drawn at random where there are more. With 4,096 of them the share is
            right to 0.003.
        starts: times that k-means is run; the best counts, because a class split in two makes all its balls impure.
        steps: times that the centres of k-means move.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Returns:
        The radius. Where all points fall into one cluster it is one that reaches from each of them to all others.

    Raises:
        UsageError: clusters, balls or starts below 1, a purity outside 0 to 1.
        PoolExhausted: no points.
        DataError: points in factors.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> points = torch.tensor([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0]])
        >>> round(pure_radius(points, clusters=2), 3), round(pure_radius(points, clusters=2, purity=0.6), 3)
        (8.0, 9.0)
    """
    if not 0 < purity <= 1 or balls < 1 or clusters < 1:
        raise UsageError(
            f"a purity of {purity} was asked for, of {balls} balls in {clusters} clusters",
            hint="give a share up to 1, and 1 or more of both",
        )
    rng = generator(0) if rng is None else rng
    table = as_points(points)
    if not isinstance(table, DensePoints):
        raise DataError("pure balls need vectors written out", hint="pass points.dense()")
    free = free_positions(len(table), None, candidates, table.device)
    refuse_impossible(1, len(free))
    memory = Memory("pure_radius", memory_mb, held=64 * len(table))
    tile = memory.tile(TILE, least=32 * table.width)
    count = min(clusters, len(free))
    found = best_clusters(table, free, k=count, rng=rng, starts=starts, steps=steps, memory_mb=memory_mb)
    own = found.own.to(free.device)
    apart = Distances(table, tile=tile)
    centres = shuffled(torch.arange(len(free), device=free.device), rng)[:balls]
    reach = torch.full((len(centres),), torch.inf, dtype=apart.norms.dtype, device=free.device)
    blocks = torch.arange(len(free), device=free.device).split(max(1, tile // max(table.width, 256)))
    for done, block in enumerate(blocks):
        report("pure_radius", done, of=len(blocks))
        others = apart.take(free[block])
        for start in range(0, len(centres), 256):
            at = slice(start, start + 256)
            squared = apart.take(free[centres[at]]).to(others)
            squared.masked_fill_(own[centres[at], None] == own[block], torch.inf)
            torch.minimum(reach[at], squared.amin(1), out=reach[at])
    impure = math.floor((1 - purity) * len(reach) + 1e-9)
    radius = float(reach.sort().values[min(impure, len(reach) - 1)].sqrt())
    return radius * (1 - _JUST_BELOW) if math.isfinite(radius) else 2 * float(found.squared.max().sqrt())
