"""MaxHerding: ask so that every row is like some labelled row, and count how much.

Paper: bae2024generalized, with the Gaussian kernel of the authors' program, ``exp(-d^2 / sigma^2)``. Known differences:
beyond 20,000 candidates as many are drawn at random (see ``sample``), where that program draws up to 35,000; the
embeddings are those of the model at hand, where the paper takes self-supervised ones. Cost: one forward pass, then
every pair of candidates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import thinned
from querist.selectors.herding import herding_gains
from querist.selectors.points import as_points, unit
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.embeddings import Embeddings


@dataclass(frozen=True, kw_only=True)
class MaxHerding(Strategy):
    """Greedy generalised coverage of unit embeddings: ``sum_x max_{s in L + S} exp(-|x - s|^2 / sigma^2)``.

    ProbCover without the edge of its balls: a row that is nearly near counts nearly as much, so the answer does not
    hang on one radius, which is hard to choose.

    Formula:
        ``argmax_S sum_x max_{s in L + S} exp(-|z(x) - z(s)|^2 / sigma^2)``, greedily

    Use it when:
        labels are few and the embeddings good (pretrained or self-supervised): on images it did better than all others
        it was compared with there, and hangs little on ``sigma`` (bae2024generalized). It needs no labels to begin.

    Not when:
        labels are many: what is covered already is then no news, and unsure rows teach more (bae2025uncertainty). Nor
        on the embeddings of a model that has learned from a handful of labels: likeness means little there.

    Args:
        sigma: distance at which two rows are alike by ``1/e``.
        sample: candidates, drawn at random, that stand for all of them where there are more; all if ``None``. Never
            fewer than four times the batch.

    Example:
        >>> from querist.views import Snapshot
        >>> z = [[1.0, 0.0], [1.0, 0.1], [1.0, -0.1], [0.0, 1.0], [0.1, 1.0], [-1.0, -1.0]]
        >>> MaxHerding()(Snapshot.from_arrays(embeddings=z, labelled=[3]), k=2).tolist()
        [0, 5]
    """

    sigma: float = 1.0
    sample: int | None = 20_000

    rows: ClassVar = ("P5",)
    family: ClassVar = "density"
    paper: ClassVar = "bae2024generalized"
    survey: ClassVar = "3.1.4"
    signal: ClassVar = "every_clump"
    cost: ClassVar = "time O(r^2 d) for r candidates, at most 20,000; memory O(n)"
    tasks: ClassVar = ("classification", "multilabel", "regression", "tokens")
    deterministic: ClassVar = False  # two rows that serve nobody but each other gain the same

    def needs(self) -> tuple[View, ...]:
        return (Embeddings(),)

    def pick(self, embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return self.pick_with_reasons(embeddings, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(
        self, embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        some = thinned(at.candidates, self.sample, k=k, rng=rng)
        points = unit(as_points(embeddings))
        picked, gains = herding_gains(points, k=k, labelled=at.labelled, candidates=some, rng=rng, sigma=self.sigma)
        return picked, [
            f"makes rows {share:.3g} more like their nearest labelled or asked row, on average (of at most 1)"
            for share in (gains / len(some)).tolist()
        ]
