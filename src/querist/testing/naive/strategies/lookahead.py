"""Twins of the family lookahead."""

from __future__ import annotations

import math
from typing import Any

import torch

from querist.core.types import Generator
from querist.testing.naive import scores
from querist.testing.naive.selectors import kmeans
from querist.testing.naive.strategies import class_scores
from querist.views.base import Positions


def bemps_picks(strategy: Any, samples: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """All candidates are estimation rows; unit vectors of gains, the best of them clustered."""
    candidates = at.candidates.tolist()
    gains = {
        pos: [
            scores.predictive_gain(
                [network[pos] for network in samples], [[net[aim]] for net in samples], strategy.rule
            )
            for aim in candidates
        ]
        for pos in range(at.n)
    }
    size = min(len(candidates), max(3 * k, round(strategy.top * len(candidates))))
    torch.randperm(len(candidates), generator=rng)  # the draw that would break ties, of which there are none
    means = [sum(gains[pos]) / len(candidates) for pos in range(at.n)]
    best = sorted(candidates, key=lambda pos: -means[pos])[:size]
    units = [[gain / math.hypot(*gains[pos]) for gain in gains[pos]] for pos in range(at.n)]
    return kmeans.kmeans_picks(units, k=k, labelled=[], candidates=best, rng=rng, weights=means)


def expected_error_reduction_picks(
    strategy: Any, embeddings: list, labels: list, *, at: Positions, k: int, rng: Generator
) -> list[int]:
    """Fit a layer for each row and each label, and ask all the other rows what it still does not know."""
    del rng
    known, free = at.labelled.tolist(), at.candidates.tolist()
    classes = sorted({labels[pos] for pos in known})
    rows = _scaled(embeddings)
    told = [(rows[pos], classes.index(labels[pos])) for pos in known]
    layer = _fitted(told, len(classes), strategy.strength)
    loss = {"log": scores.entropy, "zero_one": scores.least_confidence}[strategy.loss]
    errors = {}
    for pos in free:
        errors[pos] = 0.0
        for own, chance in enumerate(_softmax(class_scores(rows[pos], layer))):
            after = _fitted([*told, (rows[pos], own)], len(classes), strategy.strength)
            left = [loss(_softmax(class_scores(rows[other], after))) for other in free if other != pos]
            errors[pos] += chance * sum(left) / len(left)
    return sorted(free, key=lambda pos: errors[pos])[:k]


def _scaled(embeddings: list) -> list:
    """From the middle, with a mean squared length of as much as there are dimensions."""
    n, d = len(embeddings), len(embeddings[0])
    middle = [sum(column) / n for column in zip(*embeddings, strict=True)]
    moved = [[x - m for x, m in zip(row, middle, strict=True)] for row in embeddings]
    spread = math.sqrt(sum(x * x for row in moved for x in row) / (n * d))
    return [[x / spread for x in row] for row in moved]


def _softmax(values: list[float]) -> list[float]:
    powers = [math.exp(value - max(values)) for value in values]
    return [power / sum(powers) for power in powers]


def _fitted(told: list[tuple[list[float], int]], c: int, strength: float) -> list[list[float]]:
    """Logistic regression by Newton's method from nothing, one entry of its tables at a time."""
    width = len(told[0][0]) + 1
    layer = [[0.0] * width for _ in range(c)]
    for _ in range(30):
        slope = [0.0] * (c * width)
        curvature = [[0.0] * (c * width) for _ in range(c * width)]
        for row, own in told:
            z, p = [*row, 1.0], _softmax(class_scores(row, layer))
            for a in range(c):
                for i, x in enumerate(z):
                    slope[a * width + i] += (p[a] - (a == own)) * x
                    for b in range(c):
                        share = p[a] * ((a == b) - p[b]) * x
                        for j, other in enumerate(z):
                            curvature[a * width + i][b * width + j] += share * other
        for a in range(c):
            for i in range(width - 1):
                slope[a * width + i] += layer[a][i] / strength
                curvature[a * width + i][a * width + i] += 1 / strength
            for b in range(c):  # biases may all rise together
                curvature[a * width + width - 1][b * width + width - 1] += 1.0
        if max(map(abs, slope)) < 1e-10:
            break
        step = _solved(curvature, slope)
        layer = [[w - step[a * width + i] for i, w in enumerate(row)] for a, row in enumerate(layer)]
    return layer


def _solved(table: list[list[float]], values: list[float]) -> list[float]:
    """Gauss's elimination of a positive definite table."""
    table, values, size = [list(row) for row in table], list(values), len(values)
    for step in range(size):
        for row in range(step + 1, size):
            share = table[row][step] / table[step][step]
            if share:
                table[row] = [x - share * y for x, y in zip(table[row], table[step], strict=True)]
                values[row] -= share * values[step]
    answer = [0.0] * size
    for step in reversed(range(size)):
        rest = sum(table[step][other] * answer[other] for other in range(step + 1, size))
        answer[step] = (values[step] - rest) / table[step][step]
    return answer
