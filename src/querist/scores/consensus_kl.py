"""Consensus KL: how far the members of a committee stand from their mean."""

from __future__ import annotations

import torch

from querist.core.types import Float, Tensor


def consensus_kl(prob_samples: Float[Tensor, "s *axes c"]) -> Float[Tensor, "*axes"]:
    """Mean divergence to the consensus in nats, ``1/C sum_k KL(p^k || mean p)`` (mccallum1998employing).

    For a committee of equal weights this is the mutual information that :func:`querist.scores.bald` computes.

    Args:
        prob_samples: one distribution a committee member, members first, ``[s ... c]``.

    Example:
        >>> consensus_kl(torch.tensor([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]]))
        tensor([0.6931, 0.0000])
    """
    consensus = prob_samples.mean(0)
    # The mean of tiny probabilities can round to 0 where they do not; 0 log 0 is 0 either way.
    log_consensus = consensus.clamp_min(torch.finfo(consensus.dtype).tiny).log()
    total = torch.zeros_like(consensus[..., 0])
    for probs in prob_samples:
        total += (-torch.special.entr(probs) - probs * log_consensus).sum(-1)
    return (total / len(prob_samples)).clamp_min(0)
