"""Entropy: ask where the predicted distribution is flattest.

Papers: shannon1948mathematical; as a query settles2009active; of an average over drawn networks gal2017deep (there
with T = 100). Cost: one pass over the probabilities, and one stochastic pass a sample where samples are drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.errors import UsageError
from querist.core.types import Float, Tensor
from querist.scores.entropy import entropy
from querist.strategies.base import ScoreStrategy
from querist.views.base import Positions, View
from querist.views.logit_samples import Source
from querist.views.prob_samples import ProbSamples
from querist.views.probs import Probs


@dataclass(frozen=True, kw_only=True)
class Entropy(ScoreStrategy):
    """Rows by ``-sum_c p_c log p_c``: how much of the answer the model still lacks, all classes counted.

    Formula:
        ``H(x) = -sum_c p_c log p_c``; with samples, of ``p = 1/T sum_t p^t``

    Use it when:
        classes are few, some labels of each are there, and batches are small. It asks for one forward pass, and no
        other strategy on a single network was decisively better in a broad comparison (gashi2024deep).

    Not when:
        classes are many: a tail of unlikely ones raises the entropy of rows whose decision is clear
        (joshi2009multiclass), which ``margin`` does not mind. Nor for the first labels, when typical rows teach more
        than unsure ones (hacohen2022active); nor with rows that nobody can label, which it asks first
        (karamcheti2021mind); nor for large batches, since near twins score alike.

    Args:
        samples: networks whose probabilities are averaged first, the paper's T; 0 takes the trained network alone,
            with dropout off.
        source: where samples come from: ``dropout``, or an ``ensemble`` of trained networks.
        aggregate: how the entropies of tokens (or classes) become a row's; ``sum`` prefers long rows.

    Example:
        >>> from querist.views import Snapshot
        >>> snapshot = Snapshot.from_arrays(probs=[[0.5, 0.3, 0.2], [0.48, 0.46, 0.06]])
        >>> Entropy()(snapshot, k=1).tolist()
        [0]
    """

    samples: int = 0
    source: Source = "dropout"

    rows: ClassVar = ("A4",)
    family: ClassVar = "uncertainty"
    paper: ClassVar = "shannon1948mathematical"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(u c), memory O(u)"

    def __post_init__(self) -> None:
        if self.samples < 0:
            raise UsageError(f"{self.samples} samples were asked for", hint="use 0 for none, or more")

    def needs(self) -> tuple[View, ...]:
        return (ProbSamples(samples=self.samples, source=self.source),) if self.samples else (Probs(),)

    def score(self, probs: Float[Tensor, "*s u c"]) -> Float[Tensor, "u"]:
        return entropy(probs.mean(0) if self.samples else probs)

    def reason(self, score: float, middle: float, at: Positions) -> str:
        over = "" if at.offsets is None else f", {self.aggregate} over its units"
        return f"undecided: entropy {score:.3f} nats{over} (pool median {middle:.3f})"
