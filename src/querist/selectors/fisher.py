"""Fisher trace: the batch after which a last layer would be least wrong about all rows, on average.

Paper: ash2021gone (BAIT). With the information ``I(x)`` of a row about the last layer and ``F`` its mean over all rows,
the batch ``S`` is to minimise ``tr((l I + I_L + sum_S I(x))^-1 F)``, a bound on the expected error of the layer that
the labels lead to: too many rows are put in, one at a time, and the least useful ones are taken out again.

Scaling is that of the authors' program: with ``m`` labelled rows and ``k`` to pick, ``I_L`` is the mean over the
labelled rows times ``m / (m + k)``, and each pick counts ``k / (m + k)`` times its information. (Against the labelled
ones, that is ``k`` times what a plain sum would give it.) Known differences: all arithmetic on information is in double
precision, and directions that no row informs about, where class scores all rise together, are left out.

With ``M`` the inverse and ``I(x) = V V^T``, small tables are kept of each candidate, ``A = V^T M V`` and
``B = V^T M F M V``. Its gain is ``tr(B (I + A)^-1)``, and a pick changes both by products with a few vectors, so
nothing is computed twice. Cost, with ``r = c - 1`` (1 for regression) and ``p = r d``: ``O(n p^2 + p^3)`` time once,
then ``O(n p r + p^2 r)`` a row put in; memory ``O(n r^2 + p^2)`` beside the points.
"""

from __future__ import annotations

from typing import Any

import torch

from querist.core.device import machine_memory
from querist.core.errors import DataError, UsageError
from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, positions, refuse_impossible, shuffled
from querist.selectors.information import LEAST, Design, Information, rank
from querist.selectors.memory import Memory
from querist.selectors.points import DensePoints, as_points

_TILE = 1 << 20
"""Numbers in double precision that stand in memory at once (8 MB)."""
_HINT = "give fewer dimensions (a sketch or principal components), choose among fewer candidates, or allow more"
_ALIKE = 1e-9
"""Share of a gain by which rounding may set apart two that are equal."""
_WORN = 1e-7
"""Share of the largest ``tr B`` below which gains are computed anew: what was taken from it has left its rounding."""


