"""Stochastic acquisition around any score: draw the batch with chances that grow with the score.

Paper: kirsch2023stochastic (power, softmax and rank; a softmax of scores is a Gibbs law). What is new is the selector,
:func:`~querist.selectors.sample.sample`; this puts it around a strategy. Cost: that of the score, and one sort.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from querist.core.errors import ColdStart, UsageError
from querist.core.types import Generator, Int, Tensor
from querist.selectors.sample import LAWS, sample
from querist.strategies import registry
from querist.strategies.base import ScoreStrategy, Strategy
from querist.views.base import Positions, View


@dataclass(frozen=True, kw_only=True)
class PowerSampling(Strategy):
    """A batch drawn without replacement, each row with a chance that grows with another strategy's score.

    The highest scores of a pool are often copies of each other, and after the label of one the others are worth less.
    Which of them is still worth asking after how many labels is not known; noise on the scores stands for that, and a
    draw seldom takes two of a kind. It costs as little as the highest scores do, and often does as well as batches that
    are chosen jointly.

    Formula:
        row ``i`` comes next with chance ``w_i / sum_j w_j`` over the rows left; ``w = s^beta`` (power), ``exp(beta
        s)`` (softmax, Gibbs) or ``rank^-beta`` (rank, 1 for the best).

    Use it when:
        batches are large, the pool has near-copies, and a joint choice (``batch_bald``, ``badge``) is slow.

    Not when:
        rows are asked one at a time, or the batch is a large share of the pool. The law ``power`` needs scores that
        are 0 where a label is useless (BALD, entropy), and refuses negative ones.

    Args:
        around: registered name of a strategy that scores rows, or such a strategy.
        law: ``power``, ``softmax`` or ``rank``.
        beta: how greedy; 0 is uniform, infinity the highest scores. The paper's is 1.

    Example:
        >>> from querist.views import Snapshot
        >>> sure, torn = [1.0, 0.0], [0.5, 0.5]
        >>> PowerSampling(around="entropy")(Snapshot.from_arrays(probs=[sure, torn, sure]), k=1).tolist()
        [1]
    """

    around: str | ScoreStrategy = "bald"
    law: str = "power"
    beta: float = 1.0

    kind: ClassVar = "selector"
    rows: ClassVar = ("S33",)
    family: ClassVar = "bayesian"
    paper: ClassVar = "kirsch2023stochastic"
    survey: ClassVar = "3.1.3"
    cost: ClassVar = "that of the score; then time O(n log n), memory O(n)"
    tasks: ClassVar = ("classification", "multilabel", "regression", "tokens")
    deterministic: ClassVar = False

    def __post_init__(self) -> None:
        if self.law not in LAWS:
            raise UsageError(f"there is no law {self.law!r}", hint=f"choose {', '.join(LAWS)}")
        if not isinstance(self.inner, ScoreStrategy):
            raise UsageError(f"{self.around} gives rows no score to draw by", hint="choose bald, entropy or margin")

    @property
    def inner(self) -> ScoreStrategy:
        """The strategy that scores."""
        strategy: ScoreStrategy = registry[self.around]() if isinstance(self.around, str) else self.around
        return strategy

    def needs(self) -> tuple[View, ...]:
        return self.inner.needs()

    def needs_for(self, task: str) -> tuple[View, ...]:
        if task not in self.inner.tasks:
            raise UsageError(
                f"{type(self.inner).__name__} has no meaning for the task {task}",
                hint=f"it serves {', '.join(self.inner.tasks)}",
            )
        return self.inner.needs_for(task)

    def pick(self, *views: Any, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return self.pick_with_reasons(*views, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(self, *views: Any, at: Positions, k: int, rng: Generator) -> tuple[Tensor, list[str]]:
        inner = self.inner
        if inner.needs_labels and not len(at.labelled):
            raise ColdStart(f"{type(inner).__name__} compares with labelled rows and there are none")
        pos, found = map(torch.cat, zip(*inner.candidate_scores(views, at), strict=True))
        scores = found.new_zeros(at.n).index_copy_(0, pos, found)
        picked = sample(scores, k=k, candidates=at.candidates, rng=rng, law=self.law, beta=self.beta)
        middle = float(scores[at.candidates].median())
        return picked, [f"drawn by chance: {inner.reason(float(score), middle, at)}" for score in scores[picked]]
