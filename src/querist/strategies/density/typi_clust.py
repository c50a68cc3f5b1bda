"""TypiClust: ask for the most typical row of each cluster that no label speaks for.

Paper: hacohen2022active. Known differences: clusters are faiss's k-means, small ones come last instead of never, and
distances are not squared (the selector says more); the embeddings are those of the model at hand, where the paper
takes self-supervised ones, which any frozen encoder gives. Cost: one forward pass, then k-means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.points import as_points, unit
from querist.selectors.typical import typical, typical_clusters
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.embeddings import Embeddings


@dataclass(frozen=True, kw_only=True)
class TypiClust(Strategy):
    """The densest spot of each of ``m + k`` clusters of unit embeddings, where nothing is labelled first.

    With few labels a model is unsure everywhere, and what it is most unsure of is odd; a label on a typical row
    speaks for many others. The clusters keep the batch from being typical of one thing only.

    Formula:
        in each of ``m + k`` clusters without a label, ``argmax_x (1/K sum_{u near x} |z(x) - z(u)|)^-1``

    Use it when:
        labels are few (a handful a class) and the embeddings good (pretrained or self-supervised): there it did better
        than all others it was compared with, the more so before semi-supervised training (hacohen2022active).

    Not when:
        labels are many: unusual rows then teach more than typical ones (hacohen2022active). Nor for rare classes: they
        form no dense cluster, and small ones are asked last.

    Args:
        neighbours: how many neighbours say how typical a row is (``K`` of the paper).
        most_clusters: the most clusters that are formed.
        least_size: clusters with no more rows than this are asked last.

    Example:
        >>> from querist.views import Snapshot
        >>> z = [[1.0, 0.0], [1.0, 0.1], [1.0, 0.2], [1.0, -0.1], [0.0, 1.0], [0.1, 1.0], [-0.1, 1.0], [0.4, 1.0]]
        >>> sorted(TypiClust(least_size=1)(Snapshot.from_arrays(embeddings=z), k=2).tolist())[0] in (0, 1)
        True
    """

    neighbours: int = 20
    most_clusters: int = 500
    least_size: int = 5

    rows: ClassVar = ("P2",)
    family: ClassVar = "density"
    paper: ClassVar = "hacohen2022active"
    survey: ClassVar = "3.1.4"
    signal: ClassVar = "every_clump"
    cost: ClassVar = "time O(n (m + k) d + n^2 d / (m + k)), memory O(n + (m + k) d)"
    tasks: ClassVar = ("classification", "multilabel", "regression", "tokens")
    deterministic: ClassVar = False

    def needs(self) -> tuple[View, ...]:
        return (Embeddings(),)

    def pick(self, embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return typical(
            unit(as_points(embeddings)),
            k=k,
            labelled=at.labelled,
            candidates=at.candidates,
            rng=rng,
            neighbours=self.neighbours,
            most_clusters=self.most_clusters,
            least_size=self.least_size,
        )

    def pick_with_reasons(
        self, embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        picked, sizes, labels = typical_clusters(
            unit(as_points(embeddings)),
            k=k,
            labelled=at.labelled,
            candidates=at.candidates,
            rng=rng,
            neighbours=self.neighbours,
            most_clusters=self.most_clusters,
            least_size=self.least_size,
        )
        reasons = [
            f"the most typical of a cluster of {size} rows, {known or 'none'} of them labelled"
            for size, known in zip(sizes.tolist(), labels.tolist(), strict=True)
        ]
        return picked, reasons
