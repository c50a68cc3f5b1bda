"""The twin of ``k_dpp``, on plain lists."""

from __future__ import annotations

import itertools

from querist.testing.naive import Vector


def k_dpp_law(
    features: list[Vector], *, picked: list[int], labelled: list[int], candidates: list[int], k: int = 1
) -> dict[int, float]:
    """Determinants of all sets of ``k`` that hold what is picked, shared out among the next positions."""
    free = [pos for pos in candidates if pos not in labelled]
    left = [pos for pos in free if pos not in picked]
    weights = dict.fromkeys(left, 0.0)
    for rest in itertools.combinations(left, k - len(picked)):
        chosen = [*picked, *rest]
        kernel = [[sum(a * b for a, b in zip(features[x], features[y], strict=True)) for y in chosen] for x in chosen]
        for pos in rest:
            weights[pos] += max(_determinant(kernel), 0.0)
    return {pos: weight / sum(weights.values()) for pos, weight in weights.items()}


def _determinant(matrix: list[Vector]) -> float:
    """Along the first row."""
    if not matrix:
        return 1.0
    minors = [[row[:column] + row[column + 1 :] for row in matrix[1:]] for column in range(len(matrix))]
    return sum((-1) ** column * matrix[0][column] * _determinant(minor) for column, minor in enumerate(minors))
