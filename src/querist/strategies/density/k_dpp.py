"""k-DPP: draw a batch of unsure rows that lie in different directions.

Papers: biyik2019batch for active learning, kulesza2011kdpps for the draw. Known differences: the similarity is the
cosine, not a Gaussian, so that features are as wide as the embedding and the draw is exact; the paper takes the
greedy mode, for which see MaxDet. Cost: one forward pass, an eigendecomposition, then a pass over embeddings a pick.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Generator, Int, Tensor
from querist.scores.entropy import entropy
from querist.selectors.k_dpp import k_dpp
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.blocks import in_blocks
from querist.views.embeddings import Embeddings
from querist.views.probs import Probs


@dataclass(frozen=True, kw_only=True)
class KDpp(Strategy):
    """Batches drawn in proportion to ``det(L)``, where ``L_ij = q_i^power cos(i, j) q_j^power`` and ``q`` is entropy.

    The determinant is the squared volume that the embeddings span, each as long as its row is unsure: it is large for
    rows that are unsure and unlike each other, and a draw from it needs no knob between the two.

    Formula:
        ``P(S) ~ det(L_S)`` with ``L_ij = H(x_i)^power cos(z_i, z_j) H(x_j)^power``

    Use it when:
        batches are smaller than the embedding is wide, and a draw is wanted, so that runs with other seeds see other
        batches (or chances matter, for weighting).

    Not when:
        the embedding is wide: the work grows with its cube. ``badge`` draws batches about as good for less
        (ash2020badge). Nor for batches beyond the embedding's width: such a determinant is zero, and a second set is
        drawn.

    Args:
        power: how much uncertainty counts against diversity (``gamma / alpha`` of the paper).
        aggregate: how the entropies of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> probs = [[0.5, 0.5], [0.5, 0.5], [1.0, 0.0]]
        >>> snapshot = Snapshot.from_arrays(probs=probs, embeddings=[[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
        >>> sorted(KDpp()(snapshot, k=2).tolist())
        [0, 1]
    """

    power: float = 1.0
    aggregate: str = "mean"

    rows: ClassVar = ("P23",)
    family: ClassVar = "density"
    paper: ClassVar = "biyik2019batch"
    survey: ClassVar = "3.1.4"
    cost: ClassVar = "time O(n d^2 + n k d + d^3), memory O(n d + d^2)"
    tasks: ClassVar = ("classification", "multilabel", "tokens")
    deterministic: ClassVar = False

    def needs(self) -> tuple[View, ...]:
        return (Probs(), Embeddings())

    def pick(
        self,
        probs: Float[Tensor, "u c"],
        embeddings: Float[Tensor, "n d"],
        *,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> Int[Tensor, "k"]:
        unsure = at.per_row(in_blocks(entropy, probs), how=self.aggregate).clamp_min(0) ** self.power
        return k_dpp(embeddings, quality=unsure, k=k, candidates=at.candidates, rng=rng)

    def reasons(
        self, probs: Float[Tensor, "u c"], embeddings: Float[Tensor, "n d"], *, at: Positions, picked: Int[Tensor, "k"]
    ) -> list[str]:
        unsure = at.per_row(in_blocks(entropy, probs), how=self.aggregate)
        middle = float(unsure[at.candidates].median())
        return [f"unsure ({float(h):.3g}, pool median {middle:.3g}) in a direction of its own" for h in unsure[picked]]
