"""Contrast: how far the answers to other rows lie from the answer to this one."""

from __future__ import annotations

import torch

from querist.core.types import Float, Tensor


def contrast(probs: Float[Tensor, "*axes c"], prob_samples: Float[Tensor, "s *axes c"]) -> Float[Tensor, "*axes"]:
    """Mean divergence of other distributions from this one in nats, ``1/s sum_l KL(q_l || p)`` (margatina2021active).

    Args:
        probs: the row's own distribution on the last axis, ``[... c]``. A 0 counts as the least number above it.
        prob_samples: the others, ``[s ... c]``; in active learning those of its labelled neighbours.

    Example:
        >>> contrast(torch.tensor([[0.5, 0.5], [0.9, 0.1]]), torch.tensor([[[0.9, 0.1], [0.9, 0.1]]]))
        tensor([0.3681, 0.0000])
    """
    surprise = -probs.clamp_min(torch.finfo(probs.dtype).tiny).log()
    # Entropies of the others and their mean are enough: sum_l q_l log p = log p . sum_l q_l.
    own = torch.zeros_like(probs[..., 0])
    for others in prob_samples:
        own += torch.special.entr(others).sum(-1)
    mean = prob_samples.mean(0)
    return ((mean * surprise).sum(-1) - own / len(prob_samples)).clamp_min(0)
