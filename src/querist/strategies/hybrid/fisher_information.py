"""Fisher information: ask for the batch whose information about the last layer is most like that of the whole pool.

Papers: zhang2000value for the criterion, hoi2006batch for batches of it in logistic regression, and for deep networks
sourati2019intelligent; ash2021gone (see ``bait``) came after them. None of them could be read again: the ratio of two
informations is certain, the shortlist of unsure rows and its length are from memory. Known differences: the batch is
greedy, one row after another, where the third paper solves a semidefinite programme for a distribution over rows and
draws from it; the information is that of the last layer's weights, where it has one gradient a layer, summed. Cost: one
forward pass, then the information of all rows once, and the greedy choice among ``beta k`` rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.errors import UsageError
from querist.core.types import Float, Generator, Int, Tensor
from querist.scores.entropy import entropy
from querist.selectors.fisher import fisher_shares
from querist.selectors.top_k import top_k
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.blocks import in_blocks
from querist.views.embeddings import Embeddings
from querist.views.probs import Probs


@dataclass(frozen=True, kw_only=True)
class FisherInformation(Strategy):
    """Least ``tr(I_S^-1 I_U)`` over batches of the ``beta k`` rows of highest entropy, greedily.

    A fitted layer is as wrong on the pool as the labels leave the directions open that the pool uses. ``I_U`` says how
    much each direction is used, ``I_S`` how well a batch would fix it, and the trace of their ratio is the error that
    is left. Unsure rows inform most, so only they are tried. What is labelled already counts in ``I_U`` and not in
    ``I_S``: the batch has to stand for all rows by itself, whatever the next training forgets.

    Formula:
        ``argmin_S tr((delta I + sum_S I(x))^-1 mean_u I(u))``, ``I(x) = (diag p - p p^T) (x) z z^T``

    Use it when:
        batches are to be small sets that train a linear head well, the classes and embedding dimensions are few, and
        the pool is what the model will be used on.

    Not when:
        classes times dimensions go into the thousands: the inverse has their square. Where what is labelled should
        count, and the batch be revised once it is full, ``bait`` does both (ash2021gone).

    Args:
        beta: the shortlist holds ``beta k`` rows.
        regularisation: ``delta``, above 0.
        with_labelled: whether labelled rows count in ``I_S``.

    Example:
        >>> from querist.views import Snapshot
        >>> probs, z = [[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.9, 0.1]], [[9, 0], [8, 0], [0, 5], [9, 0]]
        >>> FisherInformation()(Snapshot.from_arrays(probs=probs, embeddings=z), k=2).tolist()
        [0, 2]
    """

    beta: int = 10
    regularisation: float = 1.0
    with_labelled: bool = False

    rows: ClassVar = ("A11",)
    family: ClassVar = "hybrid"
    paper: ClassVar = "hoi2006batch"
    survey: ClassVar = "3.1"
    cost: ClassVar = "time O(n (c d)^2 + (c d)^3 + beta k^2 c^2 d), memory O(n + beta k c^2 + (c d)^2)"
    tasks: ClassVar = ("classification",)

    def __post_init__(self) -> None:
        if self.beta < 1:
            raise UsageError(f"a shortlist of {self.beta} times the batch was asked for", hint="use beta of 1 or more")

    def needs(self) -> tuple[View, ...]:
        return (Probs(), Embeddings())

    def pick(
        self, probs: Float[Tensor, "n c"], embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator
    ) -> Int[Tensor, "k"]:
        return self._shares(probs, embeddings, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(
        self, probs: Float[Tensor, "n c"], embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        picked, shares = self._shares(probs, embeddings, at=at, k=k, rng=rng)
        return picked, [
            f"without its label the batch would leave the last layer {share:.2%} more of its error on the pool"
            for share in shares.tolist()
        ]

    def _shares(
        self, probs: Tensor, embeddings: Tensor, *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, Tensor]:
        size = min(self.beta * k, len(at.candidates))
        return fisher_shares(
            embeddings,
            k=k,
            labelled=at.labelled if self.with_labelled else None,
            candidates=top_k(in_blocks(entropy, probs), k=size, candidates=at.candidates, rng=rng),
            rng=rng,
            probs=probs,
            regularisation=self.regularisation,
            oversample=1,
        )
