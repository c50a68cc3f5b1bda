"""The twin of ``class_balance``, on plain lists."""

from __future__ import annotations

from querist.testing.naive import Vector


def class_balance_cost(
    scores: Vector,
    chosen: list[int],
    *,
    labelled: list[int],
    candidates: list[int],
    probs: list[Vector] | None = None,
    counts: Vector | None = None,
    balance: float = 1.0,
) -> float:
    """Minus the scores of a set, and what it leaves each class off an equal part of all labels."""
    del labelled, candidates
    cost = -sum(scores[pos] for pos in chosen)
    if probs is None:
        return cost
    classes = range(len(probs[0]))
    have = [0.0 for _ in classes] if counts is None else counts
    part = (sum(have) + len(chosen)) / len(have)
    for c in classes:
        lacking = max(part - have[c], 0.0)
        cost += balance * abs(sum(probs[pos][c] for pos in chosen) - lacking)
    return cost
