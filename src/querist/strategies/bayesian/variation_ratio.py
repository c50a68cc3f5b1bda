"""Variation ratio: ask where networks drawn from the posterior vote against their own majority.

Paper: freeman1965elementary; with dropout gal2017deep, who drew T = 100 networks (the default here is 20).
Cost: ``samples`` passes from the first dropout on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Tensor
from querist.scores.variation_ratio import variation_ratio
from querist.strategies.base import ScoreStrategy
from querist.views.base import Positions, View
from querist.views.logit_samples import Source
from querist.views.prob_samples import ProbSamples


@dataclass(frozen=True, kw_only=True)
class VariationRatio(ScoreStrategy):
    """Rows by ``1 - f_mode / T``, the share of drawn networks that do not guess the commonest class.

    It counts guesses only, so with few samples many rows tie and the seed chooses among them.

    Formula:
        ``1 - max_c 1/T #{t: argmax p^t = c}``

    Use it when:
        the network has dropout, the decision is what counts, and many samples can be drawn: of five ways it needed the
        fewest images on MNIST in gal2017deep.

    Not when:
        samples are few: with T of them there are at most T values, many rows tie, and the seed decides. Nor for large
        batches: each row is scored alone, so near twins are all asked.

    Args:
        samples: networks drawn, the paper's T.
        source: where they come from (see :class:`~querist.views.logit_samples.LogitSamples`).
        aggregate: how the ratios of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> drawn = [[[0.9, 0.1], [0.8, 0.2]], [[0.9, 0.1], [0.3, 0.7]]]
        >>> VariationRatio()(Snapshot.from_arrays(prob_samples=drawn), k=1).tolist()
        [1]
    """

    samples: int = 20
    source: Source = "dropout"

    rows: ClassVar = ("A9",)
    family: ClassVar = "bayesian"
    paper: ClassVar = "gal2017deep"
    survey: ClassVar = "3.1.3"
    cost: ClassVar = "s stochastic passes; then time O(s u c), memory O(u c)"

    def needs(self) -> tuple[View, ...]:
        return (ProbSamples(samples=self.samples, source=self.source),)

    def score(self, prob_samples: Float[Tensor, "s u c"]) -> Float[Tensor, "u"]:
        return variation_ratio(prob_samples)

    def reason(self, score: float, middle: float, at: Positions) -> str:
        over = "" if at.offsets is None else f", {self.aggregate} over its units"
        return f"{score:.0%} of the drawn networks vote against the majority{over} (pool median {middle:.0%})"
