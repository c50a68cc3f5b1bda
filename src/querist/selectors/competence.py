"""How far labels speak: a ball around each labelled point, as wide as the model's guesses in it agree with its label.

Paper: mishal2024dcom, DCoM. The share of points that such balls hold tells how competent a model is, and a batch is
weighed by it: few are held, cover more; most are held, ask what is doubtful. Known differences: a ball is closed, and
each radius is found on one table of counts, where the authors' program asks its graph again for every guess.

Cost: ``O(m n d)`` time for the balls of ``m`` labels, then every pair of the points that are left to cover; ``O(n)``
memory beside the points, and a few dozen numbers a label.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch

from querist.core.errors import UsageError
from querist.core.progress import report
from querist.core.types import Bool, Float, Generator, Int, Tensor
from querist.selectors.base import refuse_impossible, shuffled
from querist.selectors.coverage import Coverage
from querist.selectors.points import Distances

_TOGETHER = 256
"""Balls that are looked at side by side."""


def pure_radii(
    apart: Distances,
    guesses: Int[Tensor, "n"],
    *,
    centres: Int[Tensor, "m"],
    labels: Int[Tensor, "m"],
    rows: Int[Tensor, "r"],
    purity: float,
    largest: float = 1.1,
    resolution: float = 0.05,
) -> Float[Tensor, "m"]:
    """The radius of each labelled point's ball: halved intervals, the half that keeps the ball pure enough.

    Args:
        apart: distances between the points.
        guesses: class that the model gives each point, ``[n]``.
        centres: labelled positions.
        labels: their classes, ``[m]``.
        rows: positions that a ball may hold, the centres among them.
        purity: share of a ball whose guess must be the centre's label (``tau`` of the paper).
        largest: radius below which is searched.
        resolution: length of the interval at which the search ends; its middle is the radius.

    Raises:
        UsageError: a largest radius or a resolution that is not above 0.

    Example:
        >>> from querist.selectors.points import as_points
        >>> apart, every = Distances(as_points(torch.tensor([[0.0], [0.2], [0.4], [0.7]]))), torch.arange(4)
        >>> guesses, first = torch.tensor([0, 0, 1, 1]), torch.tensor([0])
        >>> pure_radii(apart, guesses, centres=every[:1], labels=first, rows=every, purity=0.9, largest=0.8).tolist()
        [0.375]
    """
    if not largest > 0 or not resolution > 0:
        raise UsageError(
            f"radii up to {largest} were asked for, to {resolution} precisely", hint="give numbers above 0"
        )
    steps = max(0, math.ceil(math.log2(largest / resolution)))
    marks = 2**steps
    unit = largest / marks
    inside = torch.zeros(len(centres), marks + 2, dtype=torch.long, device=labels.device)
    same = torch.zeros_like(inside)
    for some, block, squared in _tiles(apart, centres, rows):
        # A point at mark 3 is in the balls of 3 units and more; those beyond the last mark are in none.
        mark = squared.sqrt_().div_(unit).ceil_().clamp_max_(marks + 1).long()
        place = mark + (marks + 2) * torch.arange(mark.shape[1], device=mark.device)
        alike = guesses[block, None] == labels[some]
        for counts, held in ((inside, place.flatten()), (same, place[alike])):
            counts[some] += held.bincount(minlength=mark.shape[1] * (marks + 2)).reshape(mark.shape[1], -1)
    inside, same = inside.cumsum(1), same.cumsum(1)
    low = torch.zeros(len(centres), 1, dtype=torch.long, device=labels.device)
    high = torch.full_like(low, marks)
    for _ in range(steps):
        middle = (low + high) // 2
        pure = same.gather(1, middle).double() >= purity * inside.gather(1, middle).double()
        low, high = torch.where(pure, middle, low), torch.where(pure, high, middle)
    return ((low + high).flatten().double() * (unit / 2)).to(apart.norms)


def held(
    apart: Distances, *, centres: Int[Tensor, "m"], radii: Float[Tensor, "m"], rows: Int[Tensor, "r"]
) -> Bool[Tensor, "r"]:
    """Which of some positions lie in one of the balls.

    Args:
        apart: distances between the points.
        centres: positions of the balls.
        radii: of each.
        rows: positions that are asked about, ``[r]``.

    Example:
        >>> from querist.selectors.points import as_points
        >>> apart, every = Distances(as_points(torch.tensor([[0.0], [1.0], [3.0]]))), torch.arange(3)
        >>> held(apart, centres=every[1:], radii=torch.tensor([0.5, 2.0]), rows=every).tolist()
        [False, True, True]
    """
    inside = torch.zeros(apart.norms.shape, dtype=torch.bool, device=rows.device)
    for some, block, squared in _tiles(apart, centres, rows):
        inside[block] |= (squared <= radii[some].square()).any(1)
    return inside[rows]


def cover_and_doubt(
    value: Coverage,
    doubt: Float[Tensor, "q"],
    free: Int[Tensor, "q"],
    *,
    k: int,
    competence: float,
    rng: Generator,
    name: str = "cover_and_doubt",
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
    """Positions by ``competence * doubt + (1 - competence) * gain``, and what each gained; both are shares of the most.

    Args:
        value: what covering gains; it holds the picks afterwards.
        doubt: number a free position, 0 or more.
        free: positions that may be picked.
        k: how many.
        competence: weight of the doubt, 0 to 1.
        rng: breaks ties.
        name: for reports of progress.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is free.
    """
    refuse_impossible(k, len(free))
    order = shuffled(torch.arange(len(free), device=free.device), rng)  # the first of equals is then a random one
    places, doubt = free[order], doubt[order].double().clone()
    left = torch.ones_like(doubt, dtype=torch.bool)
    picked, gained = [], []
    for done in range(k):
        report(name, done, of=k)
        gain = value.gains(places)
        mixed = competence * _share(doubt) + (1 - competence) * _share(gain)
        best = int(mixed.masked_fill_(~left, -torch.inf).argmax())
        picked.append(places[best])
        gained.append(gain[best].clone())
        left[best] = False
        doubt[best] = 0
        value.add(int(places[best]))
    return torch.stack(picked), torch.stack(gained)


def _share(values: Float[Tensor, "q"]) -> Float[Tensor, "q"]:
    """Each as a share of the largest; all 0 where that is 0."""
    most = float(values.max())
    return values / most if most > 0 else torch.zeros_like(values)


def _tiles(
    apart: Distances, centres: Int[Tensor, "m"], rows: Int[Tensor, "r"]
) -> Iterator[tuple[slice, Int[Tensor, "b"], Float[Tensor, "b t"]]]:
    """Squared distances of blocks of rows to some centres: which centres, which rows, and how far apart."""
    for start in range(0, len(centres), _TOGETHER):
        some = slice(start, min(start + _TOGETHER, len(centres)))
        others = apart.take(centres[some])
        for block in rows.split(max(1, apart.tile // max(len(others), apart.points.width))):
            yield some, block, apart.to(others, block)
