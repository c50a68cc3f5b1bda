"""PowerBALD: draw rows with chances in proportion to their BALD scores.

Paper: kirsch2023stochastic. Cost: as BALD's, and one sort.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from querist.core.types import Float, Generator, Int, Tensor
from querist.strategies.base import Strategy
from querist.strategies.bayesian.bald import Bald
from querist.strategies.bayesian.power_sampling import PowerSampling
from querist.views.base import Positions, View
from querist.views.logit_samples import Source


@dataclass(frozen=True, kw_only=True)
class PowerBald(Strategy):
    """A batch drawn without replacement, each row with a chance in proportion to ``I(y; w)^beta``.

    A batch of the highest BALD scores is full of near-copies. BatchBALD counts what a row adds to the others, at a
    price that grows with the batch; drawing costs nothing and is nearly as good.

    Formula:
        row ``i`` comes next with chance ``a_i^beta / sum_j a_j^beta`` over the rows left, ``a`` being BALD scores.

    Use it when:
        batches of tens or hundreds are asked by what drawn networks contradict each other about.

    Not when:
        rows are asked one at a time (``bald``), batches are small and the posterior good (``batch_bald``), or the
        model's disagreement says little, as after very few labels.

    Args:
        beta: how greedy; 0 is uniform, infinity is BALD. The paper's is 1.
        samples: networks drawn.
        source: where they come from (see :class:`~querist.views.logit_samples.LogitSamples`).
        aggregate: how the numbers of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> drawn = [[[0.5, 0.5], [0.9, 0.1]], [[0.5, 0.5], [0.1, 0.9]]]
        >>> PowerBald()(Snapshot.from_arrays(prob_samples=drawn), k=1).tolist()
        [1]
    """

    beta: float = 1.0
    samples: int = 20
    source: Source = "dropout"
    aggregate: str = "mean"

    rows: ClassVar = ("P9",)
    family: ClassVar = "bayesian"
    paper: ClassVar = "kirsch2023stochastic"
    survey: ClassVar = "3.1.3"
    cost: ClassVar = "s stochastic passes; then time O(s u c + n log n), memory O(u c)"
    tasks: ClassVar = ("classification", "multilabel", "regression", "tokens")
    deterministic: ClassVar = False

    @property
    def _drawn(self) -> PowerSampling:
        bald = Bald(samples=self.samples, source=self.source, aggregate=self.aggregate)
        return PowerSampling(around=bald, law="power", beta=self.beta)

    def needs(self) -> tuple[View, ...]:
        return self._drawn.needs()

    def needs_for(self, task: str) -> tuple[View, ...]:
        return self._drawn.needs_for(task)

    def pick(self, samples: Float[Tensor, "s u *c"], *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return self._drawn.pick(samples, at=at, k=k, rng=rng)

    def pick_with_reasons(self, *views: Any, at: Positions, k: int, rng: Generator) -> tuple[Tensor, list[str]]:
        return self._drawn.pick_with_reasons(*views, at=at, k=k, rng=rng)
