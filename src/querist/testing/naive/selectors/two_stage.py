"""The twin of ``two_stage`` with k-center, on plain lists."""

from __future__ import annotations

import math

import torch

from querist.core.types import Generator
from querist.testing.naive import Vector
from querist.testing.naive.selectors.k_center import k_center_picks


def two_stage_picks(
    points: list[Vector],
    *,
    k: int,
    labelled: list[int],
    candidates: list[int],
    rng: Generator,
    parts: int | None = None,
) -> list[int]:
    """Farthest first in each part, in the order drawn, and then among the winners."""
    free = sorted(pos for pos in candidates if pos not in labelled)
    count = max(1, math.isqrt(len(free) // k)) if parts is None else parts
    if count == 1:
        return k_center_picks(points, k=k, labelled=labelled, candidates=free, rng=rng)
    drawn = [free[place] for place in torch.randperm(len(free), generator=rng)]
    winners: list[int] = []
    start = 0
    for number in range(count):
        end = start + len(free) // count + (number < len(free) % count)
        part = drawn[start:end]
        winners += k_center_picks(points, k=min(k, len(part)), labelled=labelled, candidates=part, rng=rng)
        start = end
    return k_center_picks(points, k=k, labelled=labelled, candidates=winners, rng=rng)
