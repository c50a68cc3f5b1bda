"""The twin of ``pure_radius``, on plain lists."""

from __future__ import annotations

import math

from querist.testing.naive import Vector


def largest_pure_radius(points: list[Vector], found: list[list[int]], *, purity: float) -> float:
    """Radius after radius, until too few balls hold one cluster only; infinite if there never are."""
    cluster = {pos: number for number, own in enumerate(found) for pos in own}
    for radius in sorted(math.dist(points[x], points[y]) for x in cluster for y in cluster if x < y):
        pure = 0
        for x in cluster:
            ball = [y for y in cluster if math.dist(points[x], points[y]) <= radius]
            pure += all(cluster[y] == cluster[x] for y in ball)
        if pure < purity * len(cluster):
            return radius * (1 - 1e-6)
    return math.inf
