"""Gradient length: how much the last layer is expected to move if the row were labelled."""

from __future__ import annotations

from querist.core.types import Float, Tensor


def gradient_length(probs: Float[Tensor, "*axes c"], embeddings: Float[Tensor, "*axes d"]) -> Float[Tensor, "*axes"]:
    """Expected length of the last layer's loss gradient, ``sum_c p_c |p - e_c| |[z, 1]|`` (settles2007multiple).

    The gradient of the cross-entropy in weights and bias is the outer product of ``p - e_c`` and ``[z, 1]``, so its
    length is the product of theirs, and ``|p - e_c|^2 = |p|^2 + 1 - 2 p_c``: no gradient is ever written out.

    Args:
        probs: distributions on the last axis, ``[... c]``.
        embeddings: inputs of the last layer without the bias unit, ``[... d]``.

    Example:
        >>> import torch
        >>> gradient_length(torch.tensor([[0.5, 0.5], [1.0, 0.0]]), torch.tensor([[0.0], [3.0]]))
        tensor([0.7071, 0.0000])
    """
    squared = probs.square().sum(-1, keepdim=True) + 1 - 2 * probs
    residual = (probs * squared.clamp_min(0).sqrt()).sum(-1)
    return residual * (embeddings.square().sum(-1) + 1).sqrt()
