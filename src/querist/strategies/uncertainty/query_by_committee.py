"""Query by committee: ask where networks that fit the same labels disagree.

Paper: seung1992query; vote entropy dagan1995committee, divergence mccallum1998employing, regression
krogh1994neural. Known difference: the members differ in initial weights and data order, not in the sample they were
trained on (beluch2018power). Cost: ``samples`` networks are trained.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from querist.core.errors import UsageError
from querist.core.types import Float, Tensor
from querist.scores.consensus_kl import consensus_kl
from querist.scores.variance import variance
from querist.scores.variation_ratio import variation_ratio
from querist.scores.vote_entropy import vote_entropy
from querist.strategies.base import ScoreStrategy
from querist.views.base import Positions, View
from querist.views.logit_samples import Source
from querist.views.prediction_samples import PredictionSamples
from querist.views.prob_samples import ProbSamples

_DISAGREEMENTS: dict[str, Callable[[Tensor], Tensor]] = {
    "vote_entropy": vote_entropy,
    "consensus_kl": consensus_kl,
    "variation_ratio": variation_ratio,
}


@dataclass(frozen=True, kw_only=True)
class QueryByCommittee(ScoreStrategy):
    """Rows by the disagreement of a committee: where members differ, a label must prove some of them wrong.

    For regression the disagreement is the variance of the members' predictions.

    Formula:
        vote entropy ``-sum_c v_c/C log v_c/C`` of the members' votes ``v``; or ``1/C sum_i KL(p^i || mean p)``

    Use it when:
        training is cheap enough to do several times: small networks, trees, linear models. On images, ensembles gave
        better batches and better calibrated doubts than dropout or geometry (beluch2018power).

    Not when:
        one training is all that can be paid for (``bald`` with dropout needs one), or members are so alike that they
        share their errors. With few members votes tie often and the seed decides; ``consensus_kl`` ties less.

    Args:
        samples: members of the committee, the paper's C.
        disagreement: ``vote_entropy`` (members vote), ``consensus_kl`` (they keep their doubts), or
            ``variation_ratio`` (share of votes against the winner). No effect in regression.
        source: ``ensemble`` trains the members; other sources draw them from fewer networks, which is cheaper and less
            diverse (see :class:`~querist.views.logit_samples.LogitSamples`).
        aggregate: how the numbers of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> members = [[[0.9, 0.1], [0.8, 0.2]], [[0.9, 0.1], [0.3, 0.7]]]
        >>> QueryByCommittee()(Snapshot.from_arrays(prob_samples=members), k=1).tolist()
        [1]
    """

    samples: int = 5
    disagreement: str = "vote_entropy"
    source: Source = "ensemble"

    rows: ClassVar = ("A5",)
    family: ClassVar = "uncertainty"
    paper: ClassVar = "seung1992query"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "s trainings; then time O(s u c), memory O(u c)"
    tasks: ClassVar = ("classification", "multilabel", "regression", "tokens")

    def __post_init__(self) -> None:
        if self.disagreement not in _DISAGREEMENTS:
            raise UsageError(
                f"a committee cannot disagree by {self.disagreement!r}",
                hint=f"choose one of {', '.join(_DISAGREEMENTS)}",
            )

    def needs(self) -> tuple[View, ...]:
        return (ProbSamples(samples=self.samples, source=self.source),)

    def needs_for(self, task: str) -> tuple[View, ...]:
        if task == "regression":
            return (PredictionSamples(samples=self.samples, source=self.source),)
        return self.needs()

    def score(self, samples: Float[Tensor, "s u *c"]) -> Float[Tensor, "u"]:
        if samples.ndim == 2:  # [s n]: values, not distributions
            return variance(samples)
        return _DISAGREEMENTS[self.disagreement](samples)

    def reason(self, score: float, middle: float, at: Positions) -> str:
        if at.task == "regression":
            return f"the members' predictions spread by {score**0.5:.3g} (pool median {middle**0.5:.3g})"
        word = self.disagreement.replace("_", " ")
        return f"the members disagree: {word} {score:.3f} (pool median {middle:.3f})"
