"""Twins of the family uncertainty."""

from __future__ import annotations

import math
from typing import Any

import torch

from querist.core.types import Generator
from querist.testing.naive import scores
from querist.testing.naive.strategies import class_scores, per_row
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


def svm_margin_scores(strategy: Any, logits: list, *, at: Positions) -> list[float]:
    """Minus the gap of the two best decision values."""
    return per_row([scores.decision_gap(f) for f in logits], at, strategy.aggregate)


def query_by_committee_scores(strategy: Any, samples: list, *, at: Positions) -> list[float]:
    """Disagreement of the members, unit by unit."""
    measure = scores.variance if at.task == "regression" else getattr(scores, strategy.disagreement)
    return per_row([measure(list(unit)) for unit in zip(*samples, strict=True)], at, strategy.aggregate)


def least_disagree_picks(
    strategy: Any, embeddings: list, head: list, *, at: Positions, k: int, rng: Generator
) -> list[int]:
    """Draw a change of the head, let it grow, and see who flips first; then seed by weight and angle."""
    free = [at.candidates.tolist()[i] for i in torch.randperm(len(at.candidates), generator=rng).tolist()]
    before = {pos: class_scores(embeddings[pos], head) for pos in free}
    least, since = dict.fromkeys(free, 1.0), 0
    for _ in range(strategy.draws):
        noise = torch.randn(len(head), len(head[0]), generator=rng).tolist()
        scale = {pos: _flips_at(before[pos], class_scores(embeddings[pos], noise)) for pos in free}
        shares = {
            pos: sum(scale[other] <= scale[pos] for other in free) / len(free) if scale[pos] < math.inf else 1.0
            for pos in free
        }
        since = 0 if any(shares[pos] < least[pos] for pos in free) else since + 1
        if since == strategy.stop:
            break
        least = {pos: min(least[pos], shares[pos]) for pos in free}
    free.sort(key=lambda pos: least[pos])
    limit = least[free[min(k, len(free) - 1)]]
    weight = [math.exp(-max(least[pos] - limit, 0) / limit) for pos in free]
    others = sum(weight[k:])
    weight = weight[:k] + [min(1.0, w * k / others) for w in weight[k:]]
    picked = [0]
    while len(picked) < k:
        chances = []
        for place, pos in enumerate(free):
            apart = min(1 - _cosine(embeddings[pos], embeddings[free[other]]) for other in picked)
            chances.append(0.0 if place in picked else (weight[place] * apart) ** 2)
        draw = float(torch.rand((), generator=rng, dtype=torch.float64)) * sum(chances)
        place = 0
        while draw >= chances[place]:
            draw -= chances[place]
            place += 1
        picked.append(place)
    return [free[place] for place in picked]


def _flips_at(before: list[float], change: list[float]) -> float:
    """How large a multiple of the change must be for another class to overtake the guess."""
    guess = before.index(max(before))
    overtaken = [
        (before[guess] - value) / (gain - change[guess])
        for value, gain in zip(before, change, strict=True)
        if gain > change[guess]
    ]
    return min(overtaken, default=math.inf)


def _cosine(x: list[float], y: list[float]) -> float:
    lengths = math.hypot(*x) * math.hypot(*y)
    return sum(a * b for a, b in zip(x, y, strict=True)) / lengths if lengths else 0.0
