"""BADGE: ask for rows whose loss gradients are long and point in different directions.

Paper: ash2020badge. First pick: the paper seeds as k-means++ does, whose first centre is uniform (arthur2007kmeans);
the authors' program, which made the paper's figures, starts with the longest gradient. The default follows the
program, so that a batch of one is the most uncertain row and not a random one. Other difference from it: coinciding
gradients are no dead end, the rest of the batch is then drawn at random. Cost: one forward pass, then k-means++.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Generator, Int, Tensor
from querist.selectors.kmeans_pp import kmeans_pp
from querist.selectors.points import FactoredPoints
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.grad_embeddings import GradEmbeddings


@dataclass(frozen=True, kw_only=True)
class Badge(Strategy):
    """k-means++ seeding on the last layer's gradients, the model's own guess taken for the label.

    The gradient of an unsure row is long, that of a sure one nearly zero; two rows that would teach the same have the
    same direction. Drawing by squared distance therefore trades uncertainty against diversity without a knob.

    Formula:
        k-means++ on ``g(x) = (p - e_guess) (x) z``: next ``x`` with a chance ``~ min_{s in S} |g(x) - g(s)|^2``

    Use it when:
        batches are of tens to thousands, the task is classification, and no option should have to be set: over data
        sets, networks and sizes of batches it did as well as the best or better (ash2020badge).

    Not when:
        labels are very few: the guesses that make the gradients are then noise, and typical rows teach more
        (hacohen2022active). Where images are augmented it had no consistent gain over plain uncertainty
        (beck2021effective), which is cheaper.

    Args:
        first: ``longest`` gradient (the authors' program) or ``uniform`` (k-means++).

    Example:
        >>> from querist.views import Snapshot
        >>> snapshot = Snapshot.from_arrays(probs=[[1, 0], [0.5, 0.5], [0.6, 0.4]], embeddings=[[9], [2], [1]])
        >>> Badge()(snapshot, k=2, seed=0).tolist()
        [1, 2]
    """

    first: str = "longest"

    rows: ClassVar = ("B4",)
    family: ClassVar = "hybrid"
    paper: ClassVar = "ash2020badge"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(n k (c + d)), memory O(n (c + d))"
    tasks: ClassVar = ("classification", "multilabel")
    deterministic: ClassVar = False

    def needs(self) -> tuple[View, ...]:
        return (GradEmbeddings(),)

    def pick(self, gradients: FactoredPoints, *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        # Row i stands for (probs[i] - onehot(argmax)) (x) embedding[i], kept in factors: never c * d wide.
        return kmeans_pp(gradients, k=k, candidates=at.candidates, rng=rng, first=self.first)

    def reasons(self, gradients: FactoredPoints, *, at: Positions, picked: Int[Tensor, "k"]) -> list[str]:
        lengths = gradients.squared_norms.sqrt()
        middle = lengths[at.candidates].median()
        return [
            f"its label would pull the model by {length:.3g} in a new direction (pool median {middle:.3g})"
            for length in lengths[picked]
        ]
