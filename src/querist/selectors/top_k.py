"""The ``k`` highest scores, ties in a random order that the seed decides.

The scores may come block by block: only the best so far are kept, each with a random number that settles ties, so the
answer is the same however they are cut, and memory is ``O(k)`` and a block.
"""

from __future__ import annotations

from typing import Any

import torch

from querist.core.errors import NonFinite
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, refuse_impossible
from querist.selectors.points import as_table

_BLOCK = 1 << 18
"""Scores that are looked at together, and how many may gather before all but the best are dropped."""


def top_k(
    scores: Any, *, k: int, labelled: Any = None, candidates: Any = None, rng: Generator | None = None
) -> Int[Tensor, "k"]:
    """Positions of the ``k`` highest scores, the highest first.

    Args:
        scores: one number a row, ``[n]`` (torch or numpy, mapped from a file too).
        k: how many.
        labelled: positions never returned.
        candidates: positions that may be returned; all if ``None``.
        rng: breaks ties; a generator with seed 0 if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open.
        NonFinite: a score that may be picked is NaN; names the position.

    Example:
        >>> top_k(torch.tensor([0.1, 0.9, 0.5]), k=2).tolist()
        [1, 2]
    """
    table = as_table(scores, axes="n")
    free = free_positions(len(table), labelled, candidates, table.device)
    refuse_impossible(k, len(free))
    best = Best(k, rng=generator(0) if rng is None else rng)
    for pos in free.split(_BLOCK):
        best.add(pos, table[pos])
    return best.picked()[0]


class Best:
    """The ``k`` highest of scores that come a block at a time.

    Args:
        k: how many are kept.
        rng: one number a score is drawn, in the order in which they come; of equal scores the highest draw wins.

    Example:
        >>> best = Best(2, rng=generator(0))
        >>> best.add(torch.tensor([0, 1]), torch.tensor([0.1, 0.9]))
        >>> best.add(torch.tensor([2]), torch.tensor([0.5]))
        >>> best.picked()
        (tensor([1, 2]), tensor([0.9000, 0.5000]))
    """

    def __init__(self, k: int, *, rng: Generator) -> None:
        self._k, self._rng = k, rng
        self._kept: list[tuple[Tensor, Tensor, Tensor]] = []
        """Blocks of positions, scores and draws."""
        self._size = 0
        self._least: float | None = None
        """The worst of ``k`` scores that are kept: what is below it never comes back."""

    def add(self, pos: Int[Tensor, "q"], scores: Float[Tensor, "q"]) -> None:
        """Look at some more positions.

        Raises:
            NonFinite: a score is NaN; names the position.
        """
        bad = torch.isnan(scores)
        if bool(bad.any()):
            raise NonFinite("the score", int(pos[bad][0]))
        draws = torch.empty(len(pos), dtype=torch.int64).random_(generator=self._rng).to(pos.device)
        if self._least is not None:
            keep = scores >= self._least
            pos, scores, draws = pos[keep], scores[keep], draws[keep]
        self._kept.append((pos, scores, draws))
        self._size += len(pos)
        if self._size >= self._k + max(self._k, _BLOCK):
            self._drop()

    def picked(self) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
        """The best so far and their scores, the highest first."""
        self._drop()
        pos, scores, draws = self._together()
        order = torch.argsort(draws, descending=True)
        order = order[torch.argsort(scores[order], descending=True, stable=True)]
        return pos[order], scores[order]

    def _drop(self) -> None:
        """Keep the best ``k`` alone."""
        pos, scores, draws = self._together()
        if len(pos) > self._k:
            least = scores.topk(self._k).values[-1]
            above, equal = torch.nonzero(scores > least).flatten(), torch.nonzero(scores == least).flatten()
            equal = equal[torch.argsort(draws[equal], descending=True)][: self._k - len(above)]
            keep = torch.cat([above, equal])
            pos, scores, draws = pos[keep], scores[keep], draws[keep]
            self._least = float(least)
        self._kept, self._size = [(pos, scores, draws)], len(pos)

    def _together(self) -> tuple[Tensor, Tensor, Tensor]:
        pos, scores, draws = (torch.cat(each) for each in zip(*self._kept, strict=True))
        return pos, scores, draws
