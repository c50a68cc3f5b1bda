"""The twin of ``frank_wolfe``, on plain lists."""

from __future__ import annotations

import math

from querist.core.types import Generator
from querist.testing.naive import Vector


def frank_wolfe_picks(
    features: list[Vector], *, k: int, labelled: list[int], candidates: list[int], rng: Generator | None = None
) -> list[int]:
    """One weight for each open row, ``L(w)`` summed up anew at every step; needs a sum that is not 0."""
    del rng
    left = [pos for pos in candidates if pos not in labelled]
    picked: list[int] = []
    while len(picked) < k:
        new = _run(features, left, k - len(picked))
        picked += new
        left = [pos for pos in left if pos not in new]
    return picked


def _run(features: list[Vector], left: list[int], k: int) -> list[int]:
    lengths = {pos: math.sqrt(_dot(features[pos], features[pos]) + 1e-6) for pos in left}
    weights = dict.fromkeys(left, 0.0)
    whole = _sum(features, dict.fromkeys(left, 1.0))
    order: list[int] = []
    idle = 0
    while len(order) < k and idle < 10 + len(order):
        reached = _sum(features, weights)
        missing = [x - y for x, y in zip(whole, reached, strict=True)]
        if math.hypot(*missing) <= 1e-6 * math.hypot(*whole):
            break
        best = max(left, key=lambda pos: _dot(features[pos], missing) / lengths[pos])
        often = sum(lengths.values()) / lengths[best]
        towards = [often * x - y for x, y in zip(features[best], reached, strict=True)]
        step = _dot(towards, missing) / _dot(towards, towards)
        weights = {pos: (1 - step) * weight + step * often * (pos == best) for pos, weight in weights.items()}
        idle = 0 if best not in order else idle + 1
        if best not in order:
            order.append(best)
    return order


def _dot(x: Vector, y: Vector) -> float:
    return sum(a * b for a, b in zip(x, y, strict=True))


def _sum(features: list[Vector], weights: dict[int, float]) -> Vector:
    return [sum(weight * features[pos][axis] for pos, weight in weights.items()) for axis in range(len(features[0]))]
