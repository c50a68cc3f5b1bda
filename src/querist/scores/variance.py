"""Variance: how far the predicted values of drawn networks lie apart."""

from __future__ import annotations

from querist.core.types import Float, Tensor


def variance(prediction_samples: Float[Tensor, "s *axes"]) -> Float[Tensor, "*axes"]:
    """``E_t[(y^t - E_t y^t)^2]``, the committee's ambiguity in regression (krogh1994neural).

    Under Gaussian noise of one size it orders rows as their information about the weights does.

    Args:
        prediction_samples: predicted values, samples first, ``[s ...]``; the answer has their unit squared.

    Example:
        >>> import torch
        >>> variance(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))
        tensor([1., 0.])
    """
    return prediction_samples.var(0, correction=0)
