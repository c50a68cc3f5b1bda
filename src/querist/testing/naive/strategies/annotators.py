"""Twins of the family annotators."""

from __future__ import annotations

import math
from typing import Any

from querist.core.types import Generator
from querist.testing.naive import Vector, crowd
from querist.views.base import Positions


def active_lab_picks(
    strategy: Any, probs: list[Vector], answers: list[list[float]], *, at: Positions, k: int, rng: Generator
) -> list[int]:
    """The least certain candidates, one row at a time."""
    del strategy, rng
    c = len(probs[0])
    people = sorted({int(who) for _, who, _ in answers})
    rows = sorted({int(row) for row, _, _ in answers})
    table: crowd.Table = [[None] * len(people) for _ in rows]
    for row, who, said in answers:
        table[rows.index(int(row))][people.index(int(who))] = int(said)
    several = any(sum(vote is not None for vote in row) > 1 for row in table)
    degrees, annotators, model, agreement = 1.0, [1.0] * len(people), 1.0, None
    if several:
        degrees = _temperature(table, [probs[row] for row in rows])
        flat = [_tempered(probs[row], degrees) for row in rows]
        annotators, model, agreement = crowd.crowdlab_weights(table, flat)
    blank = sum(annotators) / len(annotators) if people else 1.0
    certainties = {}
    for pos in at.candidates.tolist():
        chances, total = _tempered(probs[pos], degrees), model
        votes = table[rows.index(pos)] if pos in rows else []
        beliefs = [model * chance for chance in chances]
        for weight, vote in zip(annotators, votes, strict=False):
            if vote is None:
                continue
            total += weight
            for label in range(c):
                if agreement is None:
                    beliefs[label] += weight * chances[label]
                else:
                    beliefs[label] += weight * (agreement if vote == label else (1 - agreement) / max(c - 1, 1))
        best = max(beliefs)
        if agreement is None and votes:
            best = beliefs[next(vote for vote in votes if vote is not None)]
        certainties[pos] = (best + blank / c) / (total + blank)
    return sorted(certainties, key=lambda pos: certainties[pos])[:k]


def _tempered(chances: Vector, degrees: float) -> Vector:
    powers = [max(chance, 1e-8) ** (1 / degrees) for chance in chances]
    return [power / sum(powers) for power in powers]


def _temperature(table: crowd.Table, probs: list[Vector]) -> float:
    """The least cross-entropy by ternary search in the logarithm, where it has one valley."""
    shares = crowd.majority_shares(table, len(probs[0]))

    def loss(log_degrees: float) -> float:
        return -sum(
            share * math.log(chance)
            for line, chances in zip(shares, probs, strict=True)
            for share, chance in zip(line, _tempered(chances, math.exp(log_degrees)), strict=True)
        )

    low, high = math.log(0.1), math.log(8)
    for _ in range(100):
        third = (high - low) / 3
        if loss(low + third) < loss(high - third):
            high -= third
        else:
            low += third
    return math.exp((low + high) / 2)
