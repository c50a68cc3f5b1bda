"""ALFA-Mix: ask for rows whose guess changes when a little of the labelled rows' features is mixed in.

Paper: parvaneh2022active, with the closed form of the mixing weights. As in the authors' program: ``epsilon`` grows by
steps of its first value until more than ``k`` rows have changed or it is ``1 / sqrt(d)``; a class without labels has
the mean of all labelled rows for its anchor; rows are clustered as unit vectors; what is missing is drawn at random.
Known difference: a component in which row and anchor are equal cannot be mixed and stays (the program divides by
1e-8 there). The mixed features are ``z + epsilon |z* - z| g / |g|``, and class scores are linear in them, so the
smallest ``epsilon`` at which a guess changes is computed once and not looked for. Cost: one forward pass, then
``n c (d + c)``, then k-means on the rows that changed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.errors import UsageError
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import shuffled
from querist.selectors.kmeans import kmeans
from querist.selectors.points import as_points, products, unit
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.blocks import block_rows, widened
from querist.views.embeddings import Embeddings
from querist.views.head import Head
from querist.views.labels import Labels


@dataclass(frozen=True, kw_only=True)
class AlfaMix(Strategy):
    """k-means among the rows whose guess flips under the best small mix with some class's mean labelled row.

    If a row's features were all ones that the model knows, mixing in a little of labelled rows would not change what it
    says. Where it does, the row has something that the model has not learned to read; and the weights of the mix are
    those that raise the loss of its guess most, found from one gradient.

    Formula:
        ``z_c + alpha (z* - z_c)``, ``alpha = epsilon |z* - z| g / (|g| (z* - z))``, ``g = dloss(guess) / dz``,
        ``epsilon = alpha_cap / sqrt(d)``

    Use it when:
        labels are few and the features good, as from a self-supervised encoder with a linear head: there the paper has
        its largest gains. Of its thirty settings with images, videos and tables it was best in 59%
        (parvaneh2022active).

    Not when:
        the last layer is not linear (there is no ``Head``), or features are so poor that nearly every guess flips:
        then it is k-means. As in any clustering, the batch should not be much smaller than the number of classes.

    Args:
        alpha_cap: ``epsilon sqrt(d)`` to begin with, the step by which it grows up to 1.

    Example:
        >>> from querist.views import Snapshot
        >>> z, head = [[1.0, 0.0], [0.0, 1.0], [0.6, 0.5], [3.0, 0.0]], [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]
        >>> AlfaMix()(Snapshot.from_arrays(embeddings=z, head=head, labels=[0, 1, -1, -1]), k=1).tolist()
        [2]
    """

    alpha_cap: float = 0.2

    rows: ClassVar = ("P7",)
    family: ClassVar = "hybrid"
    paper: ClassVar = "parvaneh2022active"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(n c (d + c) + k^2 d), memory O(n)"
    tasks: ClassVar = ("classification",)
    deterministic: ClassVar = False
    needs_labels: ClassVar = True

    def __post_init__(self) -> None:
        if not 0 < self.alpha_cap <= 1:
            raise UsageError(f"the mixing starts at {self.alpha_cap}", hint="choose above 0, up to 1")

    def needs(self) -> tuple[View, ...]:
        return (Embeddings(), Labels(), Head())

    def pick(
        self,
        embeddings: Float[Tensor, "n d"],
        labels: Int[Tensor, "n"],
        head: Float[Tensor, "c d_plus_1"],
        *,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> Int[Tensor, "k"]:
        return self._flipped(embeddings, labels, head, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(
        self,
        embeddings: Float[Tensor, "n d"],
        labels: Int[Tensor, "n"],
        head: Float[Tensor, "c d_plus_1"],
        *,
        at: Positions,
        k: int,
        rng: Generator,
    ) -> tuple[Tensor, list[str]]:
        picked, steps = self._flipped(embeddings, labels, head, at=at, k=k, rng=rng)
        return picked, [
            f"its guess changes when {step:.2g} of the way to labelled rows is mixed in"
            if math.isfinite(step)
            else "drawn at random: too few rows change their guess"
            for step in steps.tolist()
        ]

    def _flipped(
        self, embeddings: Tensor, labels: Tensor, head: Tensor, *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, Tensor]:
        """The picks, and the smallest ``epsilon sqrt(d)`` at which each changes its guess (infinite if drawn)."""
        layer = widened(head)
        anchors = class_anchors(embeddings, labels, at.labelled, len(layer))
        steps = smallest_steps(embeddings, at.candidates, anchors, layer)
        caps = [self.alpha_cap * (1 + i) for i in range(math.ceil(round(1 / self.alpha_cap, 6)))]
        changed = torch.nonzero(steps < caps[0]).flatten()
        for cap in caps[1:]:
            if len(changed) > k:
                break
            changed = torch.nonzero(steps < cap).flatten()
        picked = at.candidates[:0]
        if len(changed):
            size = min(k, len(changed))
            picked = kmeans(unit(as_points(embeddings)), k=size, candidates=at.candidates[changed], rng=rng)
        rest = shuffled(at.candidates[~torch.isin(at.candidates, picked)], rng)[: k - len(picked)]
        step = torch.full((at.n,), torch.inf, dtype=steps.dtype, device=steps.device)
        step[at.candidates[changed]] = steps[changed]
        step[rest] = torch.inf
        picked = torch.cat([picked, rest])
        return picked, step[picked]


def class_anchors(
    embeddings: Float[Tensor, "n d"], labels: Int[Tensor, "n"], labelled: Int[Tensor, "m"], c: int
) -> Float[Tensor, "c d"]:
    """Mean labelled row of each class; that of all labelled rows for a class without any."""
    known = widened(embeddings[labelled])
    anchors = known.mean(0).repeat(c, 1)
    for own in labels[labelled].unique().tolist():
        anchors[own] = known[labels[labelled] == own].mean(0)
    return anchors


def smallest_steps(
    embeddings: Float[Tensor, "n d"],
    pos: Int[Tensor, "q"],
    anchors: Float[Tensor, "c d"],
    head: Float[Tensor, "c d_plus_1"],
) -> Float[Tensor, "q"]:
    """The smallest ``epsilon sqrt(d)`` at which some anchor changes the guess of each row; infinite if none does."""
    weights, bias = head[:, :-1], head[:, -1]
    blocks = pos.split(block_rows(4 * embeddings.shape[1] + 4 * len(anchors)))
    return torch.cat([_steps(widened(embeddings[some]), anchors, weights, bias) for some in blocks])


def _steps(rows: Tensor, anchors: Tensor, weights: Tensor, bias: Tensor) -> Float[Tensor, "b"]:
    logits = products(rows, weights) + bias
    top, guess = logits.max(1, keepdim=True)
    slope = logits.softmax(1).scatter_add(1, guess, torch.full_like(top, -1.0)) @ weights
    direction = torch.nn.functional.normalize(slope, dim=1)
    apart = torch.cdist(rows, anchors)
    gain = products(direction, weights)
    least = torch.full_like(top[:, 0], torch.inf)
    for number, anchor in enumerate(anchors):
        same = rows == anchor
        columns = torch.nonzero(same.any(0)).flatten()
        own = gain
        if len(columns):  # what cannot be mixed does not move
            own = gain - products(direction[:, columns] * same[:, columns], weights[:, columns])
        # logits + t own: another class overtakes the guess at the smallest t where the gap is closed.
        closing = own - own.gather(1, guess)
        ratio = torch.where(closing > 0, (top - logits) / closing, torch.inf).scatter(1, guess, torch.inf)
        torch.minimum(least, ratio.amin(1) / apart[:, number], out=least)
    return least * rows.shape[1] ** 0.5
