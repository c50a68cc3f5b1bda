"""Twins of the scores: one row at a time, from plain lists.

A score of probabilities has a twin of one distribution, a score of samples one of a list of distributions; a score
of points has a twin of the whole table.
"""

from __future__ import annotations

import math
import sys
from collections import Counter

Vector = list[float]
_TINY = sys.float_info.min


def entropy(probs: Vector) -> float:
    """Minus the sum of ``p log p``."""
    return -sum(p * math.log(p) for p in probs if p > 0)


def margin(probs: Vector) -> float:
    """Second best minus best."""
    first, second = sorted([*probs, 0.0], reverse=True)[:2]
    return second - first


def least_confidence(probs: Vector) -> float:
    """One minus the best."""
    return 1 - max(probs)


def _vote_counts(prob_samples: list[Vector]) -> list[int]:
    return list(Counter(probs.index(max(probs)) for probs in prob_samples).values())


def _mean(prob_samples: list[Vector]) -> Vector:
    return [sum(column) / len(prob_samples) for column in zip(*prob_samples, strict=True)]


def vote_entropy(prob_samples: list[Vector]) -> float:
    """Entropy of the shares of votes."""
    return entropy([count / len(prob_samples) for count in _vote_counts(prob_samples)])


def variation_ratio(prob_samples: list[Vector]) -> float:
    """Votes outside the commonest class, as a share."""
    return 1 - max(_vote_counts(prob_samples)) / len(prob_samples)


def mean_std(prob_samples: list[Vector]) -> float:
    """Root of ``E[p^2] - E[p]^2``, class by class, averaged."""
    total = 0.0
    for column in zip(*prob_samples, strict=True):
        mean = sum(column) / len(column)
        total += math.sqrt(max(sum(p * p for p in column) / len(column) - mean * mean, 0.0))
    return total / len(prob_samples[0])


def bald(prob_samples: list[Vector]) -> float:
    """Entropy of the mean minus mean of the entropies."""
    return entropy(_mean(prob_samples)) - sum(map(entropy, prob_samples)) / len(prob_samples)


def consensus_kl(prob_samples: list[Vector]) -> float:
    """Mean over members of the sum of ``p log(p / consensus)``."""
    consensus, total = _mean(prob_samples), 0.0
    for probs in prob_samples:
        total += sum(p * math.log(p / q) for p, q in zip(probs, consensus, strict=True) if p > 0)
    return total / len(prob_samples)


def contrast(probs: Vector, prob_samples: list[Vector]) -> float:
    """Mean over the others of the sum of ``q log(q / p)``."""
    total = 0.0
    for others in prob_samples:
        total += sum(q * math.log(q / max(p, _TINY)) for q, p in zip(others, probs, strict=True) if q > 0)
    return total / len(prob_samples)


def decision_gap(logits: Vector) -> float:
    """Second best minus best, whatever their signs."""
    first, second = sorted(logits, reverse=True)[:2]
    return second - first


def variance(prediction_samples: Vector) -> float:
    """Mean squared deviation from the mean."""
    mean = sum(prediction_samples) / len(prediction_samples)
    return sum((value - mean) ** 2 for value in prediction_samples) / len(prediction_samples)


def predictive_gain(prob_samples: list[Vector], target_samples: list[list[Vector]], rule: str = "log") -> float:
    """Every label weighs the networks anew; what that does to each target's prediction, scored."""
    gains = []
    for targets in zip(*target_samples, strict=True):
        before = _mean(list(targets))
        gain = 0.0
        for label, chance in enumerate(_mean(prob_samples)):
            if chance == 0:
                continue
            weights = [probs[label] / (chance * len(prob_samples)) for probs in prob_samples]
            after = [sum(w * p[c] for w, p in zip(weights, targets, strict=True)) for c in range(len(before))]
            if rule == "log":
                gain += chance * sum(a * math.log(a / b) for a, b in zip(after, before, strict=True) if a > 0)
            else:
                gain += chance * sum((a - b) ** 2 for a, b in zip(after, before, strict=True))
        gains.append(gain)
    return sum(gains) / len(gains)


def gradient_length(probs: Vector, embeddings: Vector) -> float:
    """Every entry of every class's gradient written out."""
    expected = 0.0
    for label, chance in enumerate(probs):
        entries = [(p - (c == label)) * z for c, p in enumerate(probs) for z in [*embeddings, 1.0]]
        expected += chance * math.sqrt(sum(entry * entry for entry in entries))
    return expected


def density(points: list[Vector], reference: list[Vector] | None = None) -> Vector:
    """All cosines, row by row."""
    others = points if reference is None else reference
    return [sum(_cosine(x, other) for other in others) / len(others) for x in points]


def mean_distance(points: list[Vector], reference: list[Vector] | None = None) -> Vector:
    """All distances, row by row."""
    others = points if reference is None else reference
    return [sum(math.dist(x, other) for other in others) / len(others) for x in points]


def _cosine(x: Vector, y: Vector) -> float:
    lengths = math.hypot(*x) * math.hypot(*y)
    return sum(a * b for a, b in zip(x, y, strict=True)) / lengths if lengths else 0.0
