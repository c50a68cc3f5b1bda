"""Diverse mini-batch: of the rows with the smallest margins, the ones in the middle of k clusters.

Paper: zhdanov2019diverse. Known difference: clusters come from faiss, started by k-means++. Cost: one forward pass,
then k-means on ``beta k`` rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from querist.core.errors import UsageError, ViewMissing
from querist.core.types import Float, Generator, Int, Tensor
from querist.scores.margin import margin
from querist.selectors.kmeans import kmeans
from querist.selectors.top_k import top_k
from querist.strategies.base import Picks, Strategy
from querist.views.base import Positions, View
from querist.views.blocks import in_blocks
from querist.views.embeddings import Embeddings
from querist.views.probs import Probs
from querist.views.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True)
class DiverseMiniBatch(Strategy):
    """Weighted k-means over the most informative rows; the row nearest each centre is asked.

    The shortlist keeps what is worth a label, the clusters keep the batch from asking the same thing ``k`` times, and
    the weights pull each centre towards the rows that the model is most torn about. Where a snapshot has no
    probabilities, because nothing has been trained yet, the batch is plain k-means over all candidates, as in the
    paper.

    Formula:
        ``k`` weighted k-means over the ``beta k`` rows of smallest margin; weights are ``1 - margin``

    Use it when:
        batches are large and ``margin`` alone would crowd along one boundary; or one strategy should serve the first
        batch too, which is plain k-means.

    Not when:
        batches are of a few rows: the shortlist is then the batch. ``beta`` is a knob: very large, and doubt hardly
        counts. Nor where embeddings are poor: its clusters are theirs.

    Args:
        beta: the shortlist holds ``beta * k`` rows; the paper tries 10 and 50.
        aggregate: how the margins of tokens (or classes) become a row's.

    Example:
        >>> from querist.views import Snapshot
        >>> probs, z = [[0.9, 0.1], [0.5, 0.5], [0.6, 0.4], [0.5, 0.5]], [[0.0], [1.0], [1.1], [9.0]]
        >>> sorted(DiverseMiniBatch()(Snapshot.from_arrays(probs=probs, embeddings=z), k=2).tolist())
        [1, 3]
    """

    beta: int = 10
    aggregate: str = "mean"

    rows: ClassVar = ("B2",)
    family: ClassVar = "hybrid"
    paper: ClassVar = "zhdanov2019diverse"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(u c + beta k^2 d), memory O(n + beta k d)"
    tasks: ClassVar = ("classification", "multilabel", "tokens")
    deterministic: ClassVar = False

    def __post_init__(self) -> None:
        if self.beta < 1:
            raise UsageError(f"a shortlist of {self.beta} times the batch was asked for", hint="use beta of 1 or more")

    def needs(self) -> tuple[View, ...]:
        return (Probs(), Embeddings())

    def needs_at_first(self, task: str) -> tuple[View, ...]:
        return (Embeddings(),)

    def choose(self, snapshot: Snapshot, *, k: int, seed: int = 0) -> Picks:
        """As :meth:`Strategy.choose`; plain k-means where nobody answers :class:`Probs`."""
        try:
            snapshot[Probs()]
        except ViewMissing:
            return _FirstBatch().choose(snapshot, k=k, seed=seed)
        return super().choose(snapshot, k=k, seed=seed)

    def pick(
        self, probs: Float[Tensor, "u c"], embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator
    ) -> Int[Tensor, "k"]:
        informativeness = at.per_row(1 + in_blocks(margin, probs), how=self.aggregate)
        size = min(self.beta * k, len(at.candidates))
        shortlist = top_k(informativeness, k=size, candidates=at.candidates, rng=rng)
        return kmeans(embeddings, k=k, candidates=shortlist, rng=rng, weights=informativeness)

    def reasons(
        self, probs: Float[Tensor, "u c"], embeddings: Float[Tensor, "n d"], *, at: Positions, picked: Int[Tensor, "k"]
    ) -> list[str]:
        gaps = at.per_row(-in_blocks(margin, probs), how=self.aggregate)
        return [
            f"the centre of a cluster of torn rows: its two best guesses are {gaps[pos]:.3f} apart" for pos in picked
        ]


@dataclass(frozen=True, kw_only=True)
class _FirstBatch(Strategy):
    """Plain k-means, for a batch that is asked before there is a model."""

    family: ClassVar = "hybrid"
    tasks: ClassVar = DiverseMiniBatch.tasks
    deterministic: ClassVar = False

    def needs(self) -> tuple[View, ...]:
        return (Embeddings(),)

    def pick(self, embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return kmeans(embeddings, k=k, candidates=at.candidates, rng=rng)

    def reasons(self, embeddings: Float[Tensor, "n d"], *, at: Positions, picked: Int[Tensor, "k"]) -> list[str]:
        return [f"the centre of one of {len(picked)} clusters"] * len(picked)