def fisher(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    probs: Any = None,
    regularisation: float = 1.0,
    oversample: float = 2,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions whose labels would inform a last layer best about all rows.

    A row informs where the layer is unsure and its input is long; and it informs best in directions that many rows
    lie in and no label has fixed yet.

    Args:
        points: ``[n d]``, what the last layer sees (torch or numpy, mapped from a file too).
        k: how many.
        labelled: positions whose labels are known already, never returned.
        candidates: positions that may be returned; all if ``None``. The others count in ``F`` all the same.
        rng: breaks ties; a generator with seed 0 if ``None``.
        probs: ``[n c]``, what a softmax layer answers; ``None`` for a linear layer that predicts numbers.
        regularisation: the paper's ``lambda``, above 0.
        oversample: ``oversample * k`` rows are put in before all but ``k`` are taken out again; 1 takes none out.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Returns:
        The rows that stay, in the order in which they were put in.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open; no regularisation; an oversample below 1.
        DataError: points that are no dense table, or probabilities that are no distributions; names the position.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit, or over the memory of the machine.

    Example:
        >>> points = torch.tensor([[3.0, 0.0], [2.9, 0.0], [0.0, 2.1], [0.0, 2.0]])
        >>> fisher(points, k=2).tolist(), fisher(points, k=1, labelled=[0]).tolist()
        ([0, 2], [2])
    """
    return fisher_shares(
        points,
        k=k,
        labelled=labelled,
        candidates=candidates,
        rng=rng,
        probs=probs,
        regularisation=regularisation,
        oversample=oversample,
        memory_mb=memory_mb,
    )[0]


fisher.known_gaps = {  # type: ignore[attr-defined]
    "prefix_law": "what is put in depends on k, and part of it is taken out again",
    "duplicates": "the second of two long vectors can inform more than the first of the short ones",
}


def fisher_shares(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    probs: Any = None,
    regularisation: float = 1.0,
    oversample: float = 2,
    memory_mb: float | None = None,
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
    """:func:`fisher`, and by which share of itself the trace would grow if a pick were taken out of the batch."""
    if not regularisation > 0:
        raise UsageError(f"the regularisation of an information is {regularisation}", hint="give more than 0")
    if not oversample >= 1:
        raise UsageError(f"{oversample} times the batch was to be put in", hint="use an oversample of 1 or more")
    rng = generator(0) if rng is None else rng
    inputs, answers = _dense("points", points), None if probs is None else _dense("probs", probs)
    n, r = len(inputs), rank(answers)
    free = free_positions(n, labelled, candidates, inputs.device)
    refuse_impossible(k, len(free))
    known = positions("labelled", labelled, n, inputs.device)
    size = r * inputs.width
    # M, N, and what they are made of; W, A and B of each candidate, some numbers a row, vectors of one change.
    held = 8 * (6 * size**2 + 3 * len(free) * r**2 + 4 * n + 8 * size * r)
    most = machine_memory() if inputs.device.type == "cpu" else None
    memory = Memory("fisher", memory_mb, held=held, most=most, hint=_HINT)
    tile = memory.tile(_TILE, itemsize=8, least=4 * (size + inputs.width + 8 * r**2))
    information = Information(inputs, answers, tile=tile)
    if not size:  # one class: no label informs about anything
        return shuffled(free, rng)[:k], torch.zeros(k, dtype=torch.float64, device=free.device)

    # All is divided by k / (m + k), which scales the trace and nothing else: a pick counts 1.
    search = _Search(information, free, known, regularisation * (len(known) + k) / k, len(known) / k, rng)
    most_put = min(int(oversample * k), len(free))
    while len(search.places) < most_put:
        report("fisher", len(search.places), of=most_put)
        search.put_in()
    search.keep_places()
    while len(search.places) > k:
        search.take_out()
    costs = search.values(sign=-1)
    return search.pos, costs / max(search.design.trace, torch.finfo(torch.float64).tiny)


class _Search:
    """Candidates with ``A`` and ``B``, which of them are in, and the design that these make.

    Args:
        information: of all rows.
        free: positions that may be put in.
        known: positions that are labelled.
        strength: of the prior.
        weight: of the mean over the labelled rows.
        rng: breaks ties.
    """

    def __init__(
        self, information: Information, free: Tensor, known: Tensor, strength: float, weight: float, rng: Generator
    ) -> None:
        self.information, self.pos, self._known = information, free, known
        self._strength, self._weight = strength, weight
        self.places: list[int] = []
        """Where in ``pos`` those stand that are in, in the order in which they were put in."""
        # Equals are settled by these random numbers, not by place.
        self._lots = torch.rand(len(free), generator=rng, dtype=torch.float64).to(free.device)
        self._inner = torch.empty(
            len(free), information.rank, information.rank, dtype=torch.float64, device=free.device
        )
        self._outer, self._roots = torch.empty_like(self._inner), torch.empty_like(self._inner)
        self._worn = self._noise = 0.0
        self._measure()

    def put_in(self) -> None:
        """Put in what gains most."""
        gains = self.values(sign=1)
        if float(gains.max()) < self._worn:
            self._measure()
            gains = self.values(sign=1)
            self._worn = min(self._worn, 0.1 * float(gains.max()))
        place = self._one_of(gains >= gains.max() - _ALIKE * gains.max().abs() - self._noise)
        self._change(place, sign=1)
        self.design.trace -= float(gains[place])
        self.places.append(place)

    def take_out(self) -> None:
        """Take out what is missed least; all that is looked at is in."""
        costs = self.values(sign=-1)
        place = self._one_of(costs <= costs.min() + _ALIKE * costs.min().abs() + self._noise)
        self._change(place, sign=-1)
        self.design.trace += float(costs[place])
        self._keep(torch.arange(len(self.pos), device=self.pos.device) != place)

    def keep_places(self) -> None:
        """Forget all candidates but those that are in."""
        self._keep(torch.tensor(self.places, device=self.pos.device))

    def values(self, *, sign: int) -> Float[Tensor, "q"]:
        """What the trace would lose if each row were put in (1; minus infinity if it is), or gain were it taken out."""
        values = [_values(self._inner[at], self._outer[at], sign) for at in self._blocks()]
        found = torch.cat(values)
        if sign > 0:
            found[self.places] = -torch.inf
        return found

    def _measure(self) -> None:
        """The design, and every ``A`` and ``B``, from nothing."""
        information = self.information
        start = information.prior(self._strength)
        start += information.mean(self._known) * self._weight
        start += information.mean(self.pos[self.places]) * len(self.places)
        everything = torch.arange(len(information.inputs), device=self.pos.device)
        self.design = Design(start, information.mean(everything), rank=information.rank)
        for at in self._blocks(information.size):
            inputs, self._roots[at] = information.factors(self.pos[at])
            self._inner[at], self._outer[at] = self.design.within(inputs, self._roots[at])
        largest = float(self._outer.diagonal(dim1=1, dim2=2).sum(1).max())
        self._worn, self._noise = _WORN * largest, 1e-15 * largest

    def _change(self, place: int, *, sign: int) -> None:
        r, points = self.information.rank, self.information.inputs
        row = points.rows(self.pos[place, None])[0].double(), self._roots[place]
        moved = self.design.change(*row, self._inner[place], self._outer[place], sign=sign)
        for at in self._blocks():
            shared = points.rows(self.pos[at]).double() @ moved
            both = self._roots[at].transpose(1, 2) @ shared.view(-1, r, 2 * r)
            self._inner[at].baddbmm_(both[:, :, :r], both[:, :, :r].transpose(1, 2), alpha=-sign)
            self._outer[at].baddbmm_(both, both.roll(r, 2).transpose(1, 2), alpha=-sign)

    def _keep(self, which: Tensor) -> None:
        self.pos, self._lots = self.pos[which], self._lots[which]
        self._inner, self._outer, self._roots = self._inner[which], self._outer[which], self._roots[which]
        self.places = list(range(len(self.pos)))

    def _one_of(self, equals: Tensor) -> int:
        return int(self._lots.masked_fill(~equals, -1).argmax())

    def _blocks(self, more: int = 0) -> list[slice]:
        """All candidates, as many at a time as the tile allows, each taking ``more`` numbers than it must."""
        step = max(1, self.information.tile // (self.information.width + 8 * self.information.rank**2 + more))
        return [slice(start, start + step) for start in range(0, len(self.pos), step)]


def _values(inner: Tensor, outer: Tensor, sign: int) -> Float[Tensor, "b"]:
    """``tr(B (I + A)^-1)`` of every pair of small blocks, or with a minus sign.

    Gauss's elimination, on all pairs at once and with them on the last axis: many small matrices are slow one by one.
    """
    r = inner.shape[1]
    left = (sign * inner.permute(1, 2, 0)).clone(memory_format=torch.contiguous_format)
    left.diagonal(dim1=0, dim2=1).add_(1)
    right = outer.permute(1, 2, 0).clone(memory_format=torch.contiguous_format)
    value = torch.zeros_like(left[0, 0])
    for step in range(r):
        pivot = left[step, step].clamp_min(LEAST)
        value.addcdiv_(right[step, step], pivot)
        rest = slice(step + 1, r)
        share = left[rest, step] / pivot
        across = torch.addcmul(right[step, rest], share, right[step, step], value=-0.5)
        left[rest, rest].addcmul_(share[:, None], left[None, step, rest], value=-1)
        right[rest, rest].addcmul_(share[:, None], across[None], value=-1)
        right[rest, rest].addcmul_(across[:, None], share[None], value=-1)
    return value


def _dense(name: str, table: Any) -> DensePoints:
    found = as_points(table)
    if not isinstance(found, DensePoints):
        raise DataError(f"the {name} are kept in factors", hint="give what the last layer sees, and probs=")
    return found
