"""Rows that may be put into a design: the few that could gain most with their tables, the others with a bound.

Few rows need the tables of :class:`~querist.selectors.design.Design`. ``F`` is at most ``u X``, where ``u`` is the
largest eigenvalue of ``M F``. So ``B`` is at most ``u A``, and a row gains at most ``u sum_i a_ii / (1 + a_ii)``. All
of this only falls as rows are put in: a row of low bound sleeps, with that one number, until the gains of the others
have come down to it.
"""

from __future__ import annotations

from collections.abc import Callable

import torch

from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.design import LEAST, Design
from querist.selectors.information import Information

_FRONT = 1024
"""Rows that are woken together, to begin with."""
_NEAR, _FAR = 0.95, 0.8
"""Shares of the best gain: a row that is looked at stays awake above the one, and falls asleep below the other."""
_MANY = 0.25
"""Share of those awake that must have a low bound before any of them falls asleep."""
_SPECTRUM = 80
"""What an eigenvalue costs, in cubes of ``p``: one is computed once as much has gone into rows since the last."""
_ALIKE = 1e-9
"""Share of a gain by which rounding may set apart two that are equal."""
_WORN = 1e-7
"""Share of the largest ``tr B`` below which all begins anew: what was taken from it has left its rounding."""


class Candidates:
    """Rows that may be put into a design; those that are awake with their tables, the others with a bound.

    Args:
        information: of all rows.
        pos: positions of the rows.
        design: what the design is once these positions are in.
        strength: of the prior in it.
        rng: breaks ties.
    """

    def __init__(
        self,
        information: Information,
        pos: Int[Tensor, "q"],
        design: Callable[[Int[Tensor, "s"]], Design],
        strength: float,
        rng: Generator,
    ) -> None:
        self.information, self.pos, self._design_of = information, pos, design
        q, r = len(pos), information.rank
        # Equals are settled by these random numbers, not by place.
        self._lots = torch.rand(q, generator=rng, dtype=torch.float64).to(pos.device)
        self._asleep = information.ceilings(pos, strength)
        """At least ``tr(A (I + A)^-1)`` of those asleep, -1 for the others."""
        self.awake = torch.empty(0, dtype=torch.long, device=pos.device)
        """Places in ``pos``, in the order of the tables."""
        self._tables = torch.empty(3, q, r, r, dtype=torch.float64, device=pos.device)
        """``W``, ``A`` and ``B`` of those awake; the rest is never touched, and takes no memory."""
        self.put: list[int] = []
        """Places of those that are in, in the order in which they were put in."""
        self._cap = self._bound = torch.inf
        self._work = q * information.size**2
        self._begin()

    def put_in(self) -> None:
        """Put in what gains most."""
        self._tighten()
        gains = self._all_that_count()
        if float(gains.max()) < min(_WORN * self._largest, self._cap):
            self._begin()
            gains = self._all_that_count()
            self._cap = 0.1 * float(gains.max())
        row = self._one_of(gains >= gains.max() - self._slack(gains.max()))
        self.put.append(int(self.awake[row]))
        self._change(row, sign=1)
        last = len(self.awake) - 1
        self.awake[row], self._tables[:, row] = self.awake[last], self._tables[:, last]
        self.awake = self.awake[:last]
        self._let_sleep(float(gains.max()))

    def turn_round(self) -> None:
        """From now on only those that are in count, and one is taken out at a time."""
        self._asleep.fill_(-1)
        self.awake = torch.tensor(self.put, device=self.pos.device)
        self._look()

    def take_out(self) -> None:
        """Take out what is missed least."""
        costs = self.values(sign=-1)
        row = self._one_of(costs <= costs.min() + self._slack(costs.min()))
        self._change(row, sign=-1)
        self._keep(torch.arange(len(self.awake), device=self.pos.device) != row)

    def values(self, *, sign: int, start: int = 0) -> Float[Tensor, "a"]:
        """What the trace would lose if each row awake were put in (1), or gain were it taken out (-1)."""
        blocks = [_values(self._tables[1, at], self._tables[2, at], sign) for at in self._blocks(start)]
        return torch.cat([self._lots[:0], *blocks])

    def _all_that_count(self) -> Float[Tensor, "a"]:
        """Gains of those awake, once nobody asleep could gain as much as the best of them."""
        gains, size = self.values(sign=1), _FRONT
        left = self._asleep >= 0  # a second look at a row would find the same
        while True:
            best = gains.max() if len(gains) else self._lots.new_zeros(())
            due = torch.nonzero(left & (self._bound * self._asleep >= best - self._slack(best))).flatten()
            if not len(due):
                return gains
            if len(due) > size:
                due = due[self._asleep[due].topk(size).indices]
            before = len(self.awake)
            self._wake(due, _NEAR * float(best))
            left[due] = False
            gains = torch.cat([gains, self.values(sign=1, start=before)])
            size *= 2

    def _wake(self, places: Int[Tensor, "w"], near: float) -> None:
        """Look at rows; those that may gain more than ``near`` stay awake."""
        for some in places.split(self._step(self.information.size)):
            inputs, roots = self.information.factors(self.pos[some])
            inner = self.design.inner(inputs, roots)
            ceilings = _ceilings(inner)
            stay = self._bound * ceilings >= near
            self._asleep[some] = torch.where(stay, -1, ceilings)
            start, stop = len(self.awake), len(self.awake) + int(stay.sum())
            self.awake = torch.cat([self.awake, some[stay]])
            self._tables[0, start:stop], self._tables[1, start:stop] = roots[stay], inner[stay]
            self._tables[2, start:stop] = self.design.outer(inputs[stay], roots[stay])
            self._note(slice(start, stop))

    def _let_sleep(self, best: float) -> None:
        """Once many of those awake have a low bound, they need their tables no more."""
        ceilings = _ceilings(self._tables[1, : len(self.awake)])
        low = self._bound * ceilings < _FAR * best
        if int(low.sum()) > _MANY * len(low):
            self._asleep[self.awake[low]] = ceilings[low]
            self._keep(~low)

    def _tighten(self) -> None:
        """Lower the bound of the eigenvalues: by their sum, or by the largest where that pays."""
        self._work += len(self.awake) * self.information.rank**2 * (4 * self.information.width + 60)
        self._bound = min(self._bound, self.design.trace)
        if self._work >= _SPECTRUM * self.information.size**3:
            self._bound = min(self._bound, self.design.largest)
            self._work = 0

    def _begin(self) -> None:
        """The design, and the tables of those awake, from nothing."""
        self.design = self._design_of(self.pos[self.put])
        self._largest = 0.0
        self._look()

    def _look(self) -> None:
        """The tables of those awake from nothing."""
        for at in self._blocks(more=self.information.size):
            inputs, roots = self.information.factors(self.pos[self.awake[at]])
            for table, found in enumerate((roots, self.design.inner(inputs, roots), self.design.outer(inputs, roots))):
                self._tables[table, at] = found
            self._note(at)

    def _note(self, at: slice) -> None:
        traces = self._tables[2, at].diagonal(dim1=1, dim2=2).sum(1)
        self._largest = max(self._largest, float(traces.max())) if len(traces) else self._largest

    def _change(self, row: int, *, sign: int) -> None:
        r, points = self.information.rank, self.information.inputs
        vector = points.rows(self.pos[self.awake[row], None])[0].double()
        moved = self.design.change(vector, *self._tables[:, row], sign=sign)
        for at in self._blocks():
            roots, inner, outer = self._tables[:, at]
            shared = points.rows(self.pos[self.awake[at]]).double() @ moved
            both = roots.transpose(1, 2) @ shared.view(-1, r, 2 * r)
            inner.baddbmm_(both[:, :, :r], both[:, :, :r].transpose(1, 2), alpha=-sign)
            outer.baddbmm_(both, both.roll(r, 2).transpose(1, 2), alpha=-sign)

    def _keep(self, which: Tensor) -> None:
        """Forget the others awake; what stays moves up, block by block, so nothing is copied as a whole."""
        start = 0
        for at in self._blocks():
            kept = self._tables[:, at][:, which[at]]
            self._tables[:, start : start + kept.shape[1]] = kept
            start += kept.shape[1]
        self.awake = self.awake[which]

    def _one_of(self, equals: Tensor) -> int:
        return int(self._lots[self.awake].masked_fill(~equals, -1).argmax())

    def _slack(self, value: Tensor) -> Tensor:
        """By how much rounding may have moved a gain or cost."""
        return _ALIKE * value.abs() + 1e-15 * self._largest

    def _step(self, more: int = 0) -> int:
        return max(1, self.information.tile // (self.information.width + 8 * self.information.rank**2 + more))

    def _blocks(self, start: int = 0, *, more: int = 0) -> list[slice]:
        """Those awake, as many at a time as the tile allows, each taking ``more`` numbers than it must."""
        step, stop = self._step(more), len(self.awake)
        return [slice(first, min(first + step, stop)) for first in range(start, stop, step)]


def _ceilings(inner: Float[Tensor, "b r r"]) -> Float[Tensor, "b"]:
    """At least ``tr(A (I + A)^-1)``, from the diagonal: ``x / (1 + x)`` is concave."""
    own = inner.diagonal(dim1=1, dim2=2).clamp_min(0)
    return (own / (1 + own)).sum(1)


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
