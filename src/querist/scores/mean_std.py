"""Mean standard deviation: how far the probabilities themselves move from sample to sample."""

from __future__ import annotations

from querist.core.types import Float, Tensor


def mean_std(prob_samples: Float[Tensor, "s *axes c"]) -> Float[Tensor, "*axes"]:
    """``1/C sum_c sqrt(E_t[(p^t_c)^2] - E_t[p^t_c]^2)`` (kampffmeyer2016semantic, kendall2015segnet).

    Args:
        prob_samples: posterior samples first, ``[s ... c]``. One sample has no spread: 0.

    Example:
        >>> import torch
        >>> mean_std(torch.tensor([[[0.75, 0.25]], [[0.25, 0.75]]]))
        tensor([0.2500])
    """
    # Deviations from the mean, not the difference of squares, which rounding can make negative.
    return prob_samples.std(0, correction=0).mean(-1)
