"""Set functions over a pool, for the one loop that makes them large (:func:`~querist.selectors.greedy.maximise`)."""

from __future__ import annotations

from typing import ClassVar

import torch

from querist.core.errors import UsageError
from querist.core.types import Tensor
from querist.selectors.cosines import Cosines
from querist.selectors.points import Points, unit
from querist.selectors.posterior import Posterior


class FacilityLocation:
    """``sum_x max(min(max_a s(x, a), cap_x) - floor_x, 0)``.

    Args:
        kernel: cosines of the open points.
        cap: times ``|x|``, what of ``x`` can be covered at all (``query_weight`` times its best query).
        covered: times ``|x|``, what of ``x`` is covered from the start.
    """

    lazy: ClassVar[bool] = True

    def __init__(self, kernel: Cosines, cap: Tensor | None, covered: Tensor) -> None:
        self._kernel, self._cap, self._covered = kernel, cap, covered

    def gains(self, pos: Tensor) -> Tensor:
        """What each position alone would add."""
        return self._kernel.sums(self._kernel.at(pos), self._above)

    def add(self, pos: int) -> None:
        """Cover what this position covers."""
        for at, _, tile in self._kernel.tiles(self._kernel.at(_one(pos, self._covered))):
            torch.maximum(self._covered[at], self._capped(at, tile)[:, 0], out=self._covered[at])

    def _above(self, at: slice, tile: Tensor) -> Tensor:
        return self._capped(at, tile).sub_(self._covered[at, None]).clamp_min_(0)

    def _capped(self, at: slice, tile: Tensor) -> Tensor:
        return tile if self._cap is None else torch.minimum(tile, self._cap[at, None], out=tile)


class QueryLocation:
    """``sum_q max_a s(q, a) + weight sum_a max_q s(a, q)``: only the query is to be covered, so a gain costs little.

    Here ``s`` is ``(1 + cos) / 2``: of rows that are all unlike the query, the least unlike still comes first.

    Args:
        kernel: cosines of the open points.
        query: the query set.
        weight: ``eta``, what being like the query counts beside covering it.
    """

    lazy: ClassVar[bool] = True

    def __init__(self, kernel: Cosines, query: Points, weight: float) -> None:
        self._kernel, self._query, self._weight = kernel, query, weight
        self._covered = torch.zeros(len(query), dtype=query.dtype, device=query.device)

    def gains(self, pos: Tensor) -> Tensor:
        """What each position alone would add."""
        return torch.cat([self._gains(some) for some in pos.split(self._kernel.rows_at_once(len(self._query)))])

    def add(self, pos: int) -> None:
        """Cover what this position covers of the query."""
        torch.maximum(self._covered, self._like(_one(pos, self._covered))[0], out=self._covered)

    def _gains(self, pos: Tensor) -> Tensor:
        tile = self._like(pos)
        like = self._weight * tile.amax(1).double()
        return like + tile.sub_(self._covered).clamp_min_(0).sum(1, dtype=torch.float64)

    def _like(self, pos: Tensor) -> Tensor:
        return self._kernel.at(pos).products_with(self._query).add_(1).div_(2)  # type: ignore[arg-type]


class SaturatedCover:
    """``sum_x min(sum_a s(x, a), saturation sum_y s(x, y))``."""

    lazy: ClassVar[bool] = True

    def __init__(self, kernel: Cosines, saturation: float, known: Points) -> None:
        self._kernel = kernel
        # What is still missing to the cap; nothing more is gained below 0.
        self._missing = saturation * kernel.row_sums(kernel.at(kernel.free)) - kernel.row_sums(known)

    def gains(self, pos: Tensor) -> Tensor:
        """What each position alone would add."""
        missing = (self._missing.clamp_min(0) * self._kernel.lengths).to(self._kernel.lengths.dtype)
        return self._kernel.sums(
            self._kernel.at(pos), lambda at, tile: torch.minimum(tile.clamp_min_(0), missing[at, None], out=tile)
        )

    def add(self, pos: int) -> None:
        """Take off what this position covers."""
        self._missing -= self._kernel.row_sums(self._kernel.at(_one(pos, self._missing)))


class GraphCut:
    """``sum_x sum_a s(x, a) - penalty sum_{a, b} s(a, b)``, or what a set has in common with a query set.

    Args:
        kernel: cosines of the open points.
        penalty: ``lambda``.
        known: points in the set already.
        wanted: the query set and its weight.
        shunned: the private set and its weight.
    """

    lazy: ClassVar[bool] = False  # a gain is one number, kept up to date

    def __init__(
        self,
        kernel: Cosines,
        penalty: float,
        known: Points,
        wanted: tuple[Points, float],
        shunned: tuple[Points, float],
    ) -> None:
        self._kernel, self._penalty = kernel, penalty
        query, eta = wanted
        private, nu = shunned
        if len(query):
            # What a set and a query have in common is a sum over the set: no pick takes from another.
            now = 2 * penalty * eta * kernel.row_sums(query)
            self._penalty = 0.0
        else:
            alone = (kernel.weights > 0).double()
            now = kernel.row_sums(kernel.at(kernel.free)) - penalty * (alone + 2 * kernel.row_sums(known))
        now = now - 2 * penalty * nu * kernel.row_sums(private)
        self._now = torch.zeros(len(kernel.points), dtype=torch.float64, device=now.device)
        self._now[kernel.free] = now

    def gains(self, pos: Tensor) -> Tensor:
        """What each position alone would add."""
        return self._now[pos]

    def add(self, pos: int) -> None:
        """Let what is like this position gain less."""
        if self._penalty:
            common = self._kernel.row_sums(self._kernel.at(_one(pos, self._now)))
            self._now[self._kernel.free] -= 2 * self._penalty * common


class LogDeterminant:
    """``log det(S_A + noise I)`` given a private set, less the same given the query set too.

    ``S`` holds cosines, not clipped. A pivot of its factorisation is what the points seen so far do not say of
    another one; the query set says more, and the difference is what a pick and the query have in common.

    Raises:
        UsageError: weights other than 1, under which it is no longer a matter of pivots, or no noise.
    """

    lazy: ClassVar[bool] = False

    def __init__(
        self,
        points: Points,
        known: Tensor,
        wanted: tuple[Points, float],
        shunned: tuple[Points, float],
        *,
        noise: float,
        tile: int,
    ) -> None:
        if {wanted[1], shunned[1]} != {1.0}:
            raise UsageError("the weights of a log determinant are 1", hint="leave query_weight and private_weight out")
        if not noise > 0:
            raise UsageError(f"the noise of a log determinant is {noise}", hint="give more than 0")
        self._plain = Posterior(unit(points), tile=tile)
        self._plain.noise = self._noise = noise
        self._plain.see_points(shunned[0])
        if len(known):
            self._plain.see(known)
        self._told = None
        if len(wanted[0]):
            self._told = self._plain.copy()
            self._told.see_points(wanted[0])

    def gains(self, pos: Tensor) -> Tensor:
        """What each position alone would add."""
        gain = (self._plain.variance[pos] + self._noise).log()
        return gain if self._told is None else gain - (self._told.variance[pos] + self._noise).log()

    def add(self, pos: int) -> None:
        """See this position."""
        for posterior in (self._plain, self._told):
            if posterior is not None:
                posterior.see(_one(pos, posterior.variance))


def _one(pos: int, like: Tensor) -> Tensor:
    return torch.tensor([pos], device=like.device)
