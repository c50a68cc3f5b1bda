"""Density: how alike a row is to those that may be asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from querist.core.types import Float, Tensor
from querist.scores.density import mean_cosine, mean_direction
from querist.views.base import Positions, View
from querist.views.blocks import block_rows, in_blocks, widened
from querist.views.embeddings import Embeddings


@dataclass(frozen=True, kw_only=True)
class Density(View):
    """``[n]``: mean cosine of each row's embedding to those of the candidates (settles2008analysis); -1 to 1."""

    def parts(self) -> tuple[View, ...]:
        return (Embeddings(of=self.of),)

    def fit(self, *parts: Any, at: Positions) -> Float[Tensor, "d"]:
        """The mean direction of the candidates, which is all that a row has to know of them."""
        (embeddings,) = parts
        total = torch.zeros(embeddings.shape[1], dtype=torch.float64, device=embeddings.device)
        for pos in at.candidates.split(block_rows(embeddings.shape[1])):
            total += len(pos) * mean_direction(widened(embeddings[pos]))
        return total / len(at.candidates)

    def map(self, *parts: Any, state: Any, at: Positions) -> Float[Tensor, "n"]:
        (embeddings,) = parts
        return in_blocks(lambda block: mean_cosine(block, state.to(block.dtype)), embeddings)
