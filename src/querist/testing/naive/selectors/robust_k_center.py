"""The twin of ``robust_k_center``, on plain lists."""

from __future__ import annotations

import math

from querist.testing.naive import Vector


def robust_k_center_cost(
    points: list[Vector], chosen: list[int], *, labelled: list[int], candidates: list[int], outliers: float = 1e-4
) -> float:
    """How far the candidates lie from what is labelled or chosen at most, the farthest few left out."""
    free = [pos for pos in candidates if pos not in labelled]
    centres = [*labelled, *chosen]
    nearest = sorted((min(math.dist(points[pos], points[other]) for other in centres) for pos in free), reverse=True)
    return nearest[math.floor(outliers * len(free))]
