"""Core-set: ask so that no row is far from a labelled one.

Paper: sener2018coreset, the greedy k-center. Known difference: the authors' robust mixed-integer step, which refines
the greedy answer, is left out; the greedy radius is within twice the optimum. Cost: one forward pass, then k-center.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.k_center import k_center, k_center_radii
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.embeddings import Embeddings


@dataclass(frozen=True, kw_only=True)
class CoreSet(Strategy):
    """Greedy k-center on embeddings: always the row farthest from all labelled and picked ones.

    If every row has a labelled neighbour at hand, a network that fits the labels is nearly right everywhere: its loss
    on the pool exceeds the loss on the labels by at most a multiple of the largest distance. Outliers are asked
    first. With nothing labelled the first row is random.

    Formula:
        ``argmax_x min_{l in L + S} |z(x) - z(l)|``, pick after pick into ``S``

    Use it when:
        there are no probabilities to go by (regression, a first batch), the embeddings are good (pretrained, say), and
        the budget is large enough to come near every kind of row. It spreads batches of any size.

    Not when:
        labels are few: it then asks for outliers, near which nobody else lives (yehuda2022active). In classification
        uncertainty is often better (kim2022defense): it sees no boundary between classes.

    Example:
        >>> from querist.views import Snapshot
        >>> snapshot = Snapshot.from_arrays(embeddings=[[0.0], [1.0], [7.0], [10.0]], labelled=[0])
        >>> CoreSet()(snapshot, k=2).tolist()
        [3, 2]
    """

    rows: ClassVar = ("D2",)
    family: ClassVar = "density"
    paper: ClassVar = "sener2018coreset"
    survey: ClassVar = "3.1.4"
    cost: ClassVar = "time O(n (m + k) d), memory O(n d)"
    tasks: ClassVar = ("classification", "multilabel", "regression", "tokens")

    def needs(self) -> tuple[View, ...]:
        return (Embeddings(),)

    def pick(self, embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return k_center(embeddings, k=k, labelled=at.labelled, candidates=at.candidates, rng=rng)

    def pick_with_reasons(
        self, embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        picked, radii = k_center_radii(embeddings, k=k, labelled=at.labelled, candidates=at.candidates, rng=rng)
        whom = "labelled or asked row" if len(at.labelled) else "row asked before it"
        reasons = [f"distance {radius:.3g} to the nearest {whom}" for radius in radii.tolist()]
        if not len(at.labelled):
            reasons[0] = "the first row, drawn at random"
        return picked, reasons
