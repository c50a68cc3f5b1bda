"""Multi-criteria: dense, new, unsure and of a class with few labels, each as far as the stage calls for it.

Paper: yuan2019multicriteria (MCADL). Confirmed from its abstract: the four criteria (density, similarity, uncertainty,
a label-based measure), and that their weights adapt to the stage of training. Its formulas could not be read, so
everything else is assumed: each criterion is scaled to 0 to 1 over the candidates; similarity counts against rows that
are like a labelled or asked one; the label-based measure is the share of labels that are not of the row's guessed
class; the weights follow from how sure the model is and how uneven the labels are. Cost: one forward pass, then a pass
over the embeddings a pick.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.errors import UsageError
from querist.core.progress import report
from querist.core.types import Float, Generator, Int, Tensor
from querist.scores.entropy import entropy
from querist.selectors.base import shuffled
from querist.selectors.cosines import cosines_with
from querist.selectors.points import as_points
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.blocks import in_blocks
from querist.views.density import Density
from querist.views.embeddings import Embeddings
from querist.views.labels import Labels
from querist.views.probs import Probs

_TAKEN = 64
"""Labelled rows that the candidates are compared with together."""
_WORDS = ("typical of the pool", "unlike what is labelled", "unsure", "of a class with few labels")


@dataclass(frozen=True, kw_only=True)
class MultiCriteria(Strategy):
    """Rows by a weighted sum of density, novelty, uncertainty and scarcity of the guessed class, one after another.

    While the model is unsure everywhere its doubt tells little, and typical rows in new places teach most; once it is
    sure of most rows, the others are the ones to ask. So uncertainty weighs ``t``, which is 1 minus the mean entropy of
    the pool (1 being that of an even guess), density and novelty share the rest, and scarcity weighs as much as the
    labels are uneven, by the same measure.

    Formula:
        ``w_d density + w_s (1 - max cos to L + S) + w_u H(p) + w_l (1 - n_guess / n)``, each scaled to 0 to 1

    Use it when:
        classes are uneven, and the campaign goes from a handful of labels to many.

    Not when:
        the model is badly calibrated, as deep networks are by themselves (guo2017calibration): an overconfident one is
        taken for a good one, and geometry is switched off too early. Four criteria in one sum are hard to reason about;
        where one of them is what you need, ask for it alone.

    Args:
        weights: of density, novelty, uncertainty and scarcity, zero or more; by the stage if ``None``.

    Example:
        >>> from querist.views import Snapshot
        >>> probs, z = [[0.9, 0.1], [0.6, 0.4], [0.5, 0.5], [0.9, 0.1]], [[1, 0.1], [1, 0.2], [1, 0.3], [0, 1]]
        >>> snapshot = Snapshot.from_arrays(probs=probs, embeddings=z, labels=[0, -1, -1, -1])
        >>> MultiCriteria(weights=(0, 0, 1, 0))(snapshot, k=1).tolist()
        [2]
    """

    weights: tuple[float, float, float, float] | None = None

    rows: ClassVar = ("B10",)
    family: ClassVar = "hybrid"
    paper: ClassVar = "yuan2019multicriteria"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(n (m + k) d), memory O(n)"
    tasks: ClassVar = ("classification",)

    def __post_init__(self) -> None:
        if self.weights is not None and (len(self.weights) != 4 or min(self.weights) < 0 or not any(self.weights)):
            raise UsageError(f"the weights are {self.weights}", hint="give four of 0 or more, not all 0")

    def needs(self) -> tuple[View, ...]:
        return (Probs(), Embeddings(), Density(), Labels())

    def weights_for(self, unsure: Float[Tensor, "q"], counts: Float[Tensor, "c"]) -> tuple[float, float, float, float]:
        """The weights at a stage: entropies of the candidates, and how many labels each class has."""
        if self.weights is not None:
            return self.weights
        c = len(counts)
        most = math.log(c) if c > 1 else 1.0
        sure = 1 - float(unsure.mean()) / most
        total = float(counts.sum())
        uneven = 1 - float(entropy(counts / total)) / most if total and c > 1 else 0.0
        return (1 - sure) / 2, (1 - sure) / 2, sure, uneven

    def pick(
        self,
        probs: Float[Tensor, "n c"],
        embeddings: Float[Tensor, "n d"],
        density: Float[Tensor, "n"],
        labels: Int[Tensor, "n"],
        *,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> Int[Tensor, "k"]:
        return self._criteria(probs, embeddings, density, labels, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(
        self,
        probs: Float[Tensor, "n c"],
        embeddings: Float[Tensor, "n d"],
        density: Float[Tensor, "n"],
        labels: Int[Tensor, "n"],
        *,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> tuple[Tensor, list[str]]:
        picked, most = self._criteria(probs, embeddings, density, labels, at=at, k=k, rng=rng)
        return picked, [f"most of all {_WORDS[number]} ({share:.2f} of its score)" for number, share in most]

    def _criteria(
        self,
        probs: Tensor,
        embeddings: Tensor,
        density: Tensor,
        labels: Tensor,
        *,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> tuple[Tensor, list[tuple[int, float]]]:
        """The picks, and for each the criterion that gave most of its score, with its share."""
        free = shuffled(at.candidates, rng)  # the first of equals is then a random one
        points, guess = as_points(embeddings), in_blocks(lambda block: block.argmax(1), probs)[free]
        unsure = in_blocks(entropy, probs)[free]
        likeness = torch.full_like(unsure, -1.0)
        for some in at.labelled.split(_TAKEN) if len(at.labelled) else ():
            torch.maximum(likeness, cosines_with(points, some).amax(1)[free], out=likeness)
        counts = torch.bincount(labels[at.labelled].clamp_min(0), minlength=probs.shape[1]).to(unsure.dtype)
        weights = self.weights_for(unsure, counts)
        fixed = [_scaled(density[free]), _scaled(unsure)]
        left = torch.ones(len(free), dtype=torch.bool, device=free.device)
        places: list[int] = []
        most: list[tuple[int, float]] = []
        for _ in range(k):
            report("multi_criteria", len(places), of=k)
            scarce = 1 - counts[guess] / counts.sum().clamp_min(1)
            parts = torch.stack([fixed[0], _scaled(-likeness), fixed[1], _scaled(scarce)])
            parts = parts * torch.tensor(weights, dtype=parts.dtype, device=parts.device)[:, None]
            place = int(parts.sum(0).masked_fill(~left, -torch.inf).argmax())
            places.append(place)
            share = parts[:, place] / parts[:, place].sum().clamp_min(1e-12)
            most.append((int(share.argmax()), float(share.max())))
            left[place] = False
            torch.maximum(likeness, cosines_with(points, free[place, None])[free, 0], out=likeness)
            counts[guess[place]] += 1  # as if it were what the model takes it for
        return free[places], most


def _scaled(values: Float[Tensor, "q"]) -> Float[Tensor, "q"]:
    """From 0 for the least to 1 for the largest; 0 where all are the same."""
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else torch.zeros_like(values)
