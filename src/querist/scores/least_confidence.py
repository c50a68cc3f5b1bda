"""Least confidence: the chance that the best guess is wrong."""

from __future__ import annotations

from querist.core.types import Float, Tensor


def least_confidence(probs: Float[Tensor, "*axes c"]) -> Float[Tensor, "*axes"]:
    """``1 - max_c p_c`` (lewis1994sequential); 0 to ``1 - 1/c``.

    Args:
        probs: distributions on the last axis, ``[... c]``.

    Example:
        >>> import torch
        >>> least_confidence(torch.tensor([[0.75, 0.25], [0.5, 0.5]]))
        tensor([0.2500, 0.5000])
    """
    return 1 - probs.amax(-1)
