"""BALD: ask where drawn networks are each sure and contradict each other.

Paper: houlsby2011bayesian; with dropout gal2017deep, who drew T = 100 networks (the default here is 20). Cost:
``samples`` passes from the first dropout on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Tensor
from querist.scores.bald import bald
from querist.scores.variance import variance
from querist.strategies.base import ScoreStrategy
from querist.views.base import Positions, View
from querist.views.logit_samples import Source
from querist.views.prediction_samples import PredictionSamples
from querist.views.prob_samples import ProbSamples


@dataclass(frozen=True, kw_only=True)
class Bald(ScoreStrategy):
    """Rows by ``I(y; w) = H(mean_t p^t) - mean_t H(p^t)``, what their label would tell about the weights.

    Noise that every network agrees on is subtracted, so rows that nobody could label are not asked. A batch of the
    highest scores may hold near-copies, since each row is scored alone. For regression with Gaussian noise of one
    size, ``I = log(1 + var / noise^2) / 2`` grows with the variance of the drawn predictions, which is used.

    Formula:
        ``I(y; w | x) = H(1/T sum_t p^t) - 1/T sum_t H(p^t)``

    Use it when:
        the network has dropout (or an ensemble is trained) and some rows are ambiguous in themselves: doubt that all
        drawn networks share is taken off. Some tens of labels should be there, and batches be small.

    Not when:
        batches are large or the pool is full of near twins: each row is scored alone, and the batch repeats itself
        (kirsch2019batchbald); take ``batch_bald``. Nor where the pool holds rows unlike those that will be predicted:
        it wants to know about the weights, whatever for (bickfordsmith2023prediction), and outliers tell most.

    Args:
        samples: networks drawn, the paper's T.
        source: where they come from (see :class:`~querist.views.logit_samples.LogitSamples`).
        aggregate: how the numbers of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> drawn = [[[0.5, 0.5], [0.9, 0.1]], [[0.5, 0.5], [0.1, 0.9]]]
        >>> Bald()(Snapshot.from_arrays(prob_samples=drawn), k=1).tolist()
        [1]
    """

    samples: int = 20
    source: Source = "dropout"

    rows: ClassVar = ("C1",)
    family: ClassVar = "bayesian"
    paper: ClassVar = "houlsby2011bayesian"
    survey: ClassVar = "3.1.3"
    cost: ClassVar = "s stochastic passes; then time O(s u c), memory O(u c)"
    tasks: ClassVar = ("classification", "multilabel", "regression", "tokens")

    def needs(self) -> tuple[View, ...]:
        return (ProbSamples(samples=self.samples, source=self.source),)

    def needs_for(self, task: str) -> tuple[View, ...]:
        if task == "regression":
            return (PredictionSamples(samples=self.samples, source=self.source),)
        return self.needs()

    def score(self, samples: Float[Tensor, "s u *c"]) -> Float[Tensor, "u"]:
        # [s n] holds values, [s u c] distributions.
        return variance(samples) if samples.ndim == 2 else bald(samples)

    def reason(self, score: float, middle: float, at: Positions) -> str:
        if at.task == "regression":
            return f"drawn networks spread by {score**0.5:.3g} (pool median {middle**0.5:.3g})"
        over = "" if at.offsets is None else f", {self.aggregate} over its units"
        return f"drawn networks contradict each other: {score:.3f} nats{over} (pool median {middle:.3f})"
