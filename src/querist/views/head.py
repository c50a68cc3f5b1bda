"""Head: the weights of a last layer that is linear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.views.base import Scope, View


@dataclass(frozen=True, kw_only=True)
class Head(View):
    """``[c d+1]``: one row a class, its weights on :class:`Embeddings` and, in the last column, its bias.

    ``embeddings @ head[:, :-1].T + head[:, -1]`` are the class scores whose softmax is :class:`Probs` (the logit of
    each class for multilabel, the one value for regression). They may differ from :class:`Logits` by a number a row,
    as where a network ends in a log softmax. There is one head a model, so it has no row axis.
    """

    scope: ClassVar[Scope] = "model"
