"""k-means++ seeding: each pick is drawn with probability proportional to its squared distance to those before it.

Paper: arthur2007kmeans. Cost: ``O(n k d)`` time in matrix products, ``O(n)`` memory beside the points; for factored
points ``O(n k (c + d))``, where the written-out vectors would need ``c d`` numbers each.
"""

from __future__ import annotations

from typing import Any

import torch

from querist.core.errors import UsageError
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, positions, refuse_impossible, shuffled
from querist.selectors.points import Distances, Points, as_points

_BLOCK = 64
"""Proposals drawn from one look at all points."""


def kmeans_pp(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    first: str = "uniform",
) -> Int[Tensor, "k"]:
    """Positions drawn by the D^2 law: far points likely, coinciding ones never (while others are left).

    Args:
        points: ``[n d]`` table (torch or numpy), or factored points.
        k: how many.
        labelled: positions that count as picked already, never returned.
        candidates: positions that may be returned; all if ``None``.
        rng: draws the picks; a generator with seed 0 if ``None``.
        first: where nothing is labelled, the first pick is ``uniform`` (arthur2007kmeans) or the ``longest`` vector.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open.
        NonFinite: NaN or infinity; names the position.

    Example:
        >>> kmeans_pp(torch.tensor([[0.0], [0.0], [9.0]]), k=2, labelled=[0]).tolist()
        [2, 1]
    """
    rng = generator(0) if rng is None else rng
    table = as_points(points)
    free = free_positions(len(table), labelled, candidates, table.device)
    refuse_impossible(k, len(free))
    apart = Distances(table)
    known = positions("labelled", labelled, len(table), table.device)
    nearest = torch.full((len(table),), torch.inf, dtype=apart.norms.dtype, device=table.device)
    apart.nearest(nearest, known)
    taken = torch.ones(len(table), dtype=torch.bool, device=table.device)
    taken[free] = False

    picked = known[:0]
    while len(picked) < k:
        if len(picked) or len(known):
            # A point that may not be picked weighs nothing.
            weights = nearest.double().masked_fill_(taken, 0)
            new = _draw(weights, apart, k - len(picked), rng)
        else:
            new = _first(first, table, free, rng)
        if not len(new):
            rest = shuffled(torch.nonzero(~taken).flatten(), rng)
            return torch.cat([picked, rest[: k - len(picked)]])
        taken[new] = True
        apart.nearest(nearest, new)
        picked = torch.cat([picked, new])
    return picked


def _first(first: str, table: Points, free: Tensor, rng: Generator) -> Int[Tensor, "one"]:
    if first == "uniform":
        return shuffled(free, rng)[:1]
    if first == "longest":
        return free[table.squared_norms()[free].argmax()][None]
    raise UsageError(f"the first pick cannot be {first!r}", hint="choose uniform or longest")


def _draw(weights: Float[Tensor, "n"], apart: Distances, k: int, rng: Generator) -> Int[Tensor, "picks"]:
    """Up to ``k`` picks by the D^2 law, from one look at all points; none if all weights are 0.

    Proposals come from ``weights``, which grow stale with the first pick. Each is kept with the probability (its
    weight now) / (its stale weight), so a kept one follows the present weights exactly: rejection sampling.
    """
    ends = weights.cumsum(0)
    total = float(ends[-1])
    if total <= 0:
        return torch.empty(0, dtype=torch.long, device=weights.device)
    size = min(_BLOCK, 4 * k)
    draws = torch.rand((2, size), generator=rng, dtype=torch.float64).to(weights.device)
    # right=True: a draw of exactly an end belongs to the next point, so a weight of 0 is never hit.
    proposals = torch.searchsorted(ends, draws[0] * total, right=True).clamp_max(len(ends) - 1)
    stale = weights[proposals]
    now, among = stale.clone(), apart.between(proposals, proposals).double()
    kept: list[int] = []
    for order, threshold in enumerate((draws[1] * stale).tolist()):
        if threshold < float(now[order]):
            kept.append(order)
            if len(kept) == k:
                break
            torch.minimum(now, among[order], out=now)
    return proposals[torch.tensor(kept, dtype=torch.long, device=proposals.device)]
