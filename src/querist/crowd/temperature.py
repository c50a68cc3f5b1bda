"""Temperature: how much a model's chances must be flattened to speak as surely as annotators agree.

Paper: guo2017calibration, with the shares of the votes for targets (goh2023activelab). Known difference: this is the
minimum itself; the authors' program tries two dozen temperatures, and counts votes otherwise, so it finds others.
"""

from __future__ import annotations

import math

from querist.core.types import Float, Tensor
from querist.crowd.votes import Votes

_COOL, _HOT = 0.1, 8.0
"""The range that the authors' program looks in."""
_STEPS = 60
"""Halvings of the range of ``1 / T``: well below a float's grain."""


def temperature(votes: Votes, probs: Float[Tensor, "n c"]) -> float:
    """The ``T`` whose ``softmax(log p / T)`` has the least cross-entropy to the shares of each row's votes.

    The cross-entropy is convex in ``1 / T``, so its slope is searched for a zero. 1 where nobody voted.

    Args:
        votes: who said what.
        probs: the model's chances.

    Example:
        A model that is sure of everything and right half of the time speaks too surely.

        >>> import torch
        >>> votes = Votes.from_table([[0], [1], [0], [1]])
        >>> temperature(votes, torch.tensor([[0.99, 0.01]] * 4))
        8.0
    """
    counts = votes.counts()
    given = counts.sum(1)
    asked = given > 0
    if not bool(asked.any()):
        return 1.0
    shares = counts[asked] / given[asked, None]
    logs = probs[asked].double().clamp_min(1e-8).log()

    def slope(sharpness: float) -> float:
        """Of the cross-entropy in ``1 / T``: the mean of ``log p`` as the model has it, less as the votes have it."""
        return float((((sharpness * logs).softmax(1) - shares) * logs).sum())

    low, high = 1 / _HOT, 1 / _COOL
    if slope(low) >= 0:
        return _HOT
    if slope(high) <= 0:
        return _COOL
    for _ in range(_STEPS):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 1 / math.sqrt(low * high)


def tempered(probs: Float[Tensor, "*x c"], degrees: float) -> Float[Tensor, "*x c"]:
    """``softmax(log p / T)``, what is zero counting as next to nothing."""
    return (probs.clamp_min(1e-8).log() / degrees).softmax(-1)
