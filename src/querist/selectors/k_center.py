"""k-center: the farthest point again and again, so that every point has a pick nearby.

Paper: gonzalez1985clustering; in active learning sener2018coreset and geifman2017deep. The radius is at most twice
the best possible one. Cost: ``O(n k d)`` time in matrix products, ``O(n)`` memory beside the points.
"""

from __future__ import annotations

from typing import Any

import torch

from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, positions, refuse_impossible, shuffled
from querist.selectors.points import Distances, as_points

_BLOCK = 256
"""Farthest points whose picks are settled among themselves before all points are looked at again."""


def k_center(
    points: Any, *, k: int, labelled: Any = None, candidates: Any = None, rng: Generator | None = None
) -> Int[Tensor, "k"]:
    """Positions picked farthest first: each is the farthest from the labelled points and the picks before it.

    Args:
        points: ``[n d]`` table (torch or numpy), or factored points.
        k: how many.
        labelled: positions that are covered already, never returned. Without any, the first pick is random.
        candidates: positions that may be returned; all if ``None``. Only they are to be covered.
        rng: draws that first pick, and the rest once every distance is 0; a generator with seed 0 if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open.
        NonFinite: NaN or infinity; names the position.

    Example:
        >>> k_center(torch.tensor([[0.0], [1.0], [7.0], [10.0]]), k=2, labelled=[0]).tolist()
        [3, 2]
    """
    return k_center_radii(points, k=k, labelled=labelled, candidates=candidates, rng=rng)[0]


def k_center_radii(
    points: Any, *, k: int, labelled: Any = None, candidates: Any = None, rng: Generator | None = None
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
    """:func:`k_center`, and how far each pick was from all before it (infinitely, if there were none).

    The distances fall from pick to pick; what the next one would be is the radius of the cover.
    """
    rng = generator(0) if rng is None else rng
    table = as_points(points)
    free = free_positions(len(table), labelled, candidates, table.device)
    refuse_impossible(k, len(free))
    apart = Distances(table)
    # Squared distance of every point to the nearest centre; points that may not be picked stay below all others.
    nearest = torch.full((len(table),), -torch.inf, dtype=apart.norms.dtype, device=table.device)
    nearest[free] = torch.inf
    known = positions("labelled", labelled, len(table), table.device)
    apart.nearest(nearest, known)

    picked, squared = [], []
    if not len(known):
        first = shuffled(free, rng)[:1]
        picked, squared = [first], [nearest[first]]
        _add(first, nearest, apart)
    while (done := sum(map(len, picked))) < k:
        new, far = _farthest(nearest, apart, k - done)
        if not len(new):
            # All that is left coincides with a centre: no order is better than another.
            rest = shuffled(torch.nonzero(nearest == 0).flatten(), rng)[: k - done]
            picked.append(rest)
            squared.append(nearest[rest])
            break
        picked.append(new)
        squared.append(far)
        _add(new, nearest, apart)
    return torch.cat(picked), torch.cat(squared).sqrt()


def _add(new: Tensor, nearest: Tensor, apart: Distances) -> None:
    apart.nearest(nearest, new)
    nearest[new] = -torch.inf


def _farthest(nearest: Tensor, apart: Distances, k: int) -> tuple[Tensor, Tensor]:
    """The next picks, up to ``k``, that the farthest block alone decides, and their squared distances.

    Distances to the centres only fall. While the best of the block is farther than the farthest point outside was
    at the start, it is the farthest of all, so these are the very picks that one look at all points each would give.
    """
    size = min(_BLOCK, len(nearest) - 1)
    values, block = nearest.topk(size + 1)
    limit, values, block = float(values[-1]), values[:-1].clone(), block[:-1]
    if size == 0 or not float(values[0]) > 0:
        return block[:0], values[:0]
    among = apart.between(block, block)
    order: list[int] = []
    far: list[Tensor] = []
    while len(order) < min(k, size):
        best = int(values.argmax())
        # The first pick is the farthest of all, whatever stands outside.
        if not float(values[best]) > (max(limit, 0.0) if order else 0.0):
            break
        order.append(best)
        far.append(values[best].clone())
        torch.minimum(values, among[best], out=values)
        values[best] = -torch.inf
    return block[torch.tensor(order, device=block.device)], torch.stack(far)
