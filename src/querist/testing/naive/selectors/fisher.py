"""The twin of ``fisher``, on plain lists."""

from __future__ import annotations

import math

from querist.core.types import Generator
from querist.testing.naive import Vector


def fisher_picks(
    points: list[Vector],
    *,
    k: int,
    labelled: list[int],
    candidates: list[int],
    rng: Generator | None = None,
    probs: list[Vector] | None = None,
    regularisation: float = 1.0,
    oversample: float = 2,
) -> list[int]:
    """The trace of every set that could be next, each from a matrix that is written out and inverted."""
    del rng
    rows = [information(point, None if probs is None else probs[pos]) for pos, point in enumerate(points)]
    free = [pos for pos in candidates if pos not in labelled]
    chosen: list[int] = []

    def value(batch: list[int]) -> float:
        return trace(rows, batch, k=k, labelled=labelled, regularisation=regularisation)

    while len(chosen) < min(int(oversample * k), len(free)):
        chosen.append(min((pos for pos in free if pos not in chosen), key=lambda pos: value([*chosen, pos])))
    while len(chosen) > k:
        chosen.remove(min(chosen, key=lambda pos: value([other for other in chosen if other != pos])))
    return chosen


def trace(
    rows: list[list[Vector]], chosen: list[int], *, k: int, labelled: list[int], regularisation: float = 1.0
) -> float:
    """``tr((l I + m / (m + k) mean_L I(x) + k / (m + k) sum_S I(x))^-1 mean I(x))``, given every ``I(x)``."""
    axes, m = range(len(rows[0])), len(labelled)
    matrix = [[regularisation * (a == b) for b in axes] for a in axes]
    for share, batch in ((1 / (m + k), labelled), (k / (m + k), chosen)):
        for pos in batch:
            matrix = [
                [x + share * y for x, y in zip(*lines, strict=True)] for lines in zip(matrix, rows[pos], strict=True)
            ]
    inverse = _inverse(matrix)
    return sum(inverse[a][b] * row[b][a] for row in rows for a in axes for b in axes) / len(rows)


def information(point: Vector, probs: Vector | None = None) -> list[Vector]:
    """What a label of the row would tell about all ``c d`` parameters of the last layer, ``[p p]``."""
    # Gradients of the loss, one for each label that the row may have, times the root of its chance.
    vectors = [point]
    if probs is not None:
        vectors = [
            [math.sqrt(chance) * ((label == other) - p) * x for other, p in enumerate(probs) for x in point]
            for label, chance in enumerate(probs)
        ]
    axes = range(len(vectors[0]))
    return [[sum(vector[a] * vector[b] for vector in vectors) for b in axes] for a in axes]


def _inverse(matrix: list[Vector]) -> list[Vector]:
    """By Gauss and Jordan; a positive definite matrix needs no search for pivots."""
    size = len(matrix)
    rows = [[*row, *(float(a == b) for b in range(size))] for a, row in enumerate(matrix)]
    for step in range(size):
        rows[step] = [value / rows[step][step] for value in rows[step]]
        for other in range(size):
            if other != step:
                share = rows[other][step]
                rows[other] = [x - share * y for x, y in zip(rows[other], rows[step], strict=True)]
    return [row[size:] for row in rows]
