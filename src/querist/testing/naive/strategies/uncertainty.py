"""Twins of the family uncertainty."""

from __future__ import annotations

from typing import Any

from querist.testing.naive import scores
from querist.testing.naive.strategies import per_row
from querist.views.base import Positions


def random_law(strategy: Any, *, at: Positions, picked: list[int]) -> dict[int, float]:
    """Every candidate that is left, with the same chance."""
    del strategy
    left = [pos for pos in at.candidates.tolist() if pos not in picked]
    return {pos: 1 / len(left) for pos in left}


def least_confidence_scores(strategy: Any, probs: list, *, at: Positions) -> list[float]:
    """The chance that the guess is wrong."""
    return per_row([scores.least_confidence(p) for p in probs], at, strategy.aggregate)


def margin_scores(strategy: Any, probs: list, *, at: Positions) -> list[float]:
    """Minus the gap of the two best."""
    return per_row([scores.margin(p) for p in probs], at, strategy.aggregate)


def entropy_scores(strategy: Any, probs: list, *, at: Positions) -> list[float]:
    """Entropy of each distribution."""
    return per_row([scores.entropy(p) for p in probs], at, strategy.aggregate)


def expected_gradient_length_scores(strategy: Any, probs: list, embeddings: list, *, at: Positions) -> list[float]:
    """Expected length of the written-out gradient."""
    del strategy, at
    return [scores.gradient_length(p, z) for p, z in zip(probs, embeddings, strict=True)]


def query_by_committee_scores(strategy: Any, samples: list, *, at: Positions) -> list[float]:
    """Disagreement of the members, unit by unit."""
    measure = scores.variance if at.task == "regression" else getattr(scores, strategy.disagreement)
    return per_row([measure(list(unit)) for unit in zip(*samples, strict=True)], at, strategy.aggregate)
