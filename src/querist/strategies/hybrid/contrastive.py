"""CAL: ask for rows that look like labelled ones and are answered differently.

Paper: margatina2021active, contrastive active learning. As in the authors' program, neighbours are those of smallest
distance between unit vectors. scikit-activeml takes raw vectors and 5 neighbours; small-text looks for neighbours among
all rows, unlabelled ones and the row itself too, which the paper does not. Known difference: distances are computed
exactly, in blocks. Cost: one forward pass, then ``n m`` distances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Tensor
from querist.strategies.base import ScoreStrategy
from querist.views.base import Positions, View
from querist.views.contrast import Contrast


@dataclass(frozen=True, kw_only=True)
class Contrastive(ScoreStrategy):
    """Rows by the mean divergence of their labelled neighbours' predictions from their own.

    Two rows with nearly the same features should get nearly the same answer. Where the answer turns between a labelled
    row and its neighbour, the model has drawn a line through a place that it should know, and a label there says
    whether it is right.

    Formula:
        ``1/k sum_l KL(p(. | l) || p(. | x))``, ``l`` over the ``k`` labelled rows nearest to ``x``

    Use it when:
        a fine-tuned encoder gives the features, for texts above all, where it was made and tried
        (margatina2021active), and some tens of labels a class are there.

    Not when:
        labels are so few that ten neighbours reach into every class (then it asks for whatever is unlike the
        commonest label), or batches must be diverse: nothing keeps its picks apart, as it does in ``badge``
        (ash2020badge).

    Args:
        neighbours: the paper's ``k``; all labelled rows, if there are fewer.

    Example:
        >>> from querist.views import Snapshot
        >>> probs, z = [[0.9, 0.1], [0.2, 0.8], [0.9, 0.1]], [[1.0, 0.0], [1.0, 0.1], [1.0, 0.2]]
        >>> Contrastive()(Snapshot.from_arrays(probs=probs, embeddings=z, labelled=[0]), k=1).tolist()
        [1]
    """

    neighbours: int = 10

    rows: ClassVar = ("P11",)
    family: ClassVar = "hybrid"
    signal: ClassVar = "contradicted"  # the family's pool has so few labels that ten neighbours are of all classes
    paper: ClassVar = "margatina2021active"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(n m d + n c), memory O(n c + m d)"
    tasks: ClassVar = ("classification",)
    needs_labels: ClassVar = True

    def __post_init__(self) -> None:
        self.needs()  # refuses what cannot be

    def needs(self) -> tuple[View, ...]:
        return (Contrast(neighbours=self.neighbours),)

    def score(self, contrasts: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        return contrasts

    def reason(self, score: float, middle: float, at: Positions) -> str:
        return f"answered unlike the labelled rows nearest to it: divergence {score:.3g} (pool median {middle:.3g})"
