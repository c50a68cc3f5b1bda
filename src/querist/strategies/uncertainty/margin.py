"""Margin: ask where the two likeliest classes are closest.

Paper: scheffer2001active; joshi2009multiclass calls it best versus second best. Cost: one pass over the
probabilities.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Tensor
from querist.scores.margin import margin
from querist.strategies.base import ScoreStrategy
from querist.views.base import Positions, View
from querist.views.probs import Probs


@dataclass(frozen=True, kw_only=True)
class Margin(ScoreStrategy):
    """Rows by the smallest gap between the best and the second guess.

    A label there decides between two classes that the model confuses; what it gives the other classes does not
    matter, so many unlikely classes cannot make a clear row look unsure, as they can with entropy.

    Formula:
        ``p_(2) - p_(1)``, the second best probability less the best

    Use it when:
        one strategy must do for all: on 69 sets of tables it matched or beat every other (bahri2022margin). It has no
        option to set, copes with many classes, and costs one forward pass.

    Not when:
        labels are few and features many: there it can be worse than random even without noise, the more so the closer
        the classes lie (tifrea2022margin), and typical rows teach more than unsure ones (hacohen2022active). Nor for
        large batches, whose rows crowd along one boundary; ``diverse_mini_batch`` spreads them.

    Args:
        aggregate: how the gaps of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> snapshot = Snapshot.from_arrays(probs=[[0.5, 0.3, 0.2], [0.48, 0.46, 0.06]])
        >>> Margin()(snapshot, k=1).tolist()
        [1]
    """

    rows: ClassVar = ("A3",)
    family: ClassVar = "uncertainty"
    paper: ClassVar = "scheffer2001active"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(u c), memory O(u)"

    def needs(self) -> tuple[View, ...]:
        return (Probs(),)

    def score(self, probs: Float[Tensor, "u c"]) -> Float[Tensor, "u"]:
        return margin(probs)

    def reason(self, score: float, middle: float, at: Positions) -> str:
        over = "" if at.offsets is None else f", {self.aggregate} over its units"
        return f"torn: the two best guesses are {-score:.3f} apart{over} (pool median {-middle:.3f})"
