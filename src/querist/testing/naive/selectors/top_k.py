"""The twin of ``top_k``, on plain lists."""

from __future__ import annotations

from querist.core.types import Generator
from querist.testing.naive import Vector


def top_k_picks(scores: Vector, *, k: int, labelled: list[int], candidates: list[int], rng: Generator) -> list[int]:
    """The best, then the best of the rest, and so on."""
    del rng
    free = [pos for pos in candidates if pos not in labelled]
    picked: list[int] = []
    for _ in range(k):
        best = max(free, key=lambda pos: scores[pos])
        picked.append(best)
        free.remove(best)
    return picked
