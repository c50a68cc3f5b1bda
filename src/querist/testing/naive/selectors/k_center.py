"""The twin of ``k_center``, on plain lists."""

from __future__ import annotations

import math

from querist.core.types import Generator
from querist.testing.naive import Vector


def k_center_picks(
    points: list[Vector], *, k: int, labelled: list[int], candidates: list[int], rng: Generator
) -> list[int]:
    """The farthest from all that is taken, again and again; needs something labelled."""
    del rng
    free = [pos for pos in candidates if pos not in labelled]
    taken = list(labelled)
    for _ in range(k):
        best = max(free, key=lambda pos: min(math.dist(points[pos], points[other]) for other in taken))
        taken.append(best)
        free.remove(best)
    return taken[len(labelled) :]
