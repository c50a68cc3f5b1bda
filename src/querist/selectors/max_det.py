"""Greedy determinant: each pick is the point that the ones before it say least about.

Papers: chen2018fast for greedy MAP of a determinantal point process, holzmuller2023framework for active learning, where
it is called MaxDet. The gain of ``x`` in ``log det(K_SS + s2 I)`` is ``log(v(x) + s2)``, ``v`` being the pivot that an
incremental Cholesky factorisation leaves. Cost: ``O(n k p)`` time in matrix products, ``O(n + k p)`` memory beside the
features (``p`` numbers each, ``c d`` for factored ones); the kernel is never formed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch

from querist.core.errors import UsageError
from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, positions, refuse_impossible, shuffled
from querist.selectors.memory import Memory
from querist.selectors.points import as_points
from querist.selectors.posterior import TILE, Posterior, width

_FRONT = 2048
"""Points of highest variance that picks are looked for in before all points are looked at again."""
_BLOCK = 128
"""Points of the front whose picks are settled among themselves before the front is looked at again."""


def max_det(
    features: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    noise: float = 1e-6,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions that grow ``det(K + s2 I)`` most, one at a time, ``K`` being the inner products of the features.

    Args:
        features: ``[n p]`` table (torch or numpy), or factored points. Longer vectors weigh more.
        k: how many.
        labelled: positions in the determinant already, never returned.
        candidates: positions that may be returned; all if ``None``.
        rng: breaks ties, and draws the rest once no point has anything of its own left; seed 0 if ``None``.
        noise: ``s2``, in units of the mean squared length of all features; the default is the paper's. With 0 a pick
            is what is farthest from the span of those before, and there are only as many as the features' rank.
        memory_mb: megabytes that may be taken beside the features; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open; a negative noise.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> max_det(torch.tensor([[2.0, 0.0], [1.9, 0.1], [0.0, 1.0]]), k=2).tolist()
        [0, 2]
    """
    return max_det_variances(
        features, k=k, labelled=labelled, candidates=candidates, rng=rng, noise=noise, memory_mb=memory_mb
    )[0]


def max_det_variances(
    features: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    noise: float = 1e-6,
    memory_mb: float | None = None,
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
    """:func:`max_det`, and ``v`` of each pick when it was picked; ``sum(log(v + s2))`` is the log determinant."""
    if not noise >= 0:
        raise UsageError(f"the noise of a determinant is {noise}", hint="give 0 or more")
    rng = generator(0) if rng is None else rng
    points = as_points(features)
    free = free_positions(len(points), labelled, candidates, points.device)
    refuse_impossible(k, len(free))
    known = positions("labelled", labelled, len(points), points.device)
    # A number a row (in double precision, and its square, and a rank), a vector a seen point, twice while one is added.
    held = 64 * len(points) + 16 * (k + len(known) + _BLOCK) * width(points)
    held += 8 * min(_FRONT, len(points)) * points.width
    memory = Memory("max_det", memory_mb, held=held)
    posterior = Posterior(points, noise=noise, tile=memory.tile(TILE, itemsize=8, least=8 * width(points)))
    taken = torch.ones(len(points), dtype=torch.bool, device=points.device)
    taken[free] = False
    # Equal variances are settled by these random ranks, not by place.
    rank = torch.empty(len(points), dtype=torch.long, device=points.device)
    rank[shuffled(torch.arange(len(points), device=points.device), rng)] = torch.arange(len(points)).to(points.device)
    for block in known.split(_BLOCK):
        _see_all(posterior, block)

    picked, variances = free[:0], posterior.variance[:0]
    while len(picked) < k:
        report("max_det", len(picked), of=k)
        new, found = _from_front(posterior, posterior.variance.masked_fill(taken, -torch.inf), rank, k - len(picked))
        if not len(new):
            new = shuffled(torch.nonzero(~taken).flatten(), rng)[: k - len(picked)]
            found = torch.zeros_like(posterior.variance[new])
        elif len(picked) + len(new) < k:
            posterior.see(new)
        taken[new] = True
        picked, variances = torch.cat([picked, new]), torch.cat([variances, found])
    return picked, variances


def _see_all(posterior: Posterior, pos: Tensor) -> None:
    """Condition on points that may depend on each other."""
    if posterior.noise:
        posterior.see(pos.unique())
        return
    while len(pos := pos[posterior.variance[pos] > 0]):
        order, _ = _pivots(posterior, pos, limit=0.0, k=len(pos))
        posterior.see(pos[order])


def _from_front(posterior: Posterior, open_: Tensor, rank: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The next picks, up to ``k``, that the points of highest variance decide among themselves, and their variances.

    Variances only fall. While the best of the front is above what the best outside was at the start, it is the best
    of all, so these are the very picks that one look at all points each would give.
    """
    if len(open_) <= _FRONT:
        return _most_varied(posterior, open_, rank, k)
    values, front = open_.topk(_FRONT + 1)
    limit, front = float(values[-1]), front[:-1]
    if not float(values[0]) > max(limit, 0.0):  # nothing is left, or more equals than a front holds
        return _most_varied(posterior, open_, rank, k)
    part, rank = posterior.part(front), rank[front]
    open_, picked, variances = part.variance.clone(), front[:0], values[:0]
    while len(picked) < k and float(open_.max()) > limit:
        new, found = _most_varied(part, open_, rank, k - len(picked), limit=limit)
        if not len(new):
            break
        picked, variances = torch.cat([picked, new]), torch.cat([variances, found])
        if len(picked) < k:
            part.see(new)
        open_ = part.variance.index_fill(0, picked, -torch.inf)
    return front[picked], variances


def _most_varied(
    posterior: Posterior, open_: Tensor, rank: Tensor, k: int, *, limit: float = 0.0
) -> tuple[Tensor, Tensor]:
    """The next picks, up to ``k``, that the block of highest variance alone decides while they are above ``limit``."""
    size = min(_BLOCK, len(open_) - 1)
    values, block = open_.topk(size + 1)
    outside, block = float(values[-1]), block[:size] if size else block
    if not float(values[0]) > 0:
        return block[:0], values[:0]
    if float(values[0]) == outside:  # more equals than a block holds
        equals = torch.nonzero(open_ == outside).flatten()
        block = equals[rank[equals].argsort()[:_BLOCK]]
    block = block[open_[block] > 0]
    block = block[rank[block].argsort()]
    order, variances = _pivots(posterior, block, limit=max(limit, outside), k=k)
    return block[order], variances


def _pivots(posterior: Posterior, block: Tensor, *, limit: float, k: int) -> tuple[Tensor, Tensor]:
    """Pivoted Cholesky of a block: places in it, best first, while they beat ``limit``; at least one.

    Each step is a handful of operations on some hundred numbers, for which numpy has the least to set up.
    """
    covariance = posterior.covariance(block).cpu().numpy()
    variances = posterior.variance[block].cpu().numpy()
    most = min(k, len(block))
    factor = np.empty((len(block), most))
    floor = 1e-11 * variances
    order: list[int] = []
    found: list[float] = []
    while len(order) < most:
        best = int(variances.argmax())
        variance = float(variances[best])
        if order and not variance > max(limit, 0.0):
            break
        known = factor[:, : len(order)]
        column = (covariance[:, best] - known @ known[best]) / math.sqrt(variance + posterior.noise)
        factor[:, len(order)] = column
        order.append(best)
        found.append(variance)
        variances -= column * column
        variances[variances <= floor] = 0
        variances[order] = -np.inf
    return (
        torch.tensor(order, device=block.device),
        torch.tensor(found, dtype=torch.float64, device=block.device),
    )
