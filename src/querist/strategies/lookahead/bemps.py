"""BEMPS: ask for labels after which an ensemble is expected to score better on other rows.

Paper: tan2021diversity. Known differences: the estimation rows are a number and not a share of the pool (the authors'
code takes 0.3 of pools of a few thousand). In the clustering each row weighs as much as its rise: the clusters are of
directions, and without weights most of them would be of rows that change next to nothing. The authors' released CoreLog
leaves the logarithm out, this one has it. Cost: ``samples`` trainings, then a table of joint distributions in tiles,
then k-means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.errors import UsageError
from querist.core.types import Float, Generator, Int, Tensor
from querist.scores.predictive_gain import RULES, predictive_gains
from querist.selectors.kmeans import kmeans
from querist.selectors.memory import Memory
from querist.selectors.top_k import top_k
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.logit_samples import Source
from querist.views.prob_samples import ProbSamples

_LEAST = 3
"""Rows a pick that are clustered at least: of as many rows as picks each is its own cluster."""


@dataclass(frozen=True, kw_only=True)
class Bemps(Strategy):
    """Rows by the expected rise of a proper score on an estimation set, spread out by what they would change.

    A label weighs the members of the ensemble by the chance each gave to it; no training is needed to see what the
    ensemble would then say of other rows. A proper score of that (the log probability, or minus the squared error) can
    only rise on average. Each row has a vector of rises, one an estimation row: rows with like vectors would teach the
    same thing, so the best rows are clustered by them and one of each cluster is asked.

    Formula:
        ``E_y sum_x' (G(p(. | x', L, (x, y))) - G(p(. | x', L)))``, ``G`` being ``sum_c p_c^2`` (CoreMSE) or ``sum_c
        p_c log p_c`` (CoreLog, which is EPIG towards the estimation rows), ``p(. | L, (x, y))`` the members weighed
        by ``p(y | x, w)``.

    Use it when:
        an ensemble of fine-tuned networks is at hand, labels are few and batches are of tens.

    Not when:
        the members agree on nearly everything (the rises are then rounding), or classes are many: the work grows with
        their square. For one row at a time on outlying pools ``epig`` is the same idea with targets of its own.

    Args:
        rule: ``mse`` (CoreMSE) or ``log`` (CoreLog).
        samples: networks, the paper's E.
        source: where they come from (see :class:`~querist.views.logit_samples.LogitSamples`).
        estimation: candidates that stand for the pool, drawn anew each time; all where there are fewer.
        top: share of the candidates that is clustered, the paper's T (the authors' code has this one); three rows a
            pick at least. A batch of one is the best row.

    Example:
        >>> from querist.views import Snapshot
        >>> drawn = [[[0.9, 0.1], [0.5, 0.5], [0.9, 0.1]], [[0.1, 0.9], [0.5, 0.5], [0.1, 0.9]]]
        >>> sorted(Bemps()(Snapshot.from_arrays(prob_samples=drawn), k=2).tolist())
        [0, 2]
    """

    rule: str = "mse"
    samples: int = 5
    source: Source = "ensemble"
    estimation: int = 200
    top: float = 0.5

    rows: ClassVar = ("P13",)
    family: ClassVar = "lookahead"
    paper: ClassVar = "tan2021diversity"
    survey: ClassVar = "3.1.3"
    cost: ClassVar = "s trainings; then time O(s n q c^2 + k n q) for q estimation rows, memory O(n q)"
    deterministic: ClassVar = False

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise UsageError(f"predictions cannot be scored by {self.rule!r}", hint=f"choose {' or '.join(RULES)}")
        if self.estimation < 1:
            raise UsageError(f"{self.estimation} estimation rows were asked for", hint="use 1 or more")
        if not 0 < self.top <= 1:
            raise UsageError(f"a share of {self.top} of the rows cannot be clustered", hint="use above 0, to 1")

    def needs(self) -> tuple[View, ...]:
        return (ProbSamples(samples=self.samples, source=self.source),)

    def pick(self, samples: Float[Tensor, "s n c"], *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return self.pick_with_reasons(samples, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(
        self, samples: Float[Tensor, "s n c"], *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        aim = at.drawn(self.estimation, rng=rng)
        Memory("bemps", None, held=4 * at.n * len(aim))
        gains = predictive_gains(samples, samples[:, aim], rule=self.rule)
        means = gains.mean(1)
        size = 1 if k == 1 else max(_LEAST * k, round(self.top * len(at.candidates)))
        picked = top_k(means, k=min(size, len(at.candidates)), candidates=at.candidates, rng=rng)
        if k > 1:
            lengths = torch.linalg.vector_norm(gains, dim=1, keepdim=True).clamp_min_(torch.finfo(gains.dtype).tiny)
            picked = kmeans(gains.div_(lengths), k=k, candidates=picked, rng=rng, weights=means)
        middle = float(means[at.candidates].median())
        word = {"mse": "squared score", "log": "log score, in nats,"}[self.rule]
        return picked, [
            f"raises the expected {word} of other rows by {gain:.3g} each (pool median {middle:.3g})"
            for gain in means[picked].tolist()
        ]
