"""Calibration: is a model right as often as it says it is?

Paper: guo2017calibration, for the error and for the temperature that mends it.
"""

from __future__ import annotations

import torch

from querist.core.types import Float, Int, Tensor


def calibration_error(probs: Float[Tensor, "u c"], labels: Int[Tensor, "u"], *, bins: int = 15) -> float:
    """Expected calibration error: how far confidence is from accuracy, on average over bins of confidence.

    Args:
        probs: distributions over the classes, ``[u c]``.
        labels: the class of each.
        bins: intervals of equal width from 0 to 1, each open below and closed above.

    Example:
        >>> probs = torch.tensor([[0.9, 0.1], [0.8, 0.2]])
        >>> round(calibration_error(probs, torch.tensor([0, 1]), bins=2), 3)   # 85 % sure, 50 % right
        0.35
    """
    confidence, guess = probs.double().max(-1)
    right = (guess == labels).double()
    number = (confidence * bins).ceil().long().clamp(1, bins) - 1
    gaps = torch.zeros(bins, dtype=torch.float64, device=probs.device).index_add_(0, number, confidence - right)
    return float(gaps.abs().sum()) / max(len(labels), 1)


def best_temperature(logits: Float[Tensor, "u c"], labels: Int[Tensor, "u"]) -> float:
    """What logits must be divided by for the least calibration error; of equals the lowest.

    From 1 to 19.9 in steps of 0.1, with as many bins as there are classes (bae2025uncertainty).

    Args:
        logits: scores before the softmax, or log-probabilities, ``[u c]``.
        labels: the class of each.

    Example:
        >>> logits = torch.tensor([[9.0, 0.0], [9.0, 0.0], [9.0, 0.0], [9.0, 0.0]])
        >>> best_temperature(logits, torch.tensor([0, 0, 0, 1]))   # three of four are right: 9 / 8.2 is log 3
        8.2
    """
    best, least = 1.0, torch.inf
    for tenths in range(10, 200):
        error = calibration_error((logits * (10 / tenths)).softmax(-1), labels, bins=logits.shape[-1])
        if error < least - 1e-9:
            best, least = tenths / 10, error
    return best
