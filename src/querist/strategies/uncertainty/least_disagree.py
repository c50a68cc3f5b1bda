"""LDM-S: ask for rows whose guess flips under changes of the last layer that flip hardly any other.

Paper: cho2024querying, the least disagree metric, with its seeding for batches; the sampling scheme and the seeding are
those of the authors' program. There, Gaussian noise of 51 growing variances is added to the weights, ``stop`` draws of
each are made after the last that lowered any row's metric, and the disagreement of a draw is measured on a subset.
Known differences: class scores are linear in the weights, so along one drawn direction the scale at which a row flips
is known, and one direction stands for all variances at once; disagreement is measured on all candidates; no more than
``draws`` directions are drawn. Cost: one forward pass, then a pass over the embeddings for each draw and each pick.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.errors import UsageError
from querist.core.progress import report
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import shuffled
from querist.selectors.cosines import cosines_with
from querist.selectors.points import Points, as_points, products
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.blocks import block_rows, widened
from querist.views.embeddings import Embeddings
from querist.views.head import Head


@dataclass(frozen=True, kw_only=True)
class LeastDisagree(Strategy):
    """Smallest share of the pool that must change its guess along with a row, drawn so that the batch is diverse.

    The distance to the decision boundary is hard to measure in input space, and in the space of models it is easy: of
    all models that answer this row differently, how much does the nearest differ from ours elsewhere? A row that can
    be flipped nearly alone lies on the boundary. For a batch, the rows of smallest metric and the others get the same
    weight in all, falling off with the metric, and picks are drawn by that times the distance to those before.

    Formula:
        ``LDM(x) = min_h P_u[h(u) != g(u)]`` over ``h`` with ``h(x) != g(x)``, ``h = g + sigma E``, ``E`` Gaussian;
        picks by ``(gamma(x) min_s (1 - cos(x, s)))^2``, ``gamma = exp(-max(LDM - LDM_k, 0) / LDM_k)``

    Use it when:
        the model has a linear last layer and batches are large, in a mid to high budget: it is margin sampling in units
        that mean the same for all rows, and it does not ask the same thing twice.

    Not when:
        there are only a few labels (the boundary is nowhere near its place: hacohen2022active), or the last layer is
        not linear. With ``diverse=False`` and a large batch it crowds as margin sampling does.

    Args:
        draws: directions at most.
        stop: draws in a row that lower no row's metric, after which no more are made (the paper's ``s``).
        diverse: the paper's seeding; ``False`` takes the rows of smallest metric.

    Example:
        >>> from querist.views import Snapshot
        >>> z, head = [[2.0, 0.0], [0.0, 2.0], [0.5, 0.45]], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
        >>> LeastDisagree()(Snapshot.from_arrays(embeddings=z, head=head), k=1).tolist()
        [2]
    """

    draws: int = 100
    stop: int = 10
    diverse: bool = True

    rows: ClassVar = ("S41",)
    family: ClassVar = "uncertainty"
    paper: ClassVar = "cho2024querying"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(draws n (c d + log n) + n k d), memory O(n c)"
    tasks: ClassVar = ("classification",)
    deterministic: ClassVar = False

    def __post_init__(self) -> None:
        if self.draws < 1 or self.stop < 1:
            raise UsageError(f"{self.draws} draws with a stop after {self.stop}", hint="use 1 or more of each")

    def needs(self) -> tuple[View, ...]:
        return (Embeddings(), Head())

    def pick(
        self,
        embeddings: Float[Tensor, "n d"],
        head: Float[Tensor, "c d_plus_1"],
        *,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> Int[Tensor, "k"]:
        return self._seeded(embeddings, head, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(
        self,
        embeddings: Float[Tensor, "n d"],
        head: Float[Tensor, "c d_plus_1"],
        *,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> tuple[Tensor, list[str]]:
        picked, metric, middle = self._seeded(embeddings, head, at=at, k=k, rng=rng)
        return picked, [
            f"a change of the last layer can flip it with only {share:.2%} of all rows (pool median {middle:.2%})"
            for share in metric.tolist()
        ]

    def _seeded(
        self, embeddings: Tensor, head: Tensor, *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, Tensor, float]:
        """The picks, their metric, and the median of all."""
        free = shuffled(at.candidates, rng)  # the first of equals is then a random one
        metric = self.metric(embeddings, free, widened(head), rng=rng)
        order = torch.argsort(metric, stable=True)
        places = order[:k]
        if self.diverse:
            places = order[_seeds(as_points(embeddings), free[order], metric[order], k=k, rng=rng)]
        return free[places], metric[places], float(metric.median())

    def metric(
        self,
        embeddings: Float[Tensor, "n d"],
        pos: Int[Tensor, "q"],
        head: Float[Tensor, "c d_plus_1"],
        *,
        rng: Generator,
    ) -> Float[Tensor, "q"]:
        """Least share of the rows at ``pos`` that flip along with each, over all directions drawn."""
        logits = _class_scores(embeddings, pos, head)
        top, guess = logits.max(1, keepdim=True)
        gap = top - logits
        least = torch.ones(len(pos), dtype=torch.float64, device=logits.device)
        since = 0
        for draw in range(self.draws):
            report("least_disagree", draw, of=self.draws)
            closing = _class_scores(embeddings, pos, torch.randn(head.shape, generator=rng).to(head))
            closing -= closing.gather(1, guess)
            # The scale at which another class overtakes the guess; its own gap closes at 0 with nothing gained.
            scale = torch.where(closing > 0, gap / closing, torch.inf).amin(1)
            flipped = torch.searchsorted(scale.sort().values, scale, right=True) / len(pos)
            share = torch.where(scale < torch.inf, flipped.double(), 1.0)
            since = 0 if bool((share < least).any()) else since + 1
            if since == self.stop:
                break
            torch.minimum(least, share, out=least)
        return least


def _class_scores(
    embeddings: Float[Tensor, "n d"], pos: Int[Tensor, "q"], head: Float[Tensor, "c d_plus_1"]
) -> Float[Tensor, "q c"]:
    blocks = pos.split(block_rows(embeddings.shape[1] + len(head)))
    return (
        torch.cat([products(widened(embeddings[some]).to(head.dtype), head[:, :-1]) for some in blocks]) + head[:, -1]
    )


def _seeds(
    points: Points, pos: Int[Tensor, "q"], metric: Float[Tensor, "q"], *, k: int, rng: Generator
) -> Int[Tensor, "k"]:
    """Places in ``pos`` of ``k`` rows drawn by weight and distance; ``pos`` is in the order of the metric."""
    limit = metric[min(k, len(metric) - 1)]
    if not limit > 0:
        limit = metric[metric > 0].amin() if bool((metric > 0).any()) else torch.ones_like(limit)
    weight = (-(metric - limit).clamp_min(0) / limit).exp()
    weight[k:] *= k / weight[k:].sum().clamp_min(torch.finfo(weight.dtype).tiny)
    weight.clamp_(max=1)
    places = [0]
    apart = torch.full_like(weight, torch.inf)
    left = torch.ones(len(metric), dtype=torch.bool, device=metric.device)
    left[0] = False
    while len(places) < k:
        torch.minimum(apart, 1 - cosines_with(points, pos[places[-1], None])[pos, 0].double(), out=apart)
        apart.masked_fill_(apart < 1e-5, 0)
        ends = ((weight * apart).square() * left).cumsum(0)
        if not float(ends[-1]) > 0:  # all that is left points where a pick does
            rest = shuffled(torch.nonzero(left).flatten(), rng)[: k - len(places)]
            return torch.cat([torch.tensor(places, device=rest.device), rest])
        draw = torch.rand((), generator=rng, dtype=torch.float64).to(ends.device) * ends[-1]
        # right=True: a draw of exactly an end belongs to the next row, so a weight of 0 is never hit.
        places.append(int(torch.searchsorted(ends, draw, right=True).clamp_max(len(ends) - 1)))
        left[places[-1]] = False
    return torch.tensor(places, device=metric.device)
