"""The twin of ``cover``, on plain lists."""

from __future__ import annotations

import math

from querist.testing.naive import Vector


def cover_value(
    points: list[Vector], chosen: list[int], *, labelled: list[int], candidates: list[int], radius: float = 0.75
) -> float:
    """How many open points are within the radius of a labelled or chosen one."""
    held = [*labelled, *chosen]
    open_ = [pos for pos in candidates if pos not in labelled]
    return float(sum(any(math.dist(points[x], points[s]) <= radius for s in held) for x in open_))
