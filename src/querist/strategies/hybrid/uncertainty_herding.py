"""Uncertainty Herding: cover the rows that the model is unsure of; with few labels that is all of them.

Paper: bae2025uncertainty. ``u(x)`` is one minus the margin of the softmax at a temperature, and ``sigma`` the smallest
distance between labelled rows, so the method goes over from MaxHerding to plain margins as labels become many.
Known differences: the authors train on 70 % of the labels and choose the temperature on the rest; nothing is trained
here, so it is chosen on the labelled rows as the model answers them, which for a model that was fitted to them stays
near 1 (answers from cross-validation do better). Beyond 20,000 candidates as many are drawn at random (see
``sample``), where the authors' program draws 35,000. In multilabel and tagging tasks the temperature is 1 unless it is
given. Cost: one forward pass, then every pair of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.errors import UsageError
from querist.core.types import Float, Generator, Int, Tensor
from querist.scores.margin import margin
from querist.selectors.base import thinned
from querist.selectors.herding import herding
from querist.selectors.points import Distances, Points, as_points, unit
from querist.strategies.base import Picks, Strategy
from querist.strategies.density.max_herding import MaxHerding
from querist.tasks.calibration import best_temperature
from querist.views.base import Positions, View
from querist.views.embeddings import Embeddings
from querist.views.labels import Labels
from querist.views.probs import Probs
from querist.views.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True)
class UncertaintyHerding(Strategy):
    """Greedy growth of ``sum_x u(x) max_{s in L + S} exp(-|x - s|^2 / sigma^2)`` on unit embeddings.

    A model that has seen little is told by its temperature to be unsure of everything, and what counts is coverage; one
    that has seen much is unsure of few rows, and a narrow kernel lets each of them speak for itself. Without labels it
    is MaxHerding.

    Formula:
        ``argmax_S sum_x u(x) max_{s in L + S} exp(-|z(x) - z(s)|^2 / sigma^2)``, greedily; ``u = 1 - (p_(1) - p_(2))``

    Use it when:
        one strategy must serve from the first labels to the last: it covers while labels are few and asks for unsure
        rows when they are many (bae2025uncertainty).

    Not when:
        the model has learned its labelled rows by heart and answers from cross-validation are not at hand: its
        temperature then stays near 1. Nor where a round must be quick: every pair of (at most 20,000) candidates is
        looked at.

    Args:
        temperature: what logits are divided by; the one of least calibration error from 1 to 19.9 if ``None``.
        sigma: distance at which two rows are alike by ``1/e``; the smallest one between labelled rows if ``None``, and
            1 while there are no two that differ.
        aggregate: how the uncertainties of tokens (or classes) become a row's.
        sample: candidates, drawn at random, that stand for all of them where there are more; all if ``None``. Never
            fewer than four times the batch.

    Example:
        >>> from querist.views import Snapshot
        >>> probs = [[0.9, 0.1], [0.5, 0.5], [0.6, 0.4], [0.5, 0.5]]
        >>> z = [[1.0, 0.0], [0.0, 1.0], [0.1, 1.0], [-1.0, 0.0]]
        >>> snapshot = Snapshot.from_arrays(probs=probs, embeddings=z, labels=[0, -1, -1, -1])
        >>> UncertaintyHerding()(snapshot, k=2).tolist()
        [1, 3]
    """

    temperature: float | None = None
    sigma: float | None = None
    aggregate: str = "mean"
    sample: int | None = 20_000

    rows: ClassVar = ("P6",)
    family: ClassVar = "hybrid"
    paper: ClassVar = "bae2025uncertainty"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(u c + m^2 d + r^2 d) for r candidates, at most 20,000; memory O(n)"
    tasks: ClassVar = ("classification", "multilabel", "tokens")

    def __post_init__(self) -> None:
        if self.temperature is not None and not self.temperature > 0:
            raise UsageError(f"the temperature is {self.temperature}", hint="give a number above 0")

    def needs(self) -> tuple[View, ...]:
        return (Probs(), Embeddings(), Labels())

    def needs_for(self, task: str) -> tuple[View, ...]:
        return self.needs() if task == "classification" else self.needs()[:2]

    def needs_at_first(self, task: str) -> tuple[View, ...]:
        return (Embeddings(),)

    def choose(self, snapshot: Snapshot, *, k: int, seed: int = 0) -> Picks:
        """As :meth:`Strategy.choose`; MaxHerding where nothing is labelled, with or without a model."""
        if len(snapshot.at.labelled):
            return super().choose(snapshot, k=k, seed=seed)
        return MaxHerding(sigma=self.sigma or 1.0, sample=self.sample).choose(snapshot, k=k, seed=seed)

    def pick(
        self,
        probs: Float[Tensor, "u c"],
        embeddings: Float[Tensor, "n d"],
        labels: Int[Tensor, "n"] | None = None,
        *,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> Int[Tensor, "k"]:
        return self.pick_with_reasons(probs, embeddings, labels, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(
        self,
        probs: Float[Tensor, "u c"],
        embeddings: Float[Tensor, "n d"],
        labels: Int[Tensor, "n"] | None = None,
        *,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> tuple[Tensor, list[str]]:
        points = unit(as_points(embeddings))
        some = thinned(at.candidates, self.sample, k=k, rng=rng)
        sigma = _least_distance(points, at.labelled) or 1.0 if self.sigma is None else self.sigma
        unsure = self._uncertainty(probs, labels, at)
        picked = herding(points, k=k, labelled=at.labelled, candidates=some, rng=rng, sigma=sigma, weights=unsure)
        middle = float(unsure[at.candidates].median())
        return picked, [
            f"stands for unsure rows within {sigma:.3g} or so: it has uncertainty {u:.3g} (pool median {middle:.3g})"
            for u in unsure[picked].tolist()
        ]

    def _uncertainty(
        self, probs: Float[Tensor, "u c"], labels: Int[Tensor, "n"] | None, at: Positions
    ) -> Float[Tensor, "n"]:
        logits = probs.clamp_min(torch.finfo(probs.dtype).tiny).log()  # up to a constant, which the softmax drops
        heat = self.temperature
        if heat is None:
            heat = 1.0 if labels is None else best_temperature(logits[at.labelled], labels[at.labelled])
        return at.per_row(1 + margin((logits / heat).softmax(-1)), how=self.aggregate).clamp_min(0)


def _least_distance(points: Points, pos: Int[Tensor, "m"]) -> float:
    """The smallest distance above 0 between some points; 0 if there is none."""
    apart = Distances(points.take(pos))
    least = torch.inf
    for start in range(0, len(pos), 1024):
        rows = slice(start, start + 1024)
        for others in torch.arange(start, len(pos), device=pos.device).split(1024):
            squared = apart.between(rows, others)
            least = min(least, float(squared.masked_fill_(squared == 0, torch.inf).min()))
    return 0.0 if least == torch.inf else least**0.5
