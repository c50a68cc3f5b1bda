"""Information density: ask for what is unsure and typical, and leave the odd ones out.

Paper: settles2008analysis. Known differences: token entropies are averaged over a row by default, the paper's
sequence entropy sums over labellings; a negative mean cosine counts as 0, so that no power of it is undefined.
Cost: one pass over probabilities and embeddings, no ``n x n`` table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Tensor
from querist.scores.entropy import entropy
from querist.strategies.base import ScoreStrategy
from querist.views.base import Positions, View
from querist.views.density import Density
from querist.views.probs import Probs


@dataclass(frozen=True, kw_only=True)
class InformationDensity(ScoreStrategy):
    """Rows by ``H(x) (mean_u cos(x, u))^beta``, ``u`` running over the candidates.

    Entropy alone loves outliers; a label on one tells little about other rows. The mean similarity to the pool
    weighs each row by how many others its label would speak for.

    Formula:
        ``H(x) (1/U sum_u cos(x, u))^beta``

    Use it when:
        the pool has outliers that entropy would ask for, texts and tokens above all: on sequences it improved on
        entropy consistently (settles2008analysis).

    Not when:
        classes are rare or groups small: whatever is unlike the bulk is held back, wanted or not. Nor where all
        embeddings point one way: the mean cosine is then the same for all, and this is entropy. Rows of a batch may be
        alike.

    Args:
        beta: weight of the density; 0 is plain entropy.
        aggregate: how the entropies of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> z = [[1.0, 0.1], [1.0, 0.0], [0.0, 1.0]]
        >>> snapshot = Snapshot.from_arrays(probs=[[0.9, 0.1], [0.5, 0.5], [0.5, 0.5]], embeddings=z)
        >>> InformationDensity()(snapshot, k=1).tolist()
        [1]
    """

    beta: float = 1.0

    rows: ClassVar = ("A12",)
    family: ClassVar = "density"
    paper: ClassVar = "settles2008analysis"
    survey: ClassVar = "3.1"
    cost: ClassVar = "time O(u c + n d), memory O(n)"

    def needs(self) -> tuple[View, ...]:
        return (Probs(), Density())

    def score(self, probs: Float[Tensor, "u c"], density: Float[Tensor, "n"]) -> Float[Tensor, "u"]:
        return entropy(probs)

    def row_scores(
        self, probs: Float[Tensor, "u c"], density: Float[Tensor, "n"], *, at: Positions
    ) -> Float[Tensor, "n"]:
        information = at.per_row(self.score(probs, density), how=self.aggregate)
        return information * density.clamp_min(0) ** self.beta

    def reason(self, score: float, middle: float, at: Positions) -> str:
        return f"unsure and typical: entropy times density {score:.3f} (pool median {middle:.3f})"
