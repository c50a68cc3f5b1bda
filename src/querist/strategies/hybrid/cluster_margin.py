"""Cluster-Margin: ask for torn rows of many sorts, rare sorts first.

Paper: citovsky2021batch, made for batches of 100,000 rows and more. Known differences: those of
:func:`~querist.selectors.cluster_margin`: clusters are found for each batch, from embeddings of the present model, and
beyond ``cells`` rows average linkage joins cells of k-means. Cost: one forward pass, then the cells and their linkage.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.errors import UsageError
from querist.core.types import Float, Generator, Int, Tensor
from querist.scores.margin import margin
from querist.selectors.cluster_margin import cluster_margin, cluster_margin_shares
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.embeddings import Embeddings
from querist.views.probs import Probs


@dataclass(frozen=True, kw_only=True)
class ClusterMargin(Strategy):
    """The rows of smallest margin, from the clusters of the embeddings in turn.

    The rows that a model is most torn about are often many times the same. Clusters tell the sorts apart, and the turn
    gives each sort its share, those first of which there is least; what a sort would have taken beyond that goes to
    the others.

    Formula:
        the ``shortlist k`` rows of least ``p_(1) - p_(2)``, one a turn from each of their clusters, smallest clusters
        first

    Use it when:
        batches are large (hundreds to the paper's hundreds of thousands) and ``margin`` alone would ask the same thing
        many times (citovsky2021batch).

    Not when:
        batches are of a few rows, where plain ``margin`` is the same for less. Nor where embeddings are poor, since its
        sorts are their clusters; nor for the first labels, when margins mean little (hacohen2022active).

    Args:
        shortlist: how many times the batch the shortlist of torn rows holds; if ``None``, 10 times, but no more than an
            eighth of the candidates and no less than 1.25 times.
        clusters: how many clusters the candidates fall into; a tenth of their number if ``None``, within limits.
        cells: rows, or cells of rows, that average linkage joins at most.
        aggregate: how the margins of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> probs = [[0.5, 0.5], [0.51, 0.49], [0.55, 0.45], [0.9, 0.1]]
        >>> z = [[0.0], [0.1], [9.0], [9.1]]
        >>> snapshot = Snapshot.from_arrays(probs=probs, embeddings=z)
        >>> sorted(ClusterMargin(shortlist=1.5)(snapshot, k=2).tolist())[1]   # and one of the twins
        2
    """

    shortlist: float | None = None
    clusters: int | None = None
    cells: int = 1024
    aggregate: str = "mean"

    rows: ClassVar = ("P8",)
    family: ClassVar = "hybrid"
    paper: ClassVar = "citovsky2021batch"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(u c + n cells d + cells^2), memory O(n + cells (d + cells))"
    tasks: ClassVar = ("classification", "multilabel", "tokens")
    deterministic: ClassVar = False

    def __post_init__(self) -> None:
        if self.shortlist is not None and self.shortlist < 1:
            raise UsageError(f"a shortlist of {self.shortlist} times the batch was asked for", hint="use 1 or more")

    def needs(self) -> tuple[View, ...]:
        return (Probs(), Embeddings())

    def pick(
        self, probs: Float[Tensor, "u c"], embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator
    ) -> Int[Tensor, "k"]:
        return cluster_margin(
            embeddings,
            k=k,
            candidates=at.candidates,
            rng=rng,
            scores=at.per_row(margin(probs), how=self.aggregate),
            shortlist=self.shortlist,
            clusters=self.clusters,
            cells=self.cells,
        )

    def pick_with_reasons(
        self, probs: Float[Tensor, "u c"], embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        torn = at.per_row(margin(probs), how=self.aggregate)
        picked, shares = cluster_margin_shares(
            embeddings,
            k=k,
            candidates=at.candidates,
            rng=rng,
            scores=torn,
            shortlist=self.shortlist,
            clusters=self.clusters,
            cells=self.cells,
        )
        return picked, [
            f"its two best guesses are {-float(score):.3f} apart, one of {share} such rows in its cluster"
            for score, share in zip(torn[picked], shares.tolist(), strict=True)
        ]
