"""Entropy: how spread out a distribution is."""

from __future__ import annotations

import torch

from querist.core.types import Float, Tensor


def entropy(probs: Float[Tensor, "*axes c"]) -> Float[Tensor, "*axes"]:
    """Shannon entropy in nats, ``-sum_c p_c log p_c`` (shannon1948mathematical); 0 to ``log c``.

    Args:
        probs: distributions on the last axis, ``[... c]``. A probability of 0 adds 0.

    Example:
        >>> entropy(torch.tensor([[1.0, 0.0], [0.5, 0.5]]))
        tensor([0.0000, 0.6931])
    """
    return torch.special.entr(probs).sum(-1)
