"""The twin of ``sample``, on plain lists."""

from __future__ import annotations

import math

from querist.testing.naive import Vector


def sample_law(
    scores: Vector,
    *,
    picked: list[int],
    labelled: list[int],
    candidates: list[int],
    law: str = "softmax",
    beta: float = 1.0,
) -> dict[int, float]:
    """The weight of each position that is left, over the sum."""
    open_ = sorted((pos for pos in candidates if pos not in labelled), key=lambda pos: -scores[pos])
    weights = {}
    for rank, pos in enumerate(open_, start=1):
        weights[pos] = {"softmax": lambda s: math.exp(beta * s), "power": lambda s: s**beta}.get(
            law, lambda _, rank=rank: rank**-beta
        )(scores[pos])
    left = {pos: weight for pos, weight in weights.items() if pos not in picked}
    return {pos: weight / sum(left.values()) for pos, weight in left.items()}
