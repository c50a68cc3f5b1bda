"""Dropout GP: a Gaussian process with the covariance of drawn networks, whose variances fall as rows are picked.

Paper: tsymbalov2019deeper (for regression). Known differences: the jitter is a share of the mean variance, where the
authors add 1e-6 whatever the labels' unit; classification, which the paper does not have, sums the covariances of the
classes' probabilities. Cost: ``samples`` passes from the first dropout on, then a greedy determinant.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.max_det import max_det_variances
from querist.selectors.memory import Memory
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.logit_samples import Source
from querist.views.prediction_samples import PredictionSamples
from querist.views.prob_samples import ProbSamples


@dataclass(frozen=True, kw_only=True)
class DropoutGp(Strategy):
    """Greedy batch of highest variance in a Gaussian process that is fitted to drawn predictions.

    What networks drawn by dropout predict for two rows moves together where a label of one tells about the other.
    Their covariance is a kernel. Conditioning on the labelled rows gives the variance that is left, and conditioning on
    a pick lowers that of its like, with no training in between: a batch does not ask the same thing twice.

    Formula:
        ``v(x) = k(x, x) - k(x, S) (K_SS + s2 I)^-1 k(S, x)``, ``k(x, x') = cov_t(f_t(x), f_t(x'))``, ``S`` being the
        labelled rows and the picks so far; the next pick has the largest ``v``.

    Use it when:
        numbers are predicted and batches are asked: retraining after every row is what it saves.

    Not when:
        there are many more labelled rows than drawn networks: ``k`` has rank ``samples - 1``, and beyond it only the
        jitter tells rows apart. For classes, where variance of a probability is not information, ``batch_bald``.

    Args:
        samples: networks drawn; the authors' code has 25.
        source: where they come from (see :class:`~querist.views.logit_samples.LogitSamples`).
        noise: ``s2``, in mean variances over the rows.

    Example:
        >>> from querist.views import Snapshot
        >>> drawn = [[0.0, 0.0, 0.0], [2.0, 2.0, 0.0], [1.0, 1.0, 1.0]]   # row 1 moves as row 0 does, and is known
        >>> DropoutGp()(Snapshot.from_arrays(prediction_samples=drawn, labelled=[0]), k=1).tolist()
        [2]
    """

    samples: int = 25
    source: Source = "dropout"
    noise: float = 1e-6

    rows: ClassVar = ("C12",)
    family: ClassVar = "bayesian"
    paper: ClassVar = "tsymbalov2019deeper"
    survey: ClassVar = "3.1.3"
    cost: ClassVar = "s stochastic passes; then time O(n (k + m) s c), memory O((n + k + m) s c)"
    tasks: ClassVar = ("classification", "regression")

    def needs(self) -> tuple[View, ...]:
        return (ProbSamples(samples=self.samples, source=self.source),)

    def needs_for(self, task: str) -> tuple[View, ...]:
        if task == "regression":
            return (PredictionSamples(samples=self.samples, source=self.source),)
        return self.needs()

    def pick(self, samples: Float[Tensor, "s n *c"], *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return self.pick_with_reasons(samples, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(
        self, samples: Float[Tensor, "s n *c"], *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        Memory("dropout_gp", None, held=4 * samples.numel())
        picked, variances = max_det_variances(
            deviations(samples), k=k, labelled=at.labelled, candidates=at.candidates, rng=rng, noise=self.noise
        )
        return picked, [
            f"drawn networks spread by {max(variance, 0.0) ** 0.5:.3g} here, given all labels and the picks before"
            for variance in variances.tolist()
        ]


def deviations(samples: Float[Tensor, "s n *c"]) -> Float[Tensor, "n p"]:
    """Vectors whose inner products are the covariances of drawn predictions, summed over classes.

    Example:
        >>> z = deviations(torch.tensor([[1.0, 0.0], [3.0, 4.0]]))
        >>> (z @ z.T).round(decimals=4).tolist()
        [[1.0, 2.0], [2.0, 4.0]]
    """
    s, n = samples.shape[:2]
    precision = torch.promote_types(samples.dtype, torch.float32)
    mean = samples.mean(0, dtype=precision)
    found = samples.new_empty(n, s, *samples.shape[2:], dtype=precision)
    for place, drawn in enumerate(samples):
        found[:, place] = (drawn - mean) / math.sqrt(s)
    return found.flatten(1)
