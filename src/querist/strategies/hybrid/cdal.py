"""CDAL: ask for rows whose confusions are unlike those of all rows that are labelled.

Paper: agarwal2020contextual, contextual diversity with the core-set search (CDAL-CS; the search that is learned by
reinforcement is left out). Of an image with many regions the paper compares, class by class, the mean distribution of
the regions taken for the class, weighted by their entropies. In classification an image is its one region, and public
programs compare the distributions themselves, whatever their classes; so does this, and rows of many units are left
out. Known differences: with labels there, the first pick is the farthest from them (the authors' program draws it); a
probability below 1e-10 counts as that. Cost: one forward pass, then ``n (m + k)`` divergences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from querist.core.progress import report
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import shuffled
from querist.strategies.base import Strategy
from querist.views.base import Positions, View
from querist.views.blocks import block_rows
from querist.views.probs import Probs

_LEAST = 1e-10
_TAKEN = 64
"""Labelled rows that the others are compared with together."""
_ALIKE = 1e-12
"""A divergence that rounding can make of two equal rows."""


@dataclass(frozen=True, kw_only=True)
class Cdal(Strategy):
    """Greedy k-center in the divergence between predictions: always the row least like all that are taken.

    What a class is confused with tells of its surroundings: the same car is mixed up with a bus on the road and with a
    building in a yard. Two rows that are unsure in the same way teach the same; a batch that holds each way of being
    unsure once is diverse where it matters, and it needs no embeddings.

    Formula:
        ``d(x, y) = 1/2 KL(p(x) || p(y)) + 1/2 KL(p(y) || p(x))``, then farthest first from the labelled rows

    Use it when:
        classes are many and confused in several ways, in a mid-size budget with a model that has learned something,
        and embeddings cannot be had.

    Not when:
        the model is new: its distributions say nothing yet (hacohen2022active). In plain classification sure rows of
        different classes are farther apart than unsure ones, so the first picks are sure ones, one a class
        (``core_set`` has the same taste for extremes).

    Example:
        >>> from querist.views import Snapshot
        >>> probs = [[0.9, 0.1], [0.8, 0.2], [0.5, 0.5], [0.2, 0.8]]
        >>> Cdal()(Snapshot.from_arrays(probs=probs, labelled=[0]), k=2).tolist()
        [3, 2]
    """

    rows: ClassVar = ("S34",)
    family: ClassVar = "hybrid"
    paper: ClassVar = "agarwal2020contextual"
    survey: ClassVar = "3.1.2"
    cost: ClassVar = "time O(n (m + k) c), memory O(n)"
    tasks: ClassVar = ("classification",)

    def needs(self) -> tuple[View, ...]:
        return (Probs(),)

    def pick(self, probs: Float[Tensor, "n c"], *, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        return self._farthest(probs, at=at, k=k, rng=rng)[0]

    def pick_with_reasons(
        self, probs: Float[Tensor, "n c"], *, at: Positions, k: int, rng: Generator
    ) -> tuple[Tensor, list[str]]:
        picked, far = self._farthest(probs, at=at, k=k, rng=rng)
        whom = "labelled or asked row" if len(at.labelled) else "row asked before it"
        reasons = [f"confused in another way: divergence {x:.3g} nats from the nearest {whom}" for x in far.tolist()]
        if not len(at.labelled):
            reasons[0] = "the first row, drawn at random"
        return picked, reasons

    def _farthest(self, probs: Tensor, *, at: Positions, k: int, rng: Generator) -> tuple[Tensor, Tensor]:
        free = shuffled(at.candidates, rng)  # the first of equals is then a random one
        own = torch.cat([torch.special.entr(_floored(probs[some])).sum(1) for some in free.split(_rows(probs))])
        far = torch.full((len(free),), torch.inf, dtype=torch.float64, device=own.device)
        for some in at.labelled.split(_TAKEN) if len(at.labelled) else ():
            _lower(far, probs, free, own, _floored(probs[some]))
        places: list[int] = []
        beyond: list[float] = []
        while len(places) < k:
            report("cdal", len(places), of=k)
            place = int(far.argmax())
            if not float(far[place]) > _ALIKE:  # all that is left coincides with something taken
                rest = torch.nonzero(far > -torch.inf).flatten()[: k - len(places)].tolist()
                places, beyond = places + rest, beyond + [0.0] * len(rest)
                break
            places.append(place)
            beyond.append(float(far[place]))
            _lower(far, probs, free, own, _floored(probs[free[place, None]]))
            far[place] = -torch.inf
        return free[places], torch.tensor(beyond)


def _lower(
    far: Float[Tensor, "q"],
    probs: Float[Tensor, "n c"],
    free: Int[Tensor, "q"],
    own: Float[Tensor, "q"],
    taken: Float[Tensor, "r c"],
) -> None:
    """Lower ``far`` in place to the divergence of each free row from the nearest of the taken ones.

    ``sum_c (p - q)(log p - log q) / 2`` is half of ``-H(p) - H(q) - p . log q - q . log p``.
    """
    logs, theirs = taken.log(), torch.special.entr(taken).sum(1)
    start = 0
    for some in free.split(_rows(probs)):
        p = _floored(probs[some])
        at = slice(start, start := start + len(some))
        both = (p @ logs.T).add_(p.log() @ taken.T).add_(own[at, None]).add_(theirs)
        torch.minimum(far[at], both.amax(1).mul_(-0.5), out=far[at])


def _floored(probs: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
    return probs.double().clamp_min(_LEAST)


def _rows(probs: Float[Tensor, "n c"]) -> int:
    """Rows that are looked at together."""
    return block_rows(2 * max(_TAKEN, 2 * probs.shape[1]))
