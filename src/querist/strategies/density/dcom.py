"""DCoM: cover as ProbCover does while labels cover little, and ask as margin does once they cover most.

Paper: mishal2024dcom. Each labelled row has a ball as wide as the model's guesses in it agree with its label; the
share of rows that these balls hold says how competent the model is, and weighs margin against coverage. Known
differences: the radii of all labelled rows are found anew in each round, from the model and the embeddings at hand,
where the authors have fixed self-supervised embeddings, find radii for the newest rows and keep the others; the purity
asked for follows from what balls of the first radius hold, where theirs follows from the radii kept so far; beyond
50,000 candidates as many are drawn at random (see ``sample``). The numbers are defaults of the authors' program; a
second-hand source gives ``a = 0.9`` and ``k = 30`` as the paper's, and neither these nor its 1.1 as the largest radius
could be confirmed in the text. The program ends a search early where a purity equals the one asked for; this one goes
on. Cost: one forward pass, k-means for the first radius, then every pair of candidates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.errors import UsageError
from querist.core.types import Float, Generator, Int, Tensor
from querist.scores.margin import margin
from querist.selectors.base import thinned
from querist.selectors.competence import cover_and_doubt, held, pure_radii
from querist.selectors.coverage import Coverage
from querist.selectors.likeness import Ball
from querist.selectors.memory import Memory
from querist.selectors.points import TILE, Distances, as_points, unit
from querist.strategies.base import Picks, Strategy
from querist.strategies.density.prob_cover import ProbCover
from querist.views.base import Positions, View
from querist.views.embeddings import Embeddings
from querist.views.labels import Labels
from querist.views.probs import Probs
from querist.views.snapshot import Snapshot


@dataclass(frozen=True, kw_only=True)
class Dcom(Strategy):
    """Dynamic coverage and margin mix: coverage and doubt, weighed by how much labels already speak for.

    With few labels a model's doubt says little, and rows that stand for many others teach most; with many labels it is
    the other way round. How far a label speaks is asked of the model: as far as its guesses around the row are mostly
    that label. Where the balls of all labels hold nearly everything, the model is competent and is asked what it
    doubts. Without labels it is ProbCover.

    Formula:
        ``S u(x) + (1 - S) n(x)``, greedily; ``u`` one minus the margin and ``n`` the rows within the mean radius that
        no ball holds, both as shares of the most; ``S(c) = (1 + e^(-k (1 - a))) / (1 + e^(-k (c - a)))`` for a share
        ``c`` of rows held

    Use it when:
        one strategy must serve small budgets and large ones, and embeddings are good: it led or was near the best at
        every budget with self-supervised embeddings of images (mishal2024dcom).

    Not when:
        embeddings are those of a model trained on a handful of labels: guesses agree over wide balls then, whether they
        are right or not, and the model is taken to be competent too early: on digits it asked what margin asked, from
        the first round on. Nor where a round must be quick: every pair
        of (at most 50,000) candidates is looked at.

    Args:
        radius: of a ball before its label is known (first ``delta`` of the paper); found as ProbCover does if ``None``.
        largest: the widest that a ball may be, among unit vectors; give less where no numbers are below 0 (pixels, what
            comes out of a ReLU), because such vectors are all within 1.42 of each other.
        resolution: how precisely radii are found.
        centre: share of rows held at which doubt and coverage weigh about the same (``a`` of the paper).
        steepness: how suddenly the one gives way to the other (``k`` of the paper).
        least_purity: share of a ball whose guess must be its label, while balls hold nothing.
        more_purity: by how much that share is higher once they hold everything.
        sample: candidates, drawn at random, that stand for all of them where there are more; all if ``None``. Never
            fewer than four times the batch.

    Example:
        >>> from querist.views import Snapshot
        >>> z = [[1.0, 0.0], [1.0, 0.1], [1.0, -0.1], [0.0, 1.0], [0.1, 1.0], [-1.0, -1.0]]
        >>> probs = [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.2, 0.8], [0.5, 0.5]]
        >>> snapshot = Snapshot.from_arrays(embeddings=z, probs=probs, labels=[-1, -1, -1, 1, -1, -1])
        >>> Dcom(largest=0.15)(snapshot, k=2).tolist()
        [0, 5]
    """

    radius: float | None = None
    largest: float = 1.1
    resolution: float = 0.05
    centre: float = 0.8
    steepness: float = 50.0
    least_purity: float = 0.4
    more_purity: float = 0.2
    sample: int | None = 50_000

    rows: ClassVar = ("P4",)
    family: ClassVar = "density"
    paper: ClassVar = "mishal2024dcom"
    survey: ClassVar = "3.1.4"
    signal: ClassVar = "every_clump"
    cost: ClassVar = "time O(r (m + r) d) for r candidates, at most 50,000; memory O(n + m)"
    deterministic: ClassVar = False  # the radius hangs on k-means, and small balls tie

    def __post_init__(self) -> None:
        if not self.steepness > 0 or not 0 <= self.least_purity <= self.least_purity + self.more_purity <= 1:
            raise UsageError(
                f"a steepness of {self.steepness} and purities of {self.least_purity} and {self.more_purity} more",
                hint="give a steepness above 0, and shares that add up to 1 at most",
            )

    def needs(self) -> tuple[View, ...]:
        return (Probs(), Embeddings(), Labels())

    def choose(self, snapshot: Snapshot, *, k: int, seed: int = 0) -> Picks:
        """As :meth:`Strategy.choose`; ProbCover where nothing is labelled, with or without a model."""
        if len(snapshot.at.labelled):
            return super().choose(snapshot, k=k, seed=seed)
        return ProbCover(radius=self.radius, sample=self.sample).choose(snapshot, k=k, seed=seed)

    def competence(self, share: float) -> float:
        """Weight of doubt where balls hold a share of the rows (``S`` of the paper): 0 at first, 1 at the end.

        Example:
            >>> [round(Dcom().competence(share), 3) for share in (0.0, 0.7, 0.8, 0.9, 1.0)]
            [0.0, 0.007, 0.5, 0.993, 1.0]
        """
        return math.exp(
            _softplus(self.steepness * (self.centre - 1)) - _softplus(self.steepness * (self.centre - share))
        )

    def pick(
        self,
        probs: Float[Tensor, "n c"],
        embeddings: Float[Tensor, "n d"],
        labels: Int[Tensor, "n"],
        *,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> Int[Tensor, "k"]:
        return self.pick_with_reasons(probs, embeddings, labels, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(
        self,
        probs: Float[Tensor, "n c"],
        embeddings: Float[Tensor, "n d"],
        labels: Int[Tensor, "n"],
        *,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> tuple[Tensor, list[str]]:
        points = unit(as_points(embeddings))
        memory = Memory("dcom", None, held=200 * len(points) + 1000 * len(at.labelled))
        tile = memory.tile(TILE, least=32 * points.width)
        some = thinned(at.candidates, self.sample, k=k, rng=rng)
        first = ProbCover(radius=self.radius).radius_of(points, labels, at=at, some=some, rng=rng)
        apart, rows = Distances(points, tile=tile), torch.cat([some, at.labelled])

        radii = torch.full((len(at.labelled),), first, dtype=apart.norms.dtype, device=rows.device)
        before = float(held(apart, centres=at.labelled, radii=radii, rows=rows).double().mean())
        radii = pure_radii(
            apart,
            probs.argmax(-1),
            centres=at.labelled,
            labels=labels[at.labelled],
            rows=rows,
            purity=self.least_purity + self.more_purity * before,
            largest=self.largest,
            resolution=self.resolution,
        )
        inside = held(apart, centres=at.labelled, radii=radii, rows=rows)
        competence = self.competence(float(inside.double().mean()))

        doubt = margin(probs[rows].double())
        doubt = (doubt - doubt.min()) / (doubt.max() - doubt.min()).clamp_min(torch.finfo(torch.float64).tiny)
        open_rows = torch.zeros_like(apart.norms)
        open_rows[rows] = (~inside).to(apart.norms)
        value = Coverage(
            apart, Ball(float(radii.mean())), some, known=some[:0], weights=open_rows, tile=tile, name="dcom"
        )
        picked, counts = cover_and_doubt(
            value, doubt[: len(some)], some, k=k, competence=competence, rng=rng, name="dcom"
        )
        gaps = -margin(probs[picked].double())
        return picked, [
            f"is near {int(count)} rows that no label speaks for, its best guesses are {gap:.3g} apart; "
            f"doubt weighs {competence:.2g}"
            for count, gap in zip(counts.tolist(), gaps.tolist(), strict=True)
        ]


def _softplus(x: float) -> float:
    """``log(1 + e^x)``, for any number."""
    return max(x, 0.0) + math.log1p(math.exp(-abs(x)))
