"""Herding: picks to one of which every point is as alike as can be, in a likeness that fades with distance.

Papers: bae2024generalized, MaxHerding, which makes the balls of yehuda2022active soft; bae2025uncertainty, Uncertainty
Herding, which weighs the points. Known differences: only open points count (a labelled one is covered by itself), and
ties are broken by the seed.

Cost: ``O(n^2 d)`` time to look at every pair of points, and a few times that to follow what picks change;
``O(n)`` memory beside the points. Of a million points a random part is enough: hand it over as the candidates.
"""

from __future__ import annotations

from typing import Any

import torch

from querist.core.errors import DataError
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.coverage import covering
from querist.selectors.likeness import Gaussian


def herding(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    sigma: float = 1.0,
    weights: Any = None,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions picked greedily so that ``sum_x u(x) max_s exp(-|x - s|^2 / sigma^2)`` grows most.

    ``s`` runs over labelled points and picks, ``x`` over the open points. A wide kernel sees the middle of the data
    first, a narrow one sees each point by itself, and then weights alone decide.

    Args:
        points: ``[n d]`` table (torch or numpy, mapped from a file too), or factored points.
        k: how many.
        labelled: positions in the set already, never returned.
        candidates: positions that may be returned; all if ``None``. Only they are to be covered.
        rng: breaks ties; a generator with seed 0 if ``None``.
        sigma: distance at which the likeness is ``1/e``; the paper takes 1 on unit vectors.
        weights: ``u(x)``, how much each point counts, ``[n]``, zero or more; all the same if ``None`` or all zero.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open; a sigma that is not above 0.
        DataError: weights that are negative or not finite.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> points = torch.tensor([[0.0], [0.5], [1.0], [5.0], [5.2], [5.4]])
        >>> herding(points, k=2).tolist(), herding(points, k=1, weights=[0, 0, 0, 1, 0, 0]).tolist()
        ([4, 1], [3])
    """
    return herding_gains(
        points,
        k=k,
        labelled=labelled,
        candidates=candidates,
        rng=rng,
        sigma=sigma,
        weights=weights,
        memory_mb=memory_mb,
    )[0]


def herding_gains(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    sigma: float = 1.0,
    weights: Any = None,
    memory_mb: float | None = None,
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
    """:func:`herding`, and what each pick added to the sum."""
    return covering(
        "herding",
        points,
        Gaussian(sigma),
        k=k,
        labelled=labelled,
        candidates=candidates,
        rng=rng,
        weights=None if weights is None else _checked(torch.as_tensor(weights)),
        memory_mb=memory_mb,
    )


def _checked(weights: Tensor) -> Float[Tensor, "n"] | None:
    """Weights as they are, or none where nothing weighs anything."""
    if not bool(torch.isfinite(weights).all()) or bool((weights < 0).any()):
        raise DataError("a weight of herding is negative or not finite", hint="give numbers of 0 or more")
    return weights if bool(weights.any()) else None
