"""BAIT: ask for the rows after which a last layer would be least wrong about all the others.

Paper: ash2021gone; scaling and defaults are those of the authors' program. As there, the layer's bias is left out: the
information is about its weights. Regression is the paper's case of a linear layer, where only the embeddings count.
Cost: one forward pass, then the selection. The inverse of the information has ``((c - 1) d)^2`` numbers: many classes
on wide embeddings need embeddings of fewer dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.fisher import fisher_shares
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.embeddings import Embeddings
from querist.views.probs import Probs


@dataclass(frozen=True, kw_only=True)
class Bait(Strategy):
    """Least ``tr((l I + I_L + I_S)^-1 I_all)``, ``I`` being the Fisher information about the last layer.

    How wrong a fitted layer still is on a row depends on how well the labels have fixed the directions that this row
    uses. So the batch is chosen for what its labels fix together and weighted by how much all rows need it: unsure
    rows, long embeddings, directions that are common and not yet labelled. Greedily twice as many rows as asked for
    are put in; then those that are missed least are taken out again.

    Formula:
        ``argmin_S tr((l I + I_L + I_S)^-1 I_all)``, with ``I_x = (diag(p) - p p^T) (x) z z^T``

    Use it when:
        classes are few and the embedding is of some tens to a few hundred numbers, or the task is regression: it looks
        at the whole batch, the labels and the pool at once, and did better than what came before it (ash2021gone).

    Not when:
        classes are many and embeddings wide: the inverse has ``((c - 1) d)^2`` numbers. ``badge`` is the cheap
        neighbour. With very few labels the information is that of guesses.

    Args:
        regularisation: the paper's ``lambda``.
        oversample: how many times the batch is put in before the rest of it is taken out.

    Example:
        >>> from querist.views import Snapshot
        >>> probs, z = [[0.5, 0.5], [0.5, 0.5], [0.9, 0.1], [0.5, 0.5]], [[9, 0], [9, 0], [9, 0], [0, 5]]
        >>> Bait()(Snapshot.from_arrays(probs=probs, embeddings=z, labelled=[0]), k=1).tolist()
        [3]
    """

    regularisation: float = 1.0
    oversample: float = 2.0

    rows: ClassVar = ("P1",)
    family: ClassVar = "hybrid"
    paper: ClassVar = "ash2021gone"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(n (c d)^2 + (c d)^3 + k n c^2 d), memory O(n c^2 + (c d)^2)"
    tasks: ClassVar = ("classification", "regression")

    def needs(self) -> tuple[View, ...]:
        return (Probs(), Embeddings())

    def needs_for(self, task: str) -> tuple[View, ...]:
        return (Embeddings(),) if task == "regression" else self.needs()

    def pick(self, *views: Float[Tensor, "n _"], at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return self._shares(*views, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(
        self, *views: Float[Tensor, "n _"], at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        picked, shares = self._shares(*views, at=at, k=k, rng=rng)
        return picked, [
            f"without its label the last layer's expected error on all rows would be {share:.2%} larger"
            for share in shares.tolist()
        ]

    def _shares(self, *views: Tensor, at: Positions, k: int, rng: Generator) -> tuple[Tensor, Tensor]:
        *probs, embeddings = views
        return fisher_shares(
            embeddings,
            k=k,
            labelled=at.labelled,
            candidates=at.candidates,
            rng=rng,
            probs=probs[0] if probs else None,
            regularisation=self.regularisation,
            oversample=self.oversample,
        )
