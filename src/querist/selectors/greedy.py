"""The one loop for set functions: add what gains most, again and again.

For a monotone submodular function the answer is at least ``1 - 1/e`` of the best (nemhauser1978analysis), and since
gains only fall, an old gain is a bound: most need no second look (minoux1978accelerated). Looking at a random few for
each pick keeps ``1 - 1/e - epsilon`` in expectation (mirzasoleiman2015lazier).
"""

from __future__ import annotations

import math
from typing import ClassVar, Protocol

import torch

from querist.core.errors import UsageError
from querist.core.progress import report
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import refuse_impossible, shuffled

_LARGEST = 512
"""Bounds looked at again at once at most."""


class SetFunction(Protocol):
    """A function of a growing set: it says what each position would add, and adds one."""

    lazy: ClassVar[bool]
    """Whether gains only fall and cost something; otherwise all are asked for at every pick."""

    def gains(self, pos: Int[Tensor, "q"]) -> Float[Tensor, "q"]:
        """What adding each position alone would add to the value, in double precision."""
        ...

    def add(self, pos: int) -> None:
        """Put a position into the set."""
        ...


def maximise(
    function: SetFunction,
    free: Int[Tensor, "q"],
    *,
    k: int,
    rng: Generator,
    epsilon: float | None = None,
    rounding: float = 1e-5,
    block: int = 16,
    name: str = "greedy",
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
    """``k`` of the free positions, each the one that gains most when it is added, and those gains.

    Args:
        function: what is to be large; it holds the picks afterwards.
        free: positions that may be picked.
        k: how many.
        rng: breaks ties, and draws the few where ``epsilon`` is given.
        epsilon: ``None`` looks at all positions (through bounds where the function allows); a number between 0 and 1
            looks at ``q / k * log(1 / epsilon)`` random ones for each pick.
        rounding: share of a gain by which rounding may set apart two that are equal; 0 where gains are whole numbers.
        block: bounds looked at again at once, to begin with; twice as many whenever that does not settle a pick.
        name: the selector, for reports of progress.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is free; an epsilon outside 0 to 1.
    """
    refuse_impossible(k, len(free))
    if epsilon is not None and not 0 < epsilon < 1:
        raise UsageError(f"the epsilon of a stochastic greedy choice is {epsilon}", hint="choose between 0 and 1")
    places = shuffled(free, rng)  # the first of equals is then a random one
    picked: list[Tensor] = []
    gained: list[Tensor] = []
    few = len(places) if epsilon is None else max(1, math.ceil(len(places) / k * math.log(1 / epsilon)))
    bounds = function.gains(places) if epsilon is None and function.lazy else None
    for done in range(k):
        report(name, done, of=k)
        if bounds is None:
            some = places if epsilon is None else shuffled(places, rng)[:few]
            gains = function.gains(some)
            first = (gains >= gains.max() - rounding * gains.max().abs()).nonzero()[0, 0]
            best, gain = some[first], gains[first]
            places = places[places != best]
        else:
            at = _settle(function, places, bounds, refresh=bool(picked), rounding=rounding, size=block)
            best, gain = places[at], bounds[at].clone()
            bounds[at] = -torch.inf
        function.add(int(best))
        picked.append(best)
        gained.append(gain)
    return torch.stack(picked), torch.stack(gained)


def _settle(function: SetFunction, places: Tensor, bounds: Tensor, *, refresh: bool, rounding: float, size: int) -> int:
    """Place of the largest gain, the first of equals; bounds that might reach it are made fresh, the highest first.

    A bound no higher than the best fresh gain matters only where it stands before that: of a thousand that gain one
    each, the first is found without asking the others.
    """
    fresh = torch.full_like(bounds, not refresh, dtype=torch.bool)
    while True:
        best = float(bounds.masked_fill(~fresh, -torch.inf).max())
        if best <= 0 and not float(bounds.max()) > 0:  # nothing is gained any more, and no look would change that
            return int((bounds > -torch.inf).nonzero()[0])
        near = bounds >= best * (1 - rounding)
        first = int((near & fresh).nonzero()[0]) if best > -torch.inf else 0
        above = bounds > best
        above[:first] |= near[:first]
        above &= ~fresh
        if not bool(above.any()):
            return first
        again = _highest(bounds.masked_fill(~above, -torch.inf), min(size, int(above.sum())))
        bounds[again] = function.gains(places[again])
        fresh[again] = True
        size = min(2 * size, _LARGEST)


def _highest(values: Tensor, k: int) -> Int[Tensor, "k"]:
    """Places of the ``k`` highest, the first of equals."""
    least = values.topk(k).values[-1]
    above = (values > least).nonzero().flatten()
    return torch.cat([above, (values == least).nonzero().flatten()[: k - len(above)]])
