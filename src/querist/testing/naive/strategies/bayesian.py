"""Twins of the family bayesian."""

from __future__ import annotations

from typing import Any

from querist.core.types import Generator
from querist.testing.naive import scores
from querist.testing.naive.selectors import joint_mi
from querist.testing.naive.strategies import per_row
from querist.views.base import Positions


def variation_ratio_scores(strategy: Any, samples: list, *, at: Positions) -> list[float]:
    """Votes against the majority, unit by unit."""
    return per_row([scores.variation_ratio(list(unit)) for unit in zip(*samples, strict=True)], at, strategy.aggregate)


def mean_std_scores(strategy: Any, samples: list, *, at: Positions) -> list[float]:
    """Spread of the class probabilities, unit by unit."""
    return per_row([scores.mean_std(list(unit)) for unit in zip(*samples, strict=True)], at, strategy.aggregate)


def bald_scores(strategy: Any, samples: list, *, at: Positions) -> list[float]:
    """Information of a label about the network, unit by unit."""
    measure = scores.variance if at.task == "regression" else scores.bald
    return per_row([measure(list(unit)) for unit in zip(*samples, strict=True)], at, strategy.aggregate)


def batch_bald_picks(strategy: Any, samples: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """The whole joint distribution of the labels, pick by pick."""
    del strategy
    return joint_mi.joint_mi_picks(samples, k=k, labelled=[], candidates=at.candidates.tolist(), rng=rng)
