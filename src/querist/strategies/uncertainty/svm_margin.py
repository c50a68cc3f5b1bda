"""SVM margin: ask for what lies nearest to the hyperplane.

Paper: tong2001support, its Simple Margin, which is for two classes. With more, the gap between the two best decision
values takes the place of the distance, as in joshi2009multiclass; the paper's MaxMin and Ratio Margin, which train
once for each candidate and label, are left out. Cost: one pass over the decision values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Tensor
from querist.scores.decision_gap import decision_gap
from querist.strategies.base import ScoreStrategy
from querist.views.base import Positions, View
from querist.views.logits import Logits


@dataclass(frozen=True, kw_only=True)
class SvmMargin(ScoreStrategy):
    """Rows by the smallest gap between their two best decision values.

    Think of all hyperplanes that fit the labels. A label of a row near the present one, which lies about in their
    middle, rules out about half of them, whichever way it falls. Unlike :class:`Margin` it looks at decision values and
    not at probabilities, so that nothing has to turn an SVM's answer into a probability.

    Formula:
        ``-|f(x)|`` for two classes; ``-(f_(1)(x) - f_(2)(x))`` for more

    Use it when:
        the model is a linear SVM (``sklearn:LinearSVC``) or another classifier without trustworthy probabilities, on
        good fixed features, and a few dozen labels are there already. It costs next to nothing.

    Not when:
        the first labels are still to be chosen (the boundary is then nowhere near its place, and typical rows teach
        more: hacohen2022active), batches are large (its rows crowd along one stretch of the boundary, which
        ``cluster_margin`` of citovsky2021batch spreads out), or labels near the boundary are mostly noise.

    Args:
        aggregate: how the gaps of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> snapshot = Snapshot.from_arrays(logits=[[2.0, -1.0, 0.5], [0.5, 0.25, -4.0]])
        >>> SvmMargin()(snapshot, k=1).tolist()
        [1]
    """

    rows: ClassVar = ("A13",)
    family: ClassVar = "uncertainty"
    paper: ClassVar = "tong2001support"
    survey: ClassVar = "3.1"
    cost: ClassVar = "time O(u c), memory O(u)"

    def needs(self) -> tuple[View, ...]:
        return (Logits(),)

    def score(self, logits: Float[Tensor, "u c"]) -> Float[Tensor, "u"]:
        return decision_gap(logits)

    def reason(self, score: float, middle: float, at: Positions) -> str:
        over = "" if at.offsets is None else f", {self.aggregate} over its units"
        return f"near the boundary: its two best decision values are {-score:.3g} apart{over} (median {-middle:.3g})"
