"""MedAL: of the rows that the model is most unsure about, the ones that lie farthest from all that is labelled.

Paper: smailagic2018medal. Confirmed from its abstract: the average distance to all labelled rows in a learned feature
space. From second hand, and not confirmed: that the rows are those of highest entropy, how many of them, and that the
distance is Euclidean. Known differences: the features are what the last layer sees, where the paper takes a middle
layer; its first batch, the farthest of ORB descriptors, is left out. Cost: one forward pass, then ``beta k m``
distances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.errors import UsageError
from querist.core.types import Float, Generator, Int, Tensor
from querist.scores.entropy import entropy
from querist.scores.mean_distance import mean_distance
from querist.selectors.top_k import top_k
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.blocks import in_blocks, widened
from querist.views.embeddings import Embeddings
from querist.views.probs import Probs


@dataclass(frozen=True, kw_only=True)
class MedAl(Strategy):
    """The largest mean distance to the labelled rows, among the ``beta k`` rows of highest entropy.

    Entropy finds rows that a label would help with, and many of them are like rows that have one. What is far from all
    labelled rows brings something that the model has not seen.

    Formula:
        ``argmax 1/m sum_l |z(x) - z(l)|`` over the ``M = beta k`` rows of largest ``H(p(x))``

    Use it when:
        classes are few and images alike, batches are small, and some tens of labels exist. The paper's images are
        medical; 80% of one set of retinas took 425 labels, 32% fewer than by uncertainty alone (smailagic2018medal).

    Not when:
        the batch is large: distances to the labelled rows alone are counted, so it holds near twins, which ``lcmd`` or
        ``badge`` keep apart (holzmuller2023framework, ash2020badge). The mean distance prefers what is far from the
        middle, so outliers come first, which hold up learning where no class can be told (karamcheti2021mind).

    Args:
        beta: the shortlist holds ``beta k`` rows.
        aggregate: how the entropies of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> probs = [[1.0, 0.0], [0.5, 0.5], [0.6, 0.4], [1.0, 0.0]]
        >>> snapshot = Snapshot.from_arrays(probs=probs, embeddings=[[0.0], [1.0], [3.0], [9.0]], labelled=[0])
        >>> MedAl(beta=2)(snapshot, k=1).tolist()
        [2]
    """

    beta: int = 10
    aggregate: str = "mean"

    rows: ClassVar = ("H2",)
    family: ClassVar = "hybrid"
    signal: ClassVar = "far_doubt"  # its farthest rows are near twins, where the family's signal has five sorts
    paper: ClassVar = "smailagic2018medal"
    survey: ClassVar = "4.1"
    cost: ClassVar = "time O(u c + beta k m d), memory O(n + (beta k + m) d)"
    tasks: ClassVar = ("classification", "multilabel", "tokens")
    needs_labels: ClassVar = True

    def __post_init__(self) -> None:
        if self.beta < 1:
            raise UsageError(f"a shortlist of {self.beta} times the batch was asked for", hint="use beta of 1 or more")

    def needs(self) -> tuple[View, ...]:
        return (Probs(), Embeddings())

    def pick(
        self, probs: Float[Tensor, "u c"], embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator
    ) -> Int[Tensor, "k"]:
        unsure = at.per_row(in_blocks(entropy, probs), how=self.aggregate)
        shortlist = top_k(unsure, k=min(self.beta * k, len(at.candidates)), candidates=at.candidates, rng=rng)
        return shortlist[top_k(_far(embeddings, shortlist, at), k=k, rng=rng)]

    def reasons(
        self, probs: Float[Tensor, "u c"], embeddings: Float[Tensor, "n d"], *, at: Positions, picked: Int[Tensor, "k"]
    ) -> list[str]:
        unsure = at.per_row(in_blocks(entropy, probs), how=self.aggregate)
        middle = float(unsure[at.candidates].median())
        return [
            f"unsure ({float(h):.3g}, pool median {middle:.3g}) and {float(far):.3g} from the labelled rows on average"
            for h, far in zip(unsure[picked], _far(embeddings, picked, at), strict=True)
        ]


def _far(embeddings: Tensor, pos: Tensor, at: Positions) -> Float[Tensor, "q"]:
    """Mean distance of some rows from the labelled ones."""
    return mean_distance(widened(embeddings[pos]), widened(embeddings[at.labelled]))
