"""ACS-FW: ask for few rows whose labels would say about the network what those of all rows would.

Paper: pinsler2019bayesian, active Bayesian core-sets with Frank-Wolfe, by random projections. Known differences: the
drawn networks are those of the view (dropout or an ensemble) for the projections and for the expected label alike,
where the authors draw weights of a last layer twice over. For regression they have the noise of a Bayesian layer, 1
when labels are scaled to variance 1; here the variance of the predictions stands for that of the labels, which no
strategy sees. Their program leaves the entropy of the label out (``entropy=0``), the paper puts it in. The closed forms
for linear models need weights and are left out. A batch has always ``k`` rows (see
:func:`~querist.selectors.frank_wolfe.frank_wolfe`). Cost: ``samples`` passes from the first dropout on, then a product
of their answers with a vector for each pick.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.errors import UsageError
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.frank_wolfe import frank_wolfe, frank_wolfe_weights
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.logit_samples import Source
from querist.views.prediction_samples import PredictionSamples
from querist.views.prob_samples import ProbSamples


@dataclass(frozen=True, kw_only=True)
class AcsFw(Strategy):
    """A weighted batch whose expected log-likelihoods add up to those of the pool, under every drawn network.

    Row ``n`` has the vector ``J^-1/2 [E_y log p_j(y | x_n) + H(y | x_n)]`` over the ``J`` drawn networks, its label
    being expected as their mean says: minus the divergence of each network from the mean. Two rows on which the
    networks part in the same way have the same direction, so one of them stands for both; and doubt that no label can
    end is the same for all networks and counts nothing.

    Formula:
        ``argmin_w |sum_x l(x) - sum_s w_s l(s)|`` over at most ``k`` rows, with ``l_j(x) = J^-1/2 (E_y log p_j(y | x) +
        H(y | x))``

    Use it when:
        the network has dropout (or an ensemble is trained) and batches are large: rows on which the drawn networks part
        in the same way stand for one another, where ``bald`` asks for all of them (pinsler2019bayesian). It serves
        regression too.

    Not when:
        the batch is larger than the number of drawn networks: so many directions are all there are. Nor with very few
        labels, when networks part over everything.

    Args:
        samples: networks drawn, the paper's ``J``; 100 where they give probabilities and 10 where they give values if
            left out, as there.
        source: where they come from (see :class:`~querist.views.logit_samples.LogitSamples`).
        entropy: how many times the entropy of the label is added; the paper's formula has 1, its program 0.
        noise: regression only, the variance of a label's noise, in variances of the mean prediction over the table.

    Example:
        >>> from querist.views import Snapshot
        >>> yes, no, half = [1.0, 0.0], [0.0, 1.0], [0.5, 0.5]
        >>> drawn = [[yes, yes, yes, half], [yes, yes, no, half], [no, no, no, half], [no, no, yes, half]]
        >>> picked = AcsFw()(Snapshot.from_arrays(prob_samples=drawn), k=2).tolist()
        >>> 3 in picked, 2 in picked   # nothing to learn from the last, and one of the first two is enough
        (False, True)
    """

    samples: int | None = None
    source: Source = "dropout"
    entropy: float = 1.0
    noise: float = 1.0

    rows: ClassVar = ("C6",)
    family: ClassVar = "bayesian"
    paper: ClassVar = "pinsler2019bayesian"
    survey: ClassVar = "3.1.3"
    cost: ClassVar = "s stochastic passes; then time O(s u c + k s n), memory O(s n + u c)"
    tasks: ClassVar = ("classification", "multilabel", "regression", "tokens")

    def __post_init__(self) -> None:
        if not self.noise > 0:
            raise UsageError(f"a noise of variance {self.noise} was asked for", hint="use more than 0")

    def needs(self) -> tuple[View, ...]:
        return (ProbSamples(samples=100 if self.samples is None else self.samples, source=self.source),)

    def needs_for(self, task: str) -> tuple[View, ...]:
        if task == "regression":
            return (PredictionSamples(samples=10 if self.samples is None else self.samples, source=self.source),)
        return self.needs()

    def vectors(self, samples: Float[Tensor, "s u *c"], at: Positions) -> Float[Tensor, "n s"]:
        """The projected log-likelihood of each row; a row with several units has the sum of theirs."""
        exact = samples.to(torch.promote_types(samples.dtype, torch.float32))
        found = torch.empty(at.n, len(exact), dtype=exact.dtype, device=exact.device)
        likelihoods = self._of_values(exact) if exact.ndim == 2 else self._of_classes(exact)
        for place, values in enumerate(likelihoods):
            found[:, place] = at.per_row(values, how="sum")
        return found.mul_(len(exact) ** -0.5)

    def _of_classes(self, samples: Float[Tensor, "s u c"]) -> Iterator[Float[Tensor, "u"]]:
        tiny = torch.finfo(samples.dtype).tiny
        mean = samples.mean(0)
        surprise = self.entropy * mean.clamp_min(tiny).log()
        for drawn in samples:
            yield (mean * (drawn.clamp_min(tiny).log() - surprise)).sum(-1)

    def _of_values(self, samples: Float[Tensor, "s n"]) -> Iterator[Float[Tensor, "n"]]:
        mean, spread = samples.mean(0), samples.var(0, correction=0)
        # Predictions that are all alike, or about one row, have no variance to measure noise in.
        scale = next((size for size in (float(mean.var(correction=0)), float(spread.mean())) if size > 0), 1.0)
        noise = self.noise * scale
        surprise = self.entropy * 0.5 * (2 * math.pi * math.e * (noise + spread)).log()
        for drawn in samples:
            expected = -0.5 * math.log(2 * math.pi * noise) - ((drawn - mean).square() + spread + noise) / (2 * noise)
            yield expected + surprise

    def pick(self, samples: Float[Tensor, "s u *c"], *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return frank_wolfe(self.vectors(samples, at), k=k, labelled=at.labelled, candidates=at.candidates, rng=rng)

    def pick_with_reasons(
        self, samples: Float[Tensor, "s u *c"], *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        picked, weights = frank_wolfe_weights(
            self.vectors(samples, at), k=k, labelled=at.labelled, candidates=at.candidates, rng=rng
        )
        rows = len(at.candidates)
        return picked, [
            f"its label, taken {weight:.3g} times, is part of what stands for the labels of {rows} rows"
            if weight
            else f"drawn at random from {rows} rows: the others of the batch stand for all of them"
            for weight in weights.tolist()
        ]
