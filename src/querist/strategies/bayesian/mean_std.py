"""Mean standard deviation: ask where the probabilities move most from one drawn network to the next.

Paper: kampffmeyer2016semantic and kendall2015segnet; as a query gal2017deep (T = 100, the default here is 20).
Cost: ``samples`` passes from the first dropout on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Tensor
from querist.scores.mean_std import mean_std
from querist.strategies.base import ScoreStrategy
from querist.views.base import Positions, View
from querist.views.logit_samples import Source
from querist.views.prob_samples import ProbSamples


@dataclass(frozen=True, kw_only=True)
class MeanStd(ScoreStrategy):
    """Rows by the standard deviation of each class probability over the samples, averaged over the classes.

    Formula:
        ``1/C sum_c sqrt(1/T sum_t (p^t_c)^2 - (1/T sum_t p^t_c)^2)``

    Use it when:
        a picture of where the model wavers is wanted, over pixels above all, for which it was made
        (kampffmeyer2016semantic).

    Not when:
        labels should be saved: in the runs that gal2017deep released it ended next to random (95.9 against 95.3 % on
        MNIST with 1,000 labels, where the other three had 98.2 or more). With many classes the average is mostly zeros.

    Args:
        samples: networks drawn, the paper's T.
        source: where they come from (see :class:`~querist.views.logit_samples.LogitSamples`).
        aggregate: how the numbers of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> drawn = [[[0.9, 0.1], [0.8, 0.2]], [[0.9, 0.1], [0.6, 0.4]]]
        >>> MeanStd()(Snapshot.from_arrays(prob_samples=drawn), k=1).tolist()
        [1]
    """

    samples: int = 20
    source: Source = "dropout"

    rows: ClassVar = ("A10",)
    family: ClassVar = "bayesian"
    paper: ClassVar = "kampffmeyer2016semantic"
    survey: ClassVar = "3.1.3"
    cost: ClassVar = "s stochastic passes; then time O(s u c), memory O(u c)"

    def needs(self) -> tuple[View, ...]:
        return (ProbSamples(samples=self.samples, source=self.source),)

    def score(self, prob_samples: Float[Tensor, "s u c"]) -> Float[Tensor, "u"]:
        return mean_std(prob_samples)

    def reason(self, score: float, middle: float, at: Positions) -> str:
        over = "" if at.offsets is None else f", {self.aggregate} over its units"
        return f"class probabilities move by {score:.3f} between drawn networks{over} (pool median {middle:.3f})"
