"""EPIG: ask for labels that tell most about the labels of the rows that matter.

Paper: bickfordsmith2023prediction. Known differences: for classification only; the paper asks one row a round, here a
batch is the highest scores. Cost: ``samples`` passes from the first dropout on, then a table of joint distributions
that is made and summed in tiles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.errors import UsageError
from querist.core.types import Float, Generator, Int, Tensor
from querist.scores.predictive_gain import predictive_gain
from querist.selectors.top_k import top_k
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.logit_samples import Source
from querist.views.prob_samples import ProbSamples

AIMS = ("pool", "target")


@dataclass(frozen=True, kw_only=True)
class Epig(Strategy):
    """Rows by the mean of ``I(y; y* | x, x*)`` over target rows ``x*``: what their label tells about predictions.

    BALD counts all that a label tells about the weights, of use or not: an outlier that no test row is like can tell
    much. Here only what carries over to the targets counts. Both labels are predicted by the same drawn networks, and
    that is all that joins them.

    Formula:
        ``mean_x* sum_y,y* p(y, y*) log(p(y, y*) / (p(y) p(y*)))``, with ``p(y, y*) = mean_t p(y | x, w_t) p(y* | x*,
        w_t)``. At most BALD's ``I(y; w)``; equal to it where the targets' labels would tell the networks apart.

    Use it when:
        the pool holds much that does not matter (outliers, other classes, another distribution than the one that is
        predicted for), and unlabelled rows of the latter are at hand.

    Not when:
        the pool is what is predicted for and free of outliers: BALD does as well for less. With few drawn networks or
        few targets the scores are noisy; large batches hold near-copies.

    Args:
        samples: networks drawn.
        source: where they come from (see :class:`~querist.views.logit_samples.LogitSamples`).
        aim: ``pool`` takes random candidates as targets, ``target`` what a snapshot holds as ``target_samples``.
        targets: how many random candidates, drawn anew each time; all where there are fewer. The authors' figure.

    Example:
        >>> from querist.views import Snapshot
        >>> drawn = [[[0.9, 0.1], [0.5, 0.5], [0.9, 0.1]], [[0.1, 0.9], [0.5, 0.5], [0.1, 0.9]]]
        >>> sorted(Epig()(Snapshot.from_arrays(prob_samples=drawn), k=2).tolist())
        [0, 2]
    """

    samples: int = 20
    source: Source = "dropout"
    aim: str = "pool"
    targets: int = 100

    rows: ClassVar = ("P14",)
    family: ClassVar = "bayesian"
    paper: ClassVar = "bickfordsmith2023prediction"
    survey: ClassVar = "3.1.3"
    cost: ClassVar = "s stochastic passes; then time O(s n q c^2) for q targets, memory O(n + s q c)"
    deterministic: ClassVar = False

    def __post_init__(self) -> None:
        if self.aim not in AIMS:
            raise UsageError(f"the aim cannot be {self.aim!r}", hint=f"choose {' or '.join(AIMS)}")
        if self.targets < 1:
            raise UsageError(f"{self.targets} targets were asked for", hint="use 1 or more")

    def needs(self) -> tuple[View, ...]:
        pool = ProbSamples(samples=self.samples, source=self.source)
        return (
            (pool,)
            if self.aim == "pool"
            else (pool, ProbSamples(of="target", samples=self.samples, source=self.source))
        )

    def pick(self, *views: Float[Tensor, "s n c"], at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return self.pick_with_reasons(*views, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(
        self, samples: Float[Tensor, "s n c"], *target: Float[Tensor, "s q c"], at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        aim = target[0] if target else samples[:, at.drawn(self.targets, rng=rng)]
        scores = predictive_gain(samples, aim)
        picked = top_k(scores, k=k, candidates=at.candidates, rng=rng)
        middle = float(scores[at.candidates].median())
        whose = "the target rows" if target else "other rows"
        return picked, [
            f"its label tells {gain:.3g} nats about that of each of {whose} (pool median {middle:.3g})"
            for gain in scores[picked].tolist()
        ]
