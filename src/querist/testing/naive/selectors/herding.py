"""The twin of ``herding``, on plain lists."""

from __future__ import annotations

import math

from querist.testing.naive import Vector


def herding_value(
    points: list[Vector],
    chosen: list[int],
    *,
    labelled: list[int],
    candidates: list[int],
    sigma: float = 1.0,
    weights: Vector | None = None,
) -> float:
    """Likeness of each open point to the nearest labelled or chosen one, weighed and added up."""
    held = [*labelled, *chosen]
    value = 0.0
    for x in (pos for pos in candidates if pos not in labelled):
        nearest = min((math.dist(points[x], points[s]) for s in held), default=math.inf)
        value += (1.0 if weights is None else weights[x]) * math.exp(-((nearest / sigma) ** 2))
    return value
