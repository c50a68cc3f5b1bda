"""Margin: how close the second guess comes to the first."""

from __future__ import annotations

from querist.core.types import Float, Tensor


def margin(probs: Float[Tensor, "*axes c"]) -> Float[Tensor, "*axes"]:
    """Minus the gap between the two likeliest classes, ``-(p_(1) - p_(2))`` (scheffer2001active); -1 to 0.

    Args:
        probs: distributions on the last axis, ``[... c]``. With one class the second guess has probability 0.

    Example:
        >>> import torch
        >>> margin(torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.5, 0.0]]))
        tensor([-0.5000,  0.0000])
    """
    if probs.shape[-1] == 1:
        return -probs[..., 0]
    best = probs.topk(2, dim=-1).values
    return best[..., 1] - best[..., 0]
