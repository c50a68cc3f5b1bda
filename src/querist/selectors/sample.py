"""Sampling instead of sorting: ``k`` positions drawn one after another, with chances that grow with the score.

Paper: kirsch2023stochastic (softmax, power and softrank acquisition). A batch of the ``k`` highest scores holds near
twins; a draw does not, at the price of one sort. Adding Gumbel noise to log weights and taking the ``k`` highest is a
draw without replacement (kool2019stochastic). Cost: ``O(n log n)`` time, ``O(n)`` memory.
"""

from __future__ import annotations

from typing import Any

import torch

from querist.core.errors import DataError, NonFinite, UsageError
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, refuse_impossible, shuffled

LAWS = ("softmax", "power", "rank")


def sample(
    scores: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    law: str = "softmax",
    beta: float = 1.0,
) -> Int[Tensor, "k"]:
    """Positions drawn without replacement, each with a chance in proportion to its weight among those left.

    Args:
        scores: one number a row, ``[n]``.
        k: how many.
        labelled: positions never returned.
        candidates: positions that may be returned; all if ``None``.
        rng: draws; a generator with seed 0 if ``None``.
        law: the weight of a score ``s``: ``softmax`` is ``exp(beta s)`` (a Gibbs law), ``power`` is ``s^beta``, so
            that 0 is drawn only when nothing else is left, and ``rank`` is ``r^-beta``, ``r`` being 1 for the best.
        beta: how greedy; 0 is uniform, infinity the highest scores. The paper's is 1.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open; another law; a beta below 0.
        NonFinite: a score that may be drawn is NaN or infinite; names the position.
        DataError: a negative score under the law ``power``.

    Example:
        >>> sample(torch.tensor([0.0, 5.0, 0.0]), k=2, law="power").tolist()[0]
        1
    """
    rng = generator(0) if rng is None else rng
    scores = torch.as_tensor(scores)
    free = free_positions(len(scores), labelled, candidates, scores.device)
    refuse_impossible(k, len(free))
    if not beta >= 0:
        raise UsageError(f"the beta of a sample is {beta}", hint="give 0 (uniform) or more")
    bad = free[~torch.isfinite(scores[free])]
    if len(bad):
        raise NonFinite("the score", int(bad[0]))
    free = shuffled(free, rng)  # equals, and weights of 0, keep this order
    weights = _log_weights(scores[free].double(), law)
    # 0 times minus infinity is no number; under beta 0 all weigh the same.
    keys = torch.zeros_like(weights) if beta == 0 else weights if beta == torch.inf else beta * weights
    if beta < torch.inf:
        keys = keys - torch.empty(len(keys), dtype=torch.float64).exponential_(generator=rng).log().to(keys.device)
    return free[torch.argsort(keys, descending=True, stable=True)[:k]]


def _log_weights(scores: Float[Tensor, "q"], law: str) -> Float[Tensor, "q"]:
    if law == "softmax":
        return scores
    if law == "power":
        if bool((scores < 0).any()):
            raise DataError(
                f"the law power takes no score below 0 and one is {float(scores.min()):.3g}", hint="choose softmax"
            )
        return scores.log()
    if law == "rank":
        ranks = torch.empty_like(scores)
        ranks[torch.argsort(scores, descending=True, stable=True)] = torch.arange(
            1, len(scores) + 1, dtype=scores.dtype, device=scores.device
        )
        return -ranks.log()
    raise UsageError(f"there is no law {law!r}", hint=f"choose {', '.join(LAWS)}")
