"""Ensembles: the posterior as a handful of networks trained from other initial weights.

Paper: beluch2018power, whose point is the source of samples; every Bayesian strategy takes it as
``source="ensemble"``. Cost: ``samples`` trainings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.strategies.bayesian.base import Acquisition
from querist.views.base import View
from querist.views.prediction_samples import PredictionSamples
from querist.views.prob_samples import ProbSamples


@dataclass(frozen=True, kw_only=True)
class Ensemble(Acquisition):
    """Rows by a score of an ensemble's members, by default the share that votes against the majority.

    Networks that started elsewhere and saw their rows in another order agree where the labels decide, and differ where
    only the start did. They are better calibrated than the masks of one network, and ask better questions.

    Formula:
        ``1 - f_mode / s``, or another score of ``p(y | x, w_1), ..., p(y | x, w_s)``, one trained network each.

    Use it when:
        five trainings a round can be paid; for calibration it is the strongest of the sources here (beluch2018power).

    Not when:
        a training takes hours (``dropout`` and ``laplace`` train once), or the votes of five networks are too coarse:
        with few members many rows tie, so take ``acquisition="entropy"`` or ``"bald"``.

    Args:
        acquisition: ``variation_ratio``, ``entropy`` (of the mean), ``bald`` or ``mean_std``.
        samples: networks that are trained, the paper's five.
        aggregate: how the numbers of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> members = [[[0.9, 0.1], [0.8, 0.2]], [[0.9, 0.1], [0.3, 0.7]]]
        >>> Ensemble()(Snapshot.from_arrays(prob_samples=members), k=1).tolist()
        [1]
    """

    acquisition: str = "variation_ratio"
    samples: int = 5

    kind: ClassVar = "view"
    rows: ClassVar = ("E2",)
    family: ClassVar = "bayesian"
    paper: ClassVar = "beluch2018power"
    survey: ClassVar = "3.1.3"
    cost: ClassVar = "s trainings; then time O(s u c), memory O(u c)"

    def needs(self) -> tuple[View, ...]:
        return (ProbSamples(samples=self.samples, source="ensemble"),)

    def needs_for(self, task: str) -> tuple[View, ...]:
        if task == "regression":
            return (PredictionSamples(samples=self.samples, source="ensemble"),)
        return self.needs()
