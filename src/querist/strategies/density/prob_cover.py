"""ProbCover: ask so that balls around the labelled rows hold as many rows as they can.

Paper: yehuda2022active. Known differences: the embeddings are those of the model at hand, where the paper takes
self-supervised ones, and the radius is found anew from them in each round, where the paper finds it once; beyond 50,000
candidates as many are drawn at random (see ``sample``). The number of classes, which the paper knows, is counted among
the labels so far: with one cluster too many k-means splits a class and the radius collapses, with some too few it
hardly changes. Cost: one forward pass, k-means for the radius, then every pair of candidates.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from querist.core.errors import ViewMissing
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import thinned
from querist.selectors.cover import cover_counts
from querist.selectors.points import Points, as_points, unit
from querist.selectors.purity import pure_radius
from querist.strategies.base import Picks, Strategy
from querist.views.base import Positions, View
from querist.views.embeddings import Embeddings
from querist.views.labels import Labels
from querist.views.snapshot import Snapshot

_FEWEST = 2
"""Classes that there are at least."""


@dataclass(frozen=True, kw_only=True)
class ProbCover(Strategy):
    """Greedy maximum coverage by balls of one radius on unit embeddings.

    If rows near each other have the same class, a label speaks for the ball around it, and a batch is as good as
    the share of the data that its balls hold. Core-set asks instead that everything be held, which with few labels
    takes balls so large that they speak for nothing.

    Formula:
        ``argmax_S |union_{s in L + S} B(s, radius)|``, greedily

    Use it when:
        labels are few, the embeddings good (pretrained or self-supervised), and the radius at which neighbours share a
        class is known or can be found (yehuda2022active); also to feed semi-supervised training.

    Not when:
        the radius is a guess: the method is extremely sensitive to it, and the usual way to find it often fails
        (bae2024generalized), which ``max_herding`` mends. Nor with many labels, when all balls are full.

    Args:
        radius: of a ball (``delta`` of the paper); the largest at which balls are pure if ``None``.
        classes: clusters that stand for the classes while the radius is found; as many as there are different labels
            so far, and 2 at least, if ``None``.
        purity: share of the balls that shall hold one cluster only (``alpha`` of the paper).
        sample: candidates, drawn at random, that stand for all of them where there are more; all if ``None``. Never
            fewer than four times the batch.

    Example:
        >>> from querist.views import Snapshot
        >>> z = [[1.0, 0.0], [1.0, 0.1], [1.0, -0.1], [0.0, 1.0], [0.1, 1.0], [-1.0, -1.0]]
        >>> ProbCover(radius=0.15)(Snapshot.from_arrays(embeddings=z, labelled=[3]), k=2).tolist()
        [0, 5]
    """

    radius: float | None = None
    classes: int | None = None
    purity: float = 0.95
    sample: int | None = 50_000

    rows: ClassVar = ("P3",)
    family: ClassVar = "density"
    paper: ClassVar = "yehuda2022active"
    survey: ClassVar = "3.1.4"
    signal: ClassVar = "every_clump"
    cost: ClassVar = "time O(r^2 d) for r candidates, at most 50,000; memory O(n)"
    tasks: ClassVar = ("classification", "multilabel", "regression", "tokens")
    deterministic: ClassVar = False  # the radius hangs on k-means, and small balls tie

    def needs(self) -> tuple[View, ...]:
        return (Embeddings(),)

    def needs_for(self, task: str) -> tuple[View, ...]:
        known = self.radius is not None or self.classes is not None
        return self.needs() if known or task != "classification" else (Embeddings(), Labels())

    def choose(self, snapshot: Snapshot, *, k: int, seed: int = 0) -> Picks:
        """As :meth:`Strategy.choose`; with two clusters where nobody answers :class:`Labels`."""
        try:
            return super().choose(snapshot, k=k, seed=seed)
        except ViewMissing:
            if len(self.needs_for(snapshot.at.task)) == 1:
                raise
            return replace(self, classes=_FEWEST).choose(snapshot, k=k, seed=seed)

    def pick(
        self,
        embeddings: Float[Tensor, "n d"],
        labels: Int[Tensor, "n"] | None = None,
        *,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> Int[Tensor, "k"]:
        return self.pick_with_reasons(embeddings, labels, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(
        self,
        embeddings: Float[Tensor, "n d"],
        labels: Int[Tensor, "n"] | None = None,
        *,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> tuple[Tensor, list[str]]:
        points = unit(as_points(embeddings))
        some = thinned(at.candidates, self.sample, k=k, rng=rng)
        radius = self.radius_of(points, labels, at=at, some=some, rng=rng)
        picked, counts = cover_counts(points, k=k, labelled=at.labelled, candidates=some, rng=rng, radius=radius)
        of = "" if len(some) == len(at.candidates) else f" of {len(some)} drawn ones"
        return picked, [_reason(int(count), radius, of) for count in counts.tolist()]

    def radius_of(
        self, points: Points, labels: Int[Tensor, "n"] | None, *, at: Positions, some: Int[Tensor, "r"], rng: Generator
    ) -> float:
        """The radius that is given, or the largest at which balls around some candidates are pure."""
        if self.radius is not None:
            return self.radius
        seen = _FEWEST if labels is None else max(_FEWEST, len(labels[at.labelled].unique()))
        count = seen if self.classes is None else self.classes
        return pure_radius(points, clusters=count, candidates=some, rng=rng, purity=self.purity)


def _reason(count: int, radius: float, of: str) -> str:
    if not count:
        return f"drawn at random: every row is within {radius:.3g} of one that is labelled or asked"
    rows = "1 row" if count == 1 else f"{count} rows"
    return f"covers {rows}{of} that nothing labelled or asked is near (within {radius:.3g})"
