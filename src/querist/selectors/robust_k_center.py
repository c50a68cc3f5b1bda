"""Robust k-center: the smallest radius at which ``k`` picks cover all points but a few outliers.

Paper: sener2018coreset, the robust core-set: mixed-integer programmes and a bisection of the radius between the greedy
answer and half of it. Known differences: HiGHS in the place of Gurobi; the programmes are asked about few points first
(see :mod:`~querist.selectors.covering`); radii are tried among distances, not among real numbers; and where there are
many points, the programme sees a coreset of them.

The coreset is what greedy k-center picks first, each standing for the points nearest to it (those nearer to a
labelled point need none). It weighs as many points as it stands for: that is what leaving it out costs. If ``k`` picks
cover the coreset within ``delta`` and all points lie within ``rho`` of it, then the picks cover all points within
``delta + rho``, but for as many as may be outliers. In the end the picks and those of greedy k-center are measured on
all points, and the better ones returned. Cost: greedy k-center of a coreset of ``c``, ``O(n (m + c) d)`` time, and a
search that is exponential in the worst case and ended by the clock; ``O(n + c d + c^2)`` memory beside the points.
"""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any

import torch

from querist.core.errors import Unproven, UsageError
from querist.core.rng import generator
from querist.core.types import Generator, Int, Tensor
from querist.selectors.base import free_positions, positions, refuse_impossible, shuffled
from querist.selectors.covering import Covering
from querist.selectors.k_center import k_center_radii
from querist.selectors.memory import Memory
from querist.selectors.points import TILE, Distances, as_points


