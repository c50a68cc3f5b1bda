"""BALD: what one label would tell about the network's weights."""

from __future__ import annotations

from querist.core.types import Float, Tensor
from querist.scores.entropy import entropy


def bald(prob_samples: Float[Tensor, "s *axes c"]) -> Float[Tensor, "*axes"]:
    """Mutual information of label and weights in nats, ``H(mean_t p^t) - mean_t H(p^t)`` (houlsby2011bayesian).

    High where each drawn network is sure and they contradict each other; 0 where all are equally unsure.

    Args:
        prob_samples: posterior samples first, ``[s ... c]``.

    Example:
        >>> import torch
        >>> bald(torch.tensor([[[1.0, 0.0], [0.5, 0.5]], [[0.0, 1.0], [0.5, 0.5]]]))
        tensor([0.6931, 0.0000])
    """
    expected = entropy(prob_samples[0])
    for probs in prob_samples[1:]:
        expected = expected + entropy(probs)
    # Never negative but for rounding.
    return (entropy(prob_samples.mean(0)) - expected / len(prob_samples)).clamp_min(0)
