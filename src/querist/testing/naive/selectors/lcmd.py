"""The twin of ``lcmd``, on plain lists."""

from __future__ import annotations

import math

from querist.core.types import Generator
from querist.testing.naive import Vector


def lcmd_picks(
    points: list[Vector], *, k: int, labelled: list[int], candidates: list[int], rng: Generator
) -> list[int]:
    """All clusters formed anew for every pick."""
    del rng
    free = [pos for pos in candidates if pos not in labelled]
    taken = list(labelled)
    for _ in range(k):
        if not taken:
            best = max(free, key=lambda pos: math.hypot(*points[pos]))
        else:
            nearest = {pos: min(taken, key=lambda centre: math.dist(points[pos], points[centre])) for pos in free}
            squared = {pos: math.dist(points[pos], points[nearest[pos]]) ** 2 for pos in free}
            cost = {centre: sum(squared[pos] for pos in free if nearest[pos] == centre) for centre in taken}
            largest = max(taken, key=lambda centre: cost[centre])
            best = max((pos for pos in free if nearest[pos] == largest), key=lambda pos: squared[pos])
        taken.append(best)
        free.remove(best)
    return taken[len(labelled) :]