def robust_k_center(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    outliers: float = 1e-4,
    coreset: int = 1000,
    timeout_s: float = 10.0,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions that leave no point but outliers far from a labelled point or a pick, never worse than k-center.

    The picks are chosen as a set. They are listed farthest first: each is the farthest from the labelled points and
    the picks before it, so the beginning of the list is a cover, too, but not the best of its size.

    Args:
        points: ``[n d]`` table (torch or numpy, mapped from a file too), or factored points.
        k: how many.
        labelled: positions that are covered already, never returned.
        candidates: positions that may be returned; all if ``None``. Only they are to be covered.
        rng: breaks ties, and draws greedy k-center's first pick where nothing is labelled; seed 0 if ``None``.
        outliers: share of the points to be covered that may stay uncovered, rounded down to whole points.
        coreset: points that the programme sees at most; must be over ``k``, unless all points are seen.
        timeout_s: seconds for the search. Where they run out, the answer is the best so far, is not known to be the
            best there is, and may be another one on another machine.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open, or not below a coreset that leaves points out;
            a share outside 0 to 1.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Warns:
        Unproven: the time ran out. :func:`robust_k_center_cover` says the same without a warning.

    Example:
        >>> points = torch.tensor([[0.0], [1.0], [2.0], [10.0], [11.0], [12.0], [99.0]])
        >>> sorted(robust_k_center(points, k=2, outliers=0.2).tolist())
        [1, 4]
    """
    cover = robust_k_center_cover(
        points,
        k=k,
        labelled=labelled,
        candidates=candidates,
        rng=rng,
        outliers=outliers,
        coreset=coreset,
        timeout_s=timeout_s,
        memory_mb=memory_mb,
    )
    if not cover.proven:
        warnings.warn(
            f"robust_k_center reached the radius {cover.radius:.4g} (greedy k-center: {cover.greedy:.4g}) in "
            f"{timeout_s:g} s and cannot say that it is the smallest; give it more time, or a smaller coreset",
            Unproven,
            stacklevel=2,
        )
    return cover.picked


@dataclass(frozen=True, kw_only=True, eq=False)
class RobustCover:
    """The answer of robust k-center, and how good it is. Radii leave the outliers out.

    Args:
        picked: positions, ``[k]``, farthest first.
        radius: at which the labelled points and the picks cover all points.
        greedy: the same for greedy k-center.
        coreset_radius: at which the labelled points and the coreset cover all points; 0 where it holds them all.
        programme_radius: at which the best set that was found covers the coreset.
        bound: no ``k`` points of the coreset cover it at a smaller radius.
        proven: whether that set is known to be the best.
        left_out: how many points may stay uncovered.
    """

    picked: Int[Tensor, "k"]
    radius: float
    greedy: float
    coreset_radius: float
    programme_radius: float
    bound: float
    proven: bool
    left_out: int


def robust_k_center_cover(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    outliers: float = 1e-4,
    coreset: int = 1000,
    timeout_s: float = 10.0,
    memory_mb: float | None = None,
) -> RobustCover:
    """:func:`robust_k_center`, with the radii that it reached and what is known about better ones."""
    if not 0 <= outliers < 1:
        raise UsageError(f"{outliers} of the points were to stay uncovered", hint="give a share from 0 to below 1")
    rng = generator(0) if rng is None else rng
    table = as_points(points)
    free = free_positions(len(table), labelled, candidates, table.device)
    refuse_impossible(k, len(free))
    size = min(coreset, len(free))
    if k >= size < len(free):
        raise UsageError(
            f"{k} picks were asked for from a coreset of {coreset} points",
            hint=f"give a coreset of more than {k}, or use k_center",
        )
    # Numbers a row; the coreset, twice; its distances and what a programme makes of them.
    memory = Memory(
        "robust_k_center", memory_mb, held=64 * len(table) + 16 * size * (table.width + 8) + 32 * size * size
    )
    tile = memory.tile(TILE, least=8 * table.width)
    apart = Distances(table, tile=tile)
    known = positions("labelled", labelled, len(table), table.device)
    covered = torch.full_like(apart.norms, torch.inf)
    apart.nearest(covered, known)

    found, beyond = k_center_radii(
        points, k=size, labelled=labelled, candidates=free, rng=rng, memory_mb=memory.left_mb()
    )
    greedy = found[:k]
    slack = math.floor(outliers * len(free))
    different = beyond > 0
    stand, beyond = found[different], beyond[different]
    if len(stand) <= k:  # every point coincides with a pick, or a labelled one
        nothing = dict.fromkeys(("radius", "greedy", "coreset_radius", "programme_radius", "bound"), 0.0)
        return RobustCover(picked=greedy, **nothing, proven=True, left_out=slack)
    whole = _Whole(apart, free, covered, slack)
    weights, coreset_radius = whole.stand_for(stand)
    # Of the farthest-first picks, these many may be left out, and two of the next k + 1 must share a centre.
    dropped = int((weights.sort().values.cumsum(0) <= slack).sum())
    last = min(k + dropped, len(stand) - 1)
    bound = float(beyond[last]) ** 2 / 4 * (1 - 1e-5) if last == k + dropped else 0.0
    # Of equals the first is taken; so the seed decides which that is.
    order = shuffled(torch.arange(len(stand)), rng).to(stand.device)
    where = torch.argsort(order)
    stand, weights = stand[order], weights[order]
    covering = Covering(
        apart.take(stand),
        weights=weights,
        covered=covered[stand],
        k=k,
        slack=slack,
        tile=tile,
    )
    best = covering.smallest(where[:k], rows=where[: last + 1], bound=bound, timeout_s=timeout_s)
    picked = stand[covering.farthest_first(best.centres, k=k)]
    radius, greedy_radius = whole.radius(picked), whole.radius(greedy)
    return RobustCover(
        picked=picked if radius < greedy_radius else greedy,
        radius=min(radius, greedy_radius),
        greedy=greedy_radius,
        coreset_radius=coreset_radius,
        programme_radius=math.sqrt(best.squared),
        bound=math.sqrt(best.bound),
        proven=best.proven,
        left_out=slack,
    )


class _Whole:
    """All points that are to be covered.

    Args:
        apart: distances between all points.
        free: those that are to be covered.
        covered: squared distance of each point to the nearest labelled one, ``[n]``.
        slack: how many may stay uncovered.
    """

    def __init__(self, apart: Distances, free: Tensor, covered: Tensor, slack: int) -> None:
        self.apart, self.free, self.covered, self.slack = apart, free, covered, slack

    def stand_for(self, stand: Int[Tensor, "c"]) -> tuple[Int[Tensor, "c"], float]:
        """How many points are nearest to each of these, and the largest distance to the nearest."""
        weights = torch.zeros_like(stand)
        farthest = torch.zeros_like(self.covered[:1])
        others = self.apart.take(stand)
        for some in self.free.split(max(1, self.apart.tile // max(len(stand), self.apart.points.width))):
            nearest, own = self.apart.take(some).to(others).min(1)
            covered = self.covered[some]
            weights += torch.bincount(own[nearest < covered], minlength=len(stand))
            farthest = torch.maximum(farthest, torch.minimum(nearest, covered).max())
        return weights, math.sqrt(float(farthest))

    def radius(self, picked: Int[Tensor, "k"]) -> float:
        """The distance within which all points lie, but for those that may stay uncovered."""
        nearest = self.covered.clone()
        self.apart.nearest(nearest, picked)
        return math.sqrt(float(nearest[self.free].topk(self.slack + 1).values[-1]))
