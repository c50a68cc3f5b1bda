"""Decision gap: how near a row lies to where the answer would be another one."""

from __future__ import annotations

import torch

from querist.core.types import Float, Tensor


def decision_gap(logits: Float[Tensor, "*axes c"]) -> Float[Tensor, "*axes"]:
    """Minus the gap between the two best decision values, ``-(f_(1) - f_(2))``; 0 on the boundary, else below it.

    For two classes that is ``-|f(x)|``, the distance to the hyperplane in units of the margin (tong2001support).

    Args:
        logits: decision values on the last axis, ``[... c]``. With one class there is nothing to decide: 0.

    Example:
        >>> decision_gap(torch.tensor([[2.0, -1.0, 0.5], [0.5, 0.25, -4.0]]))
        tensor([-1.5000, -0.2500])
    """
    if logits.shape[-1] == 1:
        return torch.zeros_like(logits[..., 0])
    best = logits.topk(2, dim=-1).values
    return best[..., 1] - best[..., 0]
