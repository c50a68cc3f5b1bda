"""The twin of ``joint_mi``, on plain lists."""

from __future__ import annotations

import math

from querist.core.types import Generator
from querist.testing.naive import Vector


def joint_mi_picks(
    prob_samples: list, *, k: int, labelled: list[int], candidates: list[int], rng: Generator
) -> list[int]:
    """Every joint outcome of the batch written out with its probability under each network."""
    del rng
    networks = range(len(prob_samples))
    joint: list[Vector] = [[1.0 for _ in networks]]
    free = [pos for pos in candidates if pos not in labelled]
    picked: list[int] = []

    def extended(pos: int) -> list[Vector]:
        labels = range(len(prob_samples[0][pos]))
        return [[chances[t] * prob_samples[t][pos][y] for t in networks] for chances in joint for y in labels]

    def information(pos: int) -> float:
        marginal = [sum(chances) / len(chances) for chances in extended(pos)]
        noise = -sum(p * math.log(p) for network in prob_samples for p in network[pos] if p > 0) / len(prob_samples)
        return -sum(p * math.log(p) for p in marginal if p > 0) - noise

    for pos in labelled:
        joint = extended(pos)
    for _ in range(k):
        best = max(free, key=information)
        joint = extended(best)
        picked.append(best)
        free.remove(best)
    return picked
