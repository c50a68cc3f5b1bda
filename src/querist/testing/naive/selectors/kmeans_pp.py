"""The twin of ``kmeans_pp``, on plain lists."""

from __future__ import annotations

import math

from querist.testing.naive import Vector


def kmeans_pp_law(
    points: list[Vector], *, picked: list[int], labelled: list[int], candidates: list[int]
) -> dict[int, float]:
    """Chance of each free position to be the next: its squared distance to what is taken, over the sum."""
    taken = [*labelled, *picked]
    free = [pos for pos in candidates if pos not in taken]
    if not taken:
        return {pos: 1 / len(free) for pos in free}
    squared = {pos: min(math.dist(points[pos], points[other]) ** 2 for other in taken) for pos in free}
    total = sum(squared.values())
    return {pos: value / total if total else 1 / len(free) for pos, value in squared.items()}
