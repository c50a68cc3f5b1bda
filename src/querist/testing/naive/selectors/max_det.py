"""The twin of ``max_det``, on plain lists."""

from __future__ import annotations

from querist.core.types import Generator
from querist.testing.naive import Vector


def max_det_picks(
    features: list[Vector], *, k: int, labelled: list[int], candidates: list[int], rng: Generator, noise: float = 1e-6
) -> list[int]:
    """The largest variance left, the whole kernel written out and swept after each pick."""
    del rng
    kernel = [[sum(a * b for a, b in zip(x, y, strict=True)) for y in features] for x in features]
    added = noise * sum(kernel[pos][pos] for pos in range(len(features))) / len(features)
    free = [pos for pos in candidates if pos not in labelled]
    picked: list[int] = []
    for step in range(len(labelled) + k):
        best = labelled[step] if step < len(labelled) else max(free, key=lambda pos: kernel[pos][pos])
        column = [row[best] for row in kernel]
        pivot = column[best] + added
        kernel = [
            [value - a * b / pivot for value, b in zip(row, column, strict=True)]
            for row, a in zip(kernel, column, strict=True)
        ]
        if step >= len(labelled):
            picked.append(best)
            free.remove(best)
    return picked
