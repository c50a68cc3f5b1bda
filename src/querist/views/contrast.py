"""Contrast: how unlike a row is answered to the labelled rows around it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from querist.core.errors import UsageError, ViewMissing
from querist.core.types import Float, Int, Tensor
from querist.scores.contrast import contrast
from querist.selectors.memory import Memory
from querist.selectors.points import TILE, products
from querist.views.base import Positions, View
from querist.views.blocks import widened
from querist.views.embeddings import Embeddings
from querist.views.probs import Probs


@dataclass(frozen=True, kw_only=True)
class Contrast(View):
    """``[n]``: mean divergence of the labelled neighbours' predictions from each row's own (margatina2021active).

    Args:
        neighbours: labelled rows that a row is compared with, the nearest by angle; all of them, if there are fewer.
    """

    neighbours: int = 10

    def __post_init__(self) -> None:
        if self.neighbours < 1:
            raise UsageError(f"{self.neighbours} neighbours were asked for", hint="use 1 or more")

    def parts(self) -> tuple[View, ...]:
        return (Probs(of=self.of), Embeddings(of=self.of))

    def fit(self, *parts: Any, at: Positions) -> tuple[Float[Tensor, "m c"], Float[Tensor, "m d"]]:
        """The labelled rows: what is said of them, and their directions."""
        if at.offsets is not None or at.task == "multilabel":
            raise ViewMissing(
                f"a {at.task} row is several predictions, which are not compared with its neighbours'",
                hint="choose a strategy that scores units",
            )
        probs, embeddings = (widened(part[at.labelled]) for part in parts)
        return probs, torch.nn.functional.normalize(embeddings, dim=-1)

    def map(self, *parts: Any, state: Any, at: Positions) -> Float[Tensor, "n"]:
        probs, embeddings = parts
        answers, directions = state
        size = min(self.neighbours, len(answers))
        if not size:
            return torch.zeros(at.n, device=probs.device)
        widest = max(len(answers), size * probs.shape[1], embeddings.shape[1])
        step = Memory("contrast", None, held=4 * at.n).tile(TILE, least=widest) // widest
        found = []
        for start in range(0, at.n, step):
            rows = slice(start, start + step)
            own = torch.nn.functional.normalize(widened(embeddings[rows]), dim=-1)
            near = _nearest(own, directions, size)
            scores = contrast(widened(probs[rows]), answers[near.T])
            found.append(
                torch.where(torch.isfinite(own).all(1), scores, torch.nan)
            )  # what stands nowhere is near nothing
        return torch.cat(found)


def _nearest(rows: Float[Tensor, "b d"], known: Float[Tensor, "m d"], size: int) -> Int[Tensor, "b size"]:
    """Places of the nearest among unit vectors: those of largest product, but for zero vectors, which have length 0."""
    lengths = known.square().sum(1)
    return (lengths - 2 * products(rows, known)).topk(size, dim=1, largest=False).indices
