"""LCMD: ask for the farthest row of the cluster that the labels serve worst.

Paper: holzmuller2023framework, LCMD-TP. Known differences: the kernel is that of the last layer, given by the
embeddings, not of all layers, so nothing is sketched; ties are broken by the seed. Cost: one forward pass, then at most
one pass over the embeddings a pick.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.lcmd import lcmd, lcmd_clusters
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.embeddings import Embeddings


@dataclass(frozen=True, kw_only=True)
class Lcmd(Strategy):
    """Largest cluster, maximum distance, on embeddings; labelled rows are centres of clusters from the start.

    Core-set looks at the worst row alone and so asks for outliers. Here a region counts as much as all its rows
    together are badly served, and inside it the worst row is asked: dense regions and far ones both get their turn.

    Formula:
        of the cluster with the largest ``sum_{x in C} d(x, centre)^2``, the row with the largest ``d``

    Use it when:
        the task is regression: with large batches it was the best on average of 15 sets of tables
        (holzmuller2023framework), dense and far regions both being served. It has no option to set, and labelled rows
        count from the start.

    Not when:
        probabilities are at hand and few classes are confused: it sees no boundary. The paper's best figures use the
        gradients of all layers, here it is the last one's.

    Example:
        >>> from querist.views import Snapshot
        >>> z = [[0.0], [10.0], [13.0], [14.0], [15.0], [-6.0]]
        >>> Lcmd()(Snapshot.from_arrays(embeddings=z, labelled=[0, 1]), k=2).tolist()
        [4, 5]
    """

    rows: ClassVar = ("P15",)
    family: ClassVar = "hybrid"
    paper: ClassVar = "holzmuller2023framework"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(n (m + k) d), memory O(n)"
    tasks: ClassVar = ("classification", "multilabel", "regression", "tokens")

    def needs(self) -> tuple[View, ...]:
        return (Embeddings(),)

    def pick(self, embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return lcmd(embeddings, k=k, labelled=at.labelled, candidates=at.candidates, rng=rng)

    def pick_with_reasons(
        self, embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        picked, distances, sizes = lcmd_clusters(
            embeddings, k=k, labelled=at.labelled, candidates=at.candidates, rng=rng
        )
        reasons = [
            f"distance {distance:.3g} to the nearest known or asked row, the farthest of {size} that share it"
            for distance, size in zip(distances.tolist(), sizes.tolist(), strict=True)
        ]
        if not len(at.labelled):
            reasons[0] = "the longest embedding of all"
        return picked, reasons
