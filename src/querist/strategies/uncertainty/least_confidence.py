"""Least confidence: ask where the best guess is least likely to be right.

Paper: lewis1994sequential; for sequences culotta2005reducing. Known difference: tokens are guessed one by one, so
``P(y | x)`` of a sequence is the product of its tokens' best probabilities, where the paper has a CRF's Viterbi path.
Cost: one pass over the probabilities.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Tensor
from querist.scores.least_confidence import least_confidence
from querist.strategies.base import ScoreStrategy
from querist.views.base import Positions, View
from querist.views.probs import Probs


@dataclass(frozen=True, kw_only=True)
class LeastConfidence(ScoreStrategy):
    """Rows by ``1 - P(y | x)``, ``y`` being the model's own best guess for the whole row.

    A model tends to be wrong where it gives its own answer a small chance. For tokens it prefers long rows: the
    chance that everything is right falls with every token (``aggregate="mean"`` takes the length out).

    Formula:
        ``1 - max_c p_c``; of a row of tokens ``1 - prod_t max_c p^t_c``

    Use it when:
        only the best guess counts: sequences that are right or wrong as a whole, or a metric that counts errors. With
        two classes it asks what ``margin`` and ``entropy`` ask.

    Not when:
        rows of tokens are paid by the word: a long row has a small chance to be right as a whole, so long ones are
        asked (settles2008analysis; ``aggregate="mean"`` takes the length out). Nor for the first labels
        (hacohen2022active), nor for large batches, since near twins score alike.

    Args:
        aggregate: how token (or class) scores become a row's; ``any`` is the paper's ``1 - P(y | x)``.

    Example:
        >>> from querist.views import Snapshot
        >>> snapshot = Snapshot.from_arrays(probs=[[0.9, 0.1], [0.5, 0.5], [0.3, 0.7]])
        >>> LeastConfidence()(snapshot, k=2).tolist()
        [1, 2]
    """

    aggregate: str = "any"

    rows: ClassVar = ("A2",)
    family: ClassVar = "uncertainty"
    paper: ClassVar = "lewis1994sequential"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(u c), memory O(u)"

    def needs(self) -> tuple[View, ...]:
        return (Probs(),)

    def score(self, probs: Float[Tensor, "u c"]) -> Float[Tensor, "u"]:
        return least_confidence(probs)

    def reason(self, score: float, middle: float, at: Positions) -> str:
        if at.offsets is None:
            return f"least sure: the best guess has probability {1 - score:.2f} (pool median {1 - middle:.2f})"
        if self.aggregate == "any":
            chance, usual = math.exp(-score), math.exp(-middle)
            return f"least sure: all of the guess is right with probability {chance:.2g} (pool median {usual:.2g})"
        return f"least sure: {self.aggregate} chance of a wrong guess {score:.3g} (pool median {middle:.3g})"
