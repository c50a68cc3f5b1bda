"""BatchBALD: ask for rows whose labels together tell most about the drawn networks.

Paper: kirsch2019batchbald. Known differences: gains are conditional entropies instead of differences of joint ones
(the same number, and steadier), and rows are looked at lazily, which changes no exact answer. Once the batch would
tell all drawn networks apart (at most ``log s`` nats), the rest of it is filled by BALD. Cost: ``samples`` passes
from the first dropout on, then the greedy selection.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Generator, Int, Tensor
from querist.scores.bald import bald
from querist.selectors.joint_mi import joint_mi, joint_mi_gains
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.blocks import widened
from querist.views.logit_samples import Source
from querist.views.prob_samples import ProbSamples


@dataclass(frozen=True, kw_only=True)
class BatchBald(Strategy):
    """Greedy batch of highest ``I(y_1, ..., y_b; w)``, the joint information of its labels about the weights.

    BALD scores each row alone, so near-copies of the best row fill its batch though the second tells nothing new.
    Here each row counts for what it adds to those before it. The samples must be the same networks for all rows.

    Formula:
        ``argmax I(y_1, ..., y_k; w)``, greedily: each pick adds most to those before it

    Use it when:
        batches hold some 5 to 20 rows, networks can be drawn by dropout, and the pool has near twins, which ``bald``
        asks one after the other (kirsch2019batchbald).

    Not when:
        batches are large: after at most ``log samples`` nats the drawn networks are all told apart, and drawn outcomes
        get noisy before that. A stochastic batch of single scores is about as good there, at a fraction of the cost
        (kirsch2023stochastic).

    Args:
        samples: networks drawn, the paper's ``k`` (its figure for MNIST).
        source: where they come from (see :class:`~querist.views.logit_samples.LogitSamples`).
        configurations: joint outcomes looked at, the paper's ``m``. Exact while all of them fit; then drawn, which
            the seed decides.

    Example:
        >>> from querist.views import Snapshot
        >>> yes, no, half = [1.0, 0.0], [0.0, 1.0], [0.5, 0.5]
        >>> drawn = [[yes, yes, yes], [yes, yes, no], [no, no, [0.9, 0.1]], [no, no, [0.1, 0.9]]]
        >>> sorted(BatchBald()(Snapshot.from_arrays(prob_samples=drawn), k=2).tolist())[1]   # never the copies 0 and 1
        2
    """

    samples: int = 100
    source: Source = "dropout"
    configurations: int = 10_000

    rows: ClassVar = ("C5",)
    family: ClassVar = "bayesian"
    paper: ClassVar = "kirsch2019batchbald"
    survey: ClassVar = "3.1.3"
    slow: ClassVar = (
        "a row looked at is compared with 10,000 joint outcomes: 7 s of a core for 20 networks, 110 s for 100"
    )
    cost: ClassVar = "s stochastic passes; then time O(s n c) and O(m s c) a row looked at, memory O(n c + m (s + c))"

    def needs(self) -> tuple[View, ...]:
        return (ProbSamples(samples=self.samples, source=self.source),)

    def pick(self, samples: Float[Tensor, "s n c"], *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        # The networks have learned from the labels, so those are in the samples and not asked again.
        return joint_mi(samples, k=k, candidates=at.candidates, rng=rng, configurations=self.configurations)

    def pick_with_reasons(
        self, samples: Float[Tensor, "s n c"], *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        picked, gains = joint_mi_gains(
            samples, k=k, candidates=at.candidates, rng=rng, configurations=self.configurations
        )
        alone = bald(widened(samples[:, picked]))
        return picked, [
            f"adds {gain:.3f} nats about the network to the batch (alone it tells {own:.3f})"
            for gain, own in zip(gains.tolist(), alone.tolist(), strict=True)
        ]
