"""Expected gradient length: ask for what would change the model most, whatever the answer turns out to be.

Paper: settles2007multiple. Known difference: the gradient is that of the last layer (weights and bias), for which the
expectation has a closed form; the paper's models had only that layer. Cost: one pass, no backward pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Tensor
from querist.scores.gradient_length import gradient_length
from querist.strategies.base import ScoreStrategy
from querist.views.base import Positions, View
from querist.views.embeddings import Embeddings
from querist.views.probs import Probs


@dataclass(frozen=True, kw_only=True)
class ExpectedGradientLength(ScoreStrategy):
    """Rows by ``sum_c p_c |grad loss(x, c)|``.

    Each class is weighed by the model's own belief in it. Long embeddings score high too, so outliers are asked.

    Formula:
        ``sum_c p_c |p - e_c| |[z, 1]|``, with ``e_c`` the answer ``c`` and ``z`` the embedding

    Use it when:
        the last layer is most of what a label changes (a head on frozen features), embeddings are of like length, and
        batches are small.

    Not when:
        features are badly scaled: one large number makes a row look informative (settles2009active), so outliers are
        asked. Nor for large batches: each row is scored alone, which ``badge``, its diverse sibling, mends.

    Example:
        >>> from querist.views import Snapshot
        >>> snapshot = Snapshot.from_arrays(probs=[[0.9, 0.1], [0.5, 0.5]], embeddings=[[1.0], [1.0]])
        >>> ExpectedGradientLength()(snapshot, k=1).tolist()
        [1]
    """

    rows: ClassVar = ("A6",)
    family: ClassVar = "uncertainty"
    paper: ClassVar = "settles2007multiple"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(n (c + d)), memory O(n c)"
    tasks: ClassVar = ("classification",)

    def needs(self) -> tuple[View, ...]:
        return (Probs(), Embeddings())

    def score(self, probs: Float[Tensor, "n c"], embeddings: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
        return gradient_length(probs, embeddings)

    def reason(self, score: float, middle: float, at: Positions) -> str:
        return f"would move the last layer by {score:.3g} (pool median {middle:.3g})"
