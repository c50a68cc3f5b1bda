"""FASS: filter the unsure rows, then ask for those that stand for the others among them.

Paper: wei2015submodularity, filtered active submodular selection. Known differences: similarities are cosines of
embeddings, clipped at 0, in one facility location over the whole shortlist, where the paper's nearest-neighbour
function has one for each guessed class. Cost: one forward pass, then facility location on ``beta k`` rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.errors import UsageError
from querist.core.types import Float, Generator, Int, Tensor
from querist.scores.entropy import entropy
from querist.selectors.facility import facility
from querist.selectors.top_k import top_k
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.blocks import in_blocks
from querist.views.embeddings import Embeddings
from querist.views.probs import Probs


@dataclass(frozen=True, kw_only=True)
class Fass(Strategy):
    """Facility location on the ``beta k`` rows of highest entropy.

    Entropy says which rows are worth a label, and says it of near twins alike. Of the rows that it finds, the batch is
    the one to which all the others are most similar: a bounded share of the best such batch, found greedily.

    Formula:
        ``argmax_S sum_{v in F} max_{s in S} cos(z_v, z_s)``, ``F`` the ``beta k`` rows of largest ``H(p)``

    Use it when:
        the pool is full of near twins and some tens of labels are there: the filter drops what the model knows, and the
        batch then stands for all that is left (wei2015submodularity).

    Not when:
        the model is new: a filter by its doubts throws away what it should learn first (the strategies of density need
        no model). Nor with very large batches: the work grows with the square of the shortlist.

    Args:
        beta: how many times the batch the shortlist holds.
        aggregate: how the entropies of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> probs = [[0.5, 0.5], [0.5, 0.5], [0.6, 0.4], [1.0, 0.0]]
        >>> z = [[1.0, 0.1], [1.0, 0.0], [1.0, -0.1], [0.0, 1.0]]
        >>> Fass(beta=3)(Snapshot.from_arrays(probs=probs, embeddings=z), k=1).tolist()
        [1]
    """

    beta: int = 10
    aggregate: str = "mean"

    rows: ClassVar = ("S35b",)
    family: ClassVar = "hybrid"
    paper: ClassVar = "wei2015submodularity"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(u c + beta^2 k^2 d), memory O(n + beta k d)"
    tasks: ClassVar = ("classification", "multilabel", "tokens")
    deterministic: ClassVar = False  # two rows that serve nobody but each other gain the same: ties are the rule

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
        return shortlist[facility(embeddings[shortlist], k=k, rng=rng)]

    def reasons(
        self, probs: Float[Tensor, "u c"], embeddings: Float[Tensor, "n d"], *, at: Positions, picked: Int[Tensor, "k"]
    ) -> list[str]:
        unsure = at.per_row(in_blocks(entropy, probs), how=self.aggregate)
        middle = float(unsure[at.candidates].median())
        return [
            f"stands for unsure rows like it: entropy {float(h):.3g} (pool median {middle:.3g})" for h in unsure[picked]
        ]
