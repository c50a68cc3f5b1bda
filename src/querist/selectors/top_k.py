"""The ``k`` highest scores, ties in a random order that the seed decides."""

from __future__ import annotations

from typing import Any

import torch

from querist.core.rng import generator
from querist.core.types import Generator, Int, Tensor
from querist.selectors.base import free_positions, refuse_impossible, shuffled


def top_k(
    scores: Any, *, k: int, labelled: Any = None, candidates: Any = None, rng: Generator | None = None
) -> Int[Tensor, "k"]:
    """Positions of the ``k`` highest scores, the highest first.

    Args:
        scores: one number a row, ``[n]``.
        k: how many.
        labelled: positions never returned.
        candidates: positions that may be returned; all if ``None``.
        rng: breaks ties; a generator with seed 0 if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open.

    Example:
        >>> top_k(torch.tensor([0.1, 0.9, 0.5]), k=2).tolist()
        [1, 2]
    """
    rng = generator(0) if rng is None else rng
    scores = torch.as_tensor(scores)
    free = free_positions(len(scores), labelled, candidates, scores.device)
    refuse_impossible(k, len(free))
    # Shuffle, then sort stably: equal scores keep the random order.
    free = shuffled(free, rng)
    order = torch.argsort(scores[free], descending=True, stable=True)
    return free[order[:k]]
