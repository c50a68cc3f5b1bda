"""Cold start: the first rows of all, from the middle of each cluster of the pool.

Paper: chandra2021initial, which asks whether first rows that are chosen without labels serve better than random ones;
the pick nearest each centre of k-means is that of kang2004using and hu2010off. Known differences: the paper draws from
the clusters, and also tries losses of self-supervised networks, which are not built in; its clusters are of learned
features, here they are of what is at hand. Cost: one pass over the inputs, then k-means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from querist.core.errors import UsageError
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.kmeans import kmeans
from querist.strategies.base import Strategy
from querist.strategies.density.core_set import CoreSet
from querist.strategies.density.typi_clust import TypiClust
from querist.strategies.uncertainty.random import Random
from querist.views.base import Positions, View
from querist.views.embeddings import Embeddings


@dataclass(frozen=True, kw_only=True)
class ColdStart(Strategy):
    """As many clusters as picks, and of each the row nearest its centre.

    Before any label there is nothing to be unsure about, and a random draw holds some kinds of rows several times and
    others never. Clusters of the inputs, or of the embeddings of a network that somebody else trained, are a guess at
    the kinds; one row of each shows a model more of them.

    Formula:
        with centres ``c_1 .. c_k`` of k-means, ``argmin_x |z(x) - c_j|`` for each ``j``, largest cluster first

    Use it when:
        nothing is labelled and the first batch must show every class: as the initial strategy of a loop. The better
        the features, the more it gains over a random draw; ``typical`` keeps off the odd rows in a cluster, and
        ``k_center`` goes out to the rarest kinds.

    Not when:
        labels are there: it does not look at them (``typi_clust`` and ``core_set`` do). With large budgets the first
        rows hardly matter: over whole runs chandra2021initial found no proof that any choice beats a random one.

    Args:
        by: ``kmeans``; ``typical``: the densest spot of each cluster, as ``typi_clust``; ``k_center``: farthest first,
            as ``core_set``; ``random``: the draw that the others are compared with.

    Example:
        >>> from querist.views import Snapshot
        >>> snapshot = Snapshot.from_arrays(embeddings=[[0.0], [1.0], [2.0], [3.0], [8.0], [9.0], [10.0]])
        >>> sorted(ColdStart()(snapshot, k=2).tolist())[1]
        5
    """

    by: str = "kmeans"

    rows: ClassVar = ("K6",)
    family: ClassVar = "density"
    paper: ClassVar = "chandra2021initial"
    survey: ClassVar = "5"
    cost: ClassVar = "time O(n k d), memory O(n + k d)"
    tasks: ClassVar = ("classification", "multilabel", "regression", "tokens")
    deterministic: ClassVar = False

    def __post_init__(self) -> None:
        if self.by not in _WAYS:
            raise UsageError(f"there is no way {self.by!r} to start", hint=f"choose {', '.join(_WAYS)}")

    def needs(self) -> tuple[View, ...]:
        return _WAYS[self.by].needs()

    def pick(self, *views: Any, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return _WAYS[self.by].pick(*views, at=at, k=k, rng=rng)

    def pick_with_reasons(self, *views: Any, at: Positions, k: int, rng: Generator) -> tuple[Tensor, list[str]]:
        return _WAYS[self.by].pick_with_reasons(*views, at=at, k=k, rng=rng)


@dataclass(frozen=True, kw_only=True)
class _Centres(Strategy):
    """The rows nearest the centres of k-means."""

    family: ClassVar = "density"
    tasks: ClassVar = ColdStart.tasks
    deterministic: ClassVar = False

    def needs(self) -> tuple[View, ...]:
        return (Embeddings(),)

    def pick(self, embeddings: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return kmeans(embeddings, k=k, labelled=at.labelled, candidates=at.candidates, rng=rng)

    def reasons(self, embeddings: Float[Tensor, "n d"], *, at: Positions, picked: Int[Tensor, "k"]) -> list[str]:
        return [f"nearest the centre of one of {len(picked)} clusters"] * len(picked)


_WAYS: dict[str, Strategy] = {"kmeans": _Centres(), "typical": TypiClust(), "k_center": CoreSet(), "random": Random()}
