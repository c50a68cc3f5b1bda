"""DEBAL: draw dropout masks in several trained networks instead of one.

Paper: pop2018deep, whose idea is the source of samples; the scores are older. Known differences: how many masks the
paper draws a network could not be confirmed, 20 are drawn here. Cost: ``networks`` trainings, and ``samples`` passes
from the first dropout on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.strategies.bayesian.base import Acquisition
from querist.views.base import View
from querist.views.prediction_samples import PredictionSamples
from querist.views.prob_samples import ProbSamples


@dataclass(frozen=True, kw_only=True)
class Debal(Acquisition):
    """Rows by a score of networks drawn by dropout from an ensemble.

    The masks of one network all stay near one minimum of the loss (mode collapse), so a network that is sure and wrong
    is drawn sure and wrong each time. Networks trained from other weights end in other minima; the masks then tell how
    far each of them can be trusted.

    Formula:
        ``p = 1 / (M T) sum_m sum_t p(y | x, w_mt)``; BALD, entropy or variation ratio over all ``M T`` samples.

    Use it when:
        there is dropout and three trainings a round can be paid: it sees doubt between minima, which one network's
        masks miss, for less than an ensemble of as many members.

    Not when:
        a training is dear (one network's ``bald`` costs a third), or the network has no dropout (take
        ``source="ensemble"`` or ``"laplace"``). A batch of the highest scores holds near-copies, as with every score.

    Args:
        acquisition: ``bald``, ``entropy``, ``variation_ratio`` (the paper's three) or ``mean_std``.
        networks: trained side by side, the paper's M.
        samples: drawn from all of them together, the paper's ``M T``.
        aggregate: how the numbers of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> drawn = [[[0.5, 0.5], [0.9, 0.1]], [[0.5, 0.5], [0.1, 0.9]], [[0.5, 0.5], [0.2, 0.8]]]
        >>> Debal()(Snapshot.from_arrays(prob_samples=drawn), k=1).tolist()
        [1]
    """

    networks: int = 3
    samples: int = 60

    kind: ClassVar = "view"
    rows: ClassVar = ("C3",)
    family: ClassVar = "bayesian"
    paper: ClassVar = "pop2018deep"
    survey: ClassVar = "3.1.3"
    cost: ClassVar = "3 trainings, s stochastic passes; then time O(s u c), memory O(u c)"

    def needs(self) -> tuple[View, ...]:
        return (ProbSamples(samples=self.samples, source="dropout_ensemble", networks=self.networks),)

    def needs_for(self, task: str) -> tuple[View, ...]:
        if task == "regression":
            return (PredictionSamples(samples=self.samples, source="dropout_ensemble", networks=self.networks),)
        return self.needs()
