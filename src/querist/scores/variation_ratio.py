"""Variation ratio: how often a drawn network's guess is not the commonest guess."""

from __future__ import annotations

from querist.core.types import Float, Tensor
from querist.scores.vote_entropy import votes


def variation_ratio(prob_samples: Float[Tensor, "s *axes c"]) -> Float[Tensor, "*axes"]:
    """``1 - f_mode / T``: the share of samples outside the mode of the guessed classes (freeman1965elementary).

    The mode is taken over the ``T`` guessed labels, as gal2017deep defines it. Some programs use one minus the
    largest mean probability, which is least confidence of the mean and another number.

    Args:
        prob_samples: posterior samples first, ``[s ... c]``.

    Example:
        >>> import torch
        >>> variation_ratio(torch.tensor([[[0.9, 0.1]], [[0.2, 0.8]], [[0.6, 0.4]], [[0.7, 0.3]]]))
        tensor([0.2500])
    """
    return 1 - votes(prob_samples).amax(-1)
