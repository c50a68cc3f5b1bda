"""Cover: balls of one radius around the picks that hold as many points as possible.

Paper: yehuda2022active, ProbCover: greedy maximum coverage on the graph of points within the radius ``delta`` of each
other. Known differences: the graph is never written down, ties are broken by the seed, and every point has its ball
(the authors' program leaves those of the last ``n mod 500`` rows empty). A ball is closed, as in the paper; whether
a point at a distance of the radius is inside may be decided by rounding.

Cost: ``O(n^2 d)`` time to count what each ball holds, and a share of that to follow what picks cover; ``O(n)`` memory
beside the points. Of a million points a random part is enough: hand it over as the candidates.
"""

from __future__ import annotations

from typing import Any

from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.coverage import covering
from querist.selectors.likeness import Ball


def cover(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    radius: float = 0.75,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions picked greedily, each the one whose ball holds the most points that no ball before it holds.

    Dense regions come first, one ball after another, and outliers last: the opposite of :func:`k_center`, which fixes
    that everything is covered and asks for the smallest radius.

    Args:
        points: ``[n d]`` table (torch or numpy, mapped from a file too), or factored points.
        k: how many.
        labelled: positions whose balls count as picked, never returned.
        candidates: positions that may be returned; all if ``None``. Only they are to be covered.
        rng: breaks ties, and draws the rest once everything is covered; a generator with seed 0 if ``None``.
        radius: of a ball, ``delta`` of the paper, which takes 0.75 for unit vectors of SimCLR on CIFAR-10;
            :func:`~querist.selectors.purity.pure_radius` finds one for other data.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open; a negative radius.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> import torch
        >>> points = torch.tensor([[0.0], [1.0], [2.0], [10.0], [11.0], [50.0]])
        >>> cover(points, k=2, radius=1.0, labelled=[4]).tolist()
        [1, 5]
    """
    return cover_counts(
        points,
        k=k,
        labelled=labelled,
        candidates=candidates,
        rng=rng,
        radius=radius,
        memory_mb=memory_mb,
    )[0]


def cover_counts(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    radius: float = 0.75,
    memory_mb: float | None = None,
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
    """:func:`cover`, and how many points each pick is the first to cover."""
    return covering(
        "cover",
        points,
        Ball(radius),
        k=k,
        labelled=labelled,
        candidates=candidates,
        rng=rng,
        memory_mb=memory_mb,
    )
