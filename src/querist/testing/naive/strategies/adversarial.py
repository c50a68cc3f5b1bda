"""Twins of the family adversarial. The attacks themselves have theirs in :mod:`querist.testing.naive.perturb`."""

from __future__ import annotations

from typing import Any

from querist.views.base import Positions


def deep_fool_scores(strategy: Any, lengths: list[float], at: Positions) -> list[float]:
    """The shortest change first."""
    del strategy, at
    return [-length for length in lengths]


def fast_gradient_scores(strategy: Any, lengths: list[float], at: Positions) -> list[float]:
    """The shortest change first."""
    del strategy, at
    return [-length for length in lengths]
