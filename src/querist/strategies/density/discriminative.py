"""Discriminative active learning (DAL): ask for rows that a classifier tells best from the labelled ones.

Paper: gissin2019discriminative; du2019palmprint asks in the same way about palms. As in the authors' program: an MLP of
three layers of 256 rectified units (20 for less than 30 inputs) without regularisation, trained by Adam until it is
right on 98% of its rows, against 10 times as many unlabelled rows as labelled ones; the batch is asked in 20 parts (10
for raw inputs), and it is trained anew for each. Known differences: both classes weigh the same in the loss (the
program means them to, and its weights come out as 1); the rows are centred and scaled by one number; batches hold 256
rows and the learning rate is 1e-3 (1e-2 for 20 units), where the program has others for each data set; a training ends
after ``steps`` batches at the latest; picks are taken from ``looks`` random candidates, not from those trained on
alone. Cost: 20 times ``256 steps`` rows through the MLP and back at most, and ``looks`` for the picks.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

import torch

from querist.core.errors import UsageError
from querist.core.progress import report
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import shuffled
from querist.selectors.top_k import top_k
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.embeddings import Embeddings
from querist.views.raw import Raw

_LAYERS = 3
_BATCH = 256
_NARROW = 30
"""Inputs below which the layers have 20 units, and take larger steps, instead of 256."""
_GOAL = 0.98
_TILE = 1 << 22
"""Numbers that stand in memory at once while rows are told apart (32 MB)."""


@dataclass(frozen=True, kw_only=True)
class Discriminative(Strategy):
    """The rows of highest ``P(unlabelled | z)``, in parts, each of which counts as labelled for the next.

    If nobody could tell a labelled row from an unlabelled one, the labels would say as much as labels of the whole
    pool. So a classifier is trained to tell them apart, and what it is surest of is asked. It stops short of learning
    its rows by heart, or each would be as far from the labelled ones as any other.

    Formula:
        ``argmax P(y = U | z)``, ``P`` an MLP trained on the labelled rows against ``10 |L|`` of the pool

    Use it when:
        the labels were not drawn from the pool (other cameras, other years) or lie in one corner of it, or the task has
        no probabilities at all: it needs embeddings only, whatever is predicted. Batches may be large.

    Not when:
        the labelled set is a random sample already: there is then nothing to tell apart, and on plain benchmarks the
        authors find no method clearly better than uncertainty at their largest batches (gissin2019discriminative).

    Args:
        representation: ``learned`` (embeddings) or ``raw`` (inputs).
        queries: parts that the batch is asked in; 20 for learned and 10 for raw representations if ``None``.
        unlabelled: unlabelled rows that are trained on for each labelled one.
        looks: candidates that each part is taken from, at random where there are more.
        steps: batches of 256 rows that each part's classifier is trained on at most.

    Example:
        >>> from querist.views import Snapshot
        >>> z = [[0.0, 0.1], [0.1, 0.0], [0.2, 0.1], [0.1, 0.2], [9.0, 9.0], [0.0, 0.0]]
        >>> Discriminative()(Snapshot.from_arrays(embeddings=z, labelled=[0, 1, 2]), k=1).tolist()
        [4]
    """

    representation: str = "learned"
    queries: int | None = None
    unlabelled: int = 10
    looks: int = 20_000
    steps: int = 150

    rows: ClassVar = ("D4",)
    family: ClassVar = "density"
    paper: ClassVar = "gissin2019discriminative"
    survey: ClassVar = "3.1.4"
    cost: ClassVar = "20 MLPs; time O(20 (256 steps + looks) 256 d), memory O((m + looks) d)"
    tasks: ClassVar = ("classification", "multilabel", "regression", "tokens")
    deterministic: ClassVar = False
    needs_labels: ClassVar = True

    def __post_init__(self) -> None:
        if self.representation not in ("learned", "raw"):
            raise UsageError(f"there is no representation {self.representation!r}", hint="choose learned or raw")
        if min(self.unlabelled, self.looks, self.steps, self.queries or 1) < 1:
            raise UsageError("a part of the batch was asked for with nothing to train on or to look at")

    def needs(self) -> tuple[View, ...]:
        return (Embeddings(),) if self.representation == "learned" else (Raw(),)

    def pick(self, points: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return self._parts(points, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(
        self, points: Float[Tensor, "n d"], *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        picked, chances = self._parts(points, at=at, k=k, rng=rng)
        return picked, [
            f"unlike the labelled rows: told from them with probability {chance:.4f}" for chance in chances.tolist()
        ]

    def _parts(self, points: Tensor, *, at: Positions, k: int, rng: Generator) -> tuple[Tensor, Tensor]:
        """The picks, and how sure the classifier was that each is unlabelled."""
        parts = min(k, self.queries or (20 if self.representation == "learned" else 10))
        known, left = at.labelled, at.candidates
        picked, sure = [], []
        for part in range(parts):
            report("discriminative", part, of=parts)
            size = (k * (part + 1)) // parts - (k * part) // parts
            seen = shuffled(left, rng)[: max(self.looks, size)]
            others = seen[: self.unlabelled * len(known)]
            separator = Separator(points[known], points[others], rng=rng, steps=self.steps)
            odds = separator.odds(points, seen)
            places = top_k(odds, k=size, rng=rng)
            picked.append(seen[places])
            sure.append(odds[places].sigmoid())
            known = torch.cat([known, picked[-1]])
            left = left[~torch.isin(left, picked[-1])]
        return torch.cat(picked), torch.cat(sure)


class Separator:
    """A small MLP that tells rows from others, trained by Adam (kingma2015adam) with its gradients written out.

    In double precision: after many steps the last digits would decide, and in single precision they depend on how
    many threads add up a sum.

    Args:
        known: labelled rows, ``[m d]``.
        others: unlabelled rows, ``[u d]``.
        rng: draws the first weights and the orders.
        steps: batches that are trained on at most.

    Example:
        >>> rng = torch.Generator().manual_seed(0)
        >>> separator = Separator(torch.zeros(9, 2), torch.ones(9, 2), rng=rng)
        >>> [bool(odds > 0) for odds in separator.odds(torch.tensor([[0.0, 0.0], [1.0, 1.0]]), torch.tensor([0, 1]))]
        [False, True]
    """

    def __init__(self, known: Tensor, others: Tensor, *, rng: Generator, steps: int = 150) -> None:
        rows = torch.cat([known, others]).double()
        self._middle = rows.mean(0)
        rows = rows - self._middle
        self._scale = rows.square().mean().sqrt().clamp_min(torch.finfo(torch.float64).tiny)
        rows = rows / self._scale
        target = (torch.arange(len(rows), device=rows.device) >= len(known)).double()
        weight = torch.where(target > 0, 1 / max(1, len(others)), 1 / max(1, len(known)))
        self._layers, flat = _drawn(rows.shape[1], rng, rows.device)
        slopes, slope = _like(self._layers)
        first, second = torch.zeros_like(flat), torch.zeros_like(flat)
        rate = 1e-2 if rows.shape[1] < _NARROW else 1e-3
        step = 0
        while step < steps:
            right = 0
            for some in torch.randperm(len(rows), generator=rng).to(rows.device).split(_BATCH):
                right += self._backwards(rows[some], target[some], weight[some], slopes)
                step += 1
                first.lerp_(slope, 0.1)
                second.mul_(0.999).addcmul_(slope, slope, value=0.001)
                spread = second.sqrt().div_((1 - 0.999**step) ** 0.5).add_(1e-8)
                flat.addcdiv_(first, spread, value=-rate / (1 - 0.9**step))
            if right > _GOAL * len(rows):
                break

    def odds(self, points: Float[Tensor, "n d"], pos: Int[Tensor, "q"]) -> Float[Tensor, "q"]:
        """Logit of being unlabelled, for the rows at ``pos``."""
        width = max(*self._layers[0][0].shape, points.shape[1])
        blocks = pos.split(max(1, _TILE // width))
        return torch.cat([self._forwards((points[some].double() - self._middle) / self._scale)[-1] for some in blocks])

    def _forwards(self, rows: Float[Tensor, "b d"]) -> list[Tensor]:
        """What each layer gives, the rows first and the logits ``[b]`` last."""
        said = [rows]
        for weights, bias in self._layers[:-1]:
            said.append(torch.addmm(bias, said[-1], weights.T).relu_())
        weights, bias = self._layers[-1]
        return [*said, torch.addmm(bias, said[-1], weights.T)[:, 0]]

    def _backwards(self, rows: Tensor, target: Tensor, weight: Tensor, slopes: list[tuple[Tensor, Tensor]]) -> int:
        """Gradients of the weighted logistic loss, written into ``slopes``; and how many rows it had right."""
        *said, logits = self._forwards(rows)
        error = ((logits.sigmoid() - target) * (weight / weight.sum()))[:, None]
        for below, (weights, _), (slope, offset) in zip(said[::-1], self._layers[::-1], slopes[::-1], strict=True):
            torch.mm(error.T, below, out=slope)
            torch.sum(error, 0, out=offset)
            if below is not rows:
                error = (error @ weights).mul_(below > 0)
        return int(((logits > 0) == (target > 0)).sum())


def _drawn(d: int, rng: Generator, device: torch.device) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
    """Weights (as in glorot2010understanding) and bias of each layer, and the one vector that they are views of."""
    width = 20 if d < _NARROW else 256
    drawn = []
    for inputs, outputs in pairwise([d] + [width] * _LAYERS + [1]):
        even = 2 * torch.rand(outputs, inputs, generator=rng, dtype=torch.float64) - 1
        drawn.append((even * (6 / (inputs + outputs)) ** 0.5, torch.zeros(outputs, dtype=torch.float64)))
    layers, flat = _like([(weights.to(device), bias.to(device)) for weights, bias in drawn])
    for (weights, _), (own, _) in zip(layers, drawn, strict=True):
        weights.copy_(own)
    return layers, flat


def _like(layers: list[tuple[Tensor, Tensor]]) -> tuple[list[tuple[Tensor, Tensor]], Tensor]:
    """Zeros of the same shapes, and the one vector that they are views of."""
    tensors = [tensor for layer in layers for tensor in layer]
    flat = torch.zeros(sum(tensor.numel() for tensor in tensors), dtype=torch.float64, device=tensors[0].device)
    views = [
        part.view(tensor.shape) for part, tensor in zip(flat.split([t.numel() for t in tensors]), tensors, strict=True)
    ]
    return list(zip(views[::2], views[1::2], strict=True)), flat
