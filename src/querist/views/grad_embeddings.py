"""GradEmbeddings: the gradient of the loss in the last layer, if the model's own guess were the label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from querist.core.errors import ViewMissing
from querist.core.types import Tensor
from querist.selectors.points import FactoredPoints
from querist.views.base import Positions, View
from querist.views.blocks import in_blocks
from querist.views.embeddings import Embeddings
from querist.views.probs import Probs


@dataclass(frozen=True, kw_only=True)
class GradEmbeddings(View):
    """``n`` points of ``c * d`` numbers, kept in factors: ``(probs - onehot(argmax)) (x) embedding`` (ash2020badge).

    A multilabel row has one logistic loss a class, so its coefficients are ``p - [p > 1/2]``, one a class.
    """

    def parts(self) -> tuple[View, ...]:
        return (Probs(of=self.of), Embeddings(of=self.of))

    def map(self, *parts: Any, state: Any, at: Positions) -> FactoredPoints:
        probs, embeddings = parts
        if at.task == "multilabel":
            present = probs[:, 1].reshape(at.n, -1)
            residuals = present - (present > 0.5).to(present.dtype)
        elif at.offsets is None:
            residuals = in_blocks(_residuals, probs)
        else:
            raise ViewMissing(
                f"gradient embeddings of a {at.task} row are no single outer product",
                hint="choose a strategy that scores units",
            )
        return FactoredPoints(left=residuals, right=embeddings)


def _residuals(probs: Tensor) -> Tensor:
    guess = torch.nn.functional.one_hot(probs.argmax(-1), probs.shape[-1])
    return probs - guess.to(probs.dtype)
