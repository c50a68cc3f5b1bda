"""The ``k`` highest scores, ties in a random order that the seed decides."""

from __future__ import annotations

import torch

from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor


def free_positions(
    n: int, labelled: Tensor | None, candidates: Tensor | None, device: torch.device | str = "cpu"
) -> Int[Tensor, "q"]:
    """Positions that may be picked: the candidates (all ``n`` if ``None``) without the labelled ones."""
    free = torch.zeros(n, dtype=torch.bool, device=device)
    if candidates is None:
        free[:] = True
    else:
        free[torch.as_tensor(candidates, dtype=torch.long, device=device)] = True
    if labelled is not None:
        free[torch.as_tensor(labelled, dtype=torch.long, device=device)] = False
    return torch.nonzero(free).flatten()


def top_k(
    scores: Float[Tensor, "n"],
    *,
    k: int,
    labelled: Int[Tensor, "m"] | None = None,
    candidates: Int[Tensor, "q"] | None = None,
    rng: Generator | None = None,
) -> Int[Tensor, "k"]:
    """Positions of the ``k`` highest scores, the highest first.

    Args:
        scores: one number a row, ``[n]``.
        k: how many.
        labelled: positions never returned.
        candidates: positions that may be returned; all if ``None``.
        rng: breaks ties; a generator with seed 0 if ``None``.

    Example:
        >>> top_k(torch.tensor([0.1, 0.9, 0.5]), k=2).tolist()
        [1, 2]
    """
    rng = generator(0) if rng is None else rng
    open_pos = free_positions(len(scores), labelled, candidates, scores.device)
    # Shuffle, then sort stably: equal scores keep the random order.
    shuffled = open_pos[torch.randperm(len(open_pos), generator=rng).to(scores.device)]
    order = torch.argsort(scores[shuffled], descending=True, stable=True)
    return shuffled[order[:k]]
