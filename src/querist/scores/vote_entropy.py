"""Vote entropy: how a committee's votes are spread over the classes."""

from __future__ import annotations

import torch

from querist.core.types import Float, Tensor
from querist.scores.entropy import entropy


def votes(prob_samples: Float[Tensor, "s *axes c"]) -> Float[Tensor, "*axes c"]:
    """Share of the samples whose best guess is each class, ``V_c / C``.

    Added one sample at a time, so that no ``[s ... c]`` table of ones and zeros is ever made.
    """
    shares = torch.zeros_like(prob_samples[0])
    for probs in prob_samples:
        guess = probs.argmax(-1, keepdim=True)
        shares.scatter_add_(-1, guess, torch.ones_like(guess, dtype=shares.dtype))
    return shares / len(prob_samples)


def vote_entropy(prob_samples: Float[Tensor, "s *axes c"]) -> Float[Tensor, "*axes"]:
    """Entropy of the vote shares in nats, ``-sum_c V_c/C log V_c/C`` (dagan1995committee); 0 where all agree.

    Args:
        prob_samples: one distribution a committee member, members first, ``[s ... c]``.

    Example:
        >>> vote_entropy(torch.tensor([[[0.9, 0.1], [0.9, 0.1]], [[0.2, 0.8], [0.6, 0.4]]]))
        tensor([0.6931, 0.0000])
    """
    return entropy(votes(prob_samples))
