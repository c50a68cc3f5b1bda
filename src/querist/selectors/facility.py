"""Sets that stand for a pool: facility location, graph cut and saturated cover, plain and targeted.

With ``s(x, y) = max(cos(x, y), 0)``, ``A`` the set and ``x`` running over the open points, the values are

    facility location   sum_x max_{a in A} s(x, a)                                       (mirchandani1990discrete)
    graph cut           sum_x sum_{a in A} s(x, a) - penalty sum_{a, b in A} s(a, b)
    saturated cover     sum_x min(sum_{a in A} s(x, a), saturation sum_y s(x, y))        (lin2011class)

A query set ``Q`` (more like these) and a private set ``P`` (none like these) turn them into the mutual information,
conditional gain and conditional mutual information of iyer2021submodular and kothawade2021similar: facility location
counts ``max(min(max_a s(x, a), query_weight max_q s(x, q)) - private_weight max_p s(x, p), 0)`` for each ``x``.

Cost: ``O(n^2 d)`` time once and then lazily, in tiles of the kernel that are made, used and forgotten; ``O(n)`` memory
beside the points. With ``epsilon`` it is ``O(n^2 d log(1 / epsilon))`` in all, however large ``k`` is.
"""

from __future__ import annotations

from typing import Any, ClassVar

import torch

from querist.core.errors import UsageError
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, positions, refuse_impossible
from querist.selectors.greedy import SetFunction, maximise
from querist.selectors.memory import Memory
from querist.selectors.points import Points, as_points

FUNCTIONS = ("facility_location", "graph_cut", "saturated_cover")
_TILE = 1 << 20
"""Numbers of the kernel that stand in memory at once (4 MB: they stay in the cache of a core)."""
_COLUMNS = 256


def facility(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    function: str = "facility_location",
    query: Any = None,
    private: Any = None,
    query_weight: float = 1.0,
    private_weight: float = 1.0,
    penalty: float = 0.5,
    saturation: float = 0.1,
    epsilon: float | None = None,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions picked greedily so that the open points are well represented.

    Args:
        points: ``[n d]`` table (torch or numpy), or factored points; only directions count.
        k: how many.
        labelled: positions in the set already, never returned.
        candidates: positions that may be returned, and are to be represented; all if ``None``.
        rng: breaks ties; a generator with seed 0 if ``None``.
        function: ``facility_location``, ``graph_cut`` or ``saturated_cover``.
        query: positions that the picks shall resemble (not for ``saturated_cover``).
        private: positions that they shall not resemble (not for ``saturated_cover``).
        query_weight: ``eta`` of the papers.
        private_weight: ``nu`` of the papers.
        penalty: ``lambda`` of the graph cut; up to 0.5 it is monotone.
        saturation: share of its total similarity at which a point counts as covered.
        epsilon: ``None`` for the exact greedy set, else see :func:`~querist.selectors.greedy.maximise`.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open; another function; a set it has no use for.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> points = torch.tensor([[1.0, 0.1], [1.0, 0.0], [1.0, -0.1], [-1.0, 9.0]])
        >>> facility(points, k=2).tolist(), facility(points, k=1, query=[3]).tolist()
        ([1, 3], [3])
    """
    picked, _ = facility_gains(
        points,
        k=k,
        labelled=labelled,
        candidates=candidates,
        rng=rng,
        function=function,
        query=query,
        private=private,
        query_weight=query_weight,
        private_weight=private_weight,
        penalty=penalty,
        saturation=saturation,
        epsilon=epsilon,
        memory_mb=memory_mb,
    )
    return picked


def facility_gains(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    function: str = "facility_location",
    query: Any = None,
    private: Any = None,
    query_weight: float = 1.0,
    private_weight: float = 1.0,
    penalty: float = 0.5,
    saturation: float = 0.1,
    epsilon: float | None = None,
    memory_mb: float | None = None,
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
    """:func:`facility`, and what each pick added to the value; over nothing labelled they sum to it."""
    table = as_points(points)
    free = free_positions(len(table), labelled, candidates, table.device)
    refuse_impossible(k, len(free))
    memory = Memory("facility", memory_mb, held=64 * len(table))
    kernel = _Cosines(table, free, tile=memory.tile(_TILE, least=8 * table.width))
    known, wanted, shunned = (
        positions(name, pos, len(table), table.device)
        for name, pos in (("labelled", labelled), ("query", query), ("private", private))
    )
    value: SetFunction
    if function == "facility_location":
        cap = kernel.best(wanted) * query_weight if len(wanted) else None
        value = _FacilityLocation(kernel, cap, torch.maximum(kernel.best(shunned) * private_weight, kernel.best(known)))
    elif function == "graph_cut":
        value = _GraphCut(kernel, penalty, known, (wanted, query_weight), (shunned, private_weight))
    elif function == "saturated_cover":
        if len(wanted) or len(shunned):
            raise UsageError("saturated_cover knows no query and no private set", hint="choose facility_location")
        value = _SaturatedCover(kernel, saturation, known)
    else:
        raise UsageError(f"there is no set function {function!r}", hint=f"choose {', '.join(FUNCTIONS)}")
    return maximise(value, free, k=k, rng=generator(0) if rng is None else rng, epsilon=epsilon)


class _Cosines:
    """Cosines of the open points (rows) and any points (columns), nothing below 0, in tiles."""

    def __init__(self, points: Points, free: Tensor, *, tile: int) -> None:
        self.tile = tile
        lengths = points.squared_norms.sqrt()
        # A zero vector is like nothing.
        self.scale = torch.where(lengths > 0, 1 / lengths, torch.zeros_like(lengths))
        self.points, self.free = points, free
        self.whole = len(free) == len(points)
        self.like = self.scale.new_zeros(len(free))

    def tiles(self, pos: Tensor) -> Any:
        """Triples (slice of the open points, slice of ``pos``, tile)."""
        for left in range(0, len(pos), _COLUMNS):
            columns = slice(left, min(left + _COLUMNS, len(pos)))
            step = max(1, self.tile // max(self.points.width, columns.stop - columns.start))
            for start in range(0, len(self.free), step):
                at = slice(start, min(start + step, len(self.free)))
                rows = at if self.whole else self.free[at]
                tile = self.points.products(pos[columns], rows)
                tile.mul_(self.scale[rows, None]).mul_(self.scale[pos[columns]]).clamp_(0, 1)
                yield at, columns, tile

    def sums(self, pos: Tensor, weigh: Any = None) -> Float[Tensor, "q"]:
        """Column sums of the tiles, or of what ``weigh`` makes of them."""
        total = torch.zeros(len(pos), dtype=torch.float64, device=pos.device)
        for at, columns, tile in self.tiles(pos):
            total[columns] += (tile if weigh is None else weigh(at, tile)).sum(0)
        return total

    def row_sums(self, pos: Tensor) -> Float[Tensor, "open"]:
        """What each open point has in common with ``pos``, together."""
        total = torch.zeros_like(self.like, dtype=torch.float64)
        for at, _, tile in self.tiles(pos):
            total[at] += tile.sum(1)
        return total

    def best(self, pos: Tensor) -> Float[Tensor, "open"]:
        """What each open point has in common with the nearest of ``pos``; 0 without any."""
        best = self.like.clone()
        for at, _, tile in self.tiles(pos):
            torch.maximum(best[at], tile.amax(1), out=best[at])
        return best


class _FacilityLocation:
    lazy: ClassVar[bool] = True

    def __init__(self, kernel: _Cosines, cap: Tensor | None, covered: Tensor) -> None:
        self.kernel, self.cap, self.covered = kernel, cap, covered

    def gains(self, pos: Tensor) -> Tensor:
        return self.kernel.sums(pos, self._above)

    def add(self, pos: int) -> None:
        for at, _, tile in self.kernel.tiles(torch.tensor([pos], device=self.covered.device)):
            torch.maximum(self.covered[at], self._capped(at, tile)[:, 0], out=self.covered[at])

    def _above(self, at: slice, tile: Tensor) -> Tensor:
        return self._capped(at, tile).sub_(self.covered[at, None]).clamp_min_(0)

    def _capped(self, at: slice, tile: Tensor) -> Tensor:
        return tile if self.cap is None else torch.minimum(tile, self.cap[at, None])


class _SaturatedCover:
    lazy: ClassVar[bool] = True

    def __init__(self, kernel: _Cosines, saturation: float, known: Tensor) -> None:
        self.kernel = kernel
        # What is still missing to the cap; nothing more is gained below 0.
        self.missing = saturation * kernel.row_sums(kernel.free) - kernel.row_sums(known)

    def gains(self, pos: Tensor) -> Tensor:
        missing = self.missing.clamp_min(0).to(self.kernel.like.dtype)
        return self.kernel.sums(pos, lambda at, tile: torch.minimum(tile, missing[at, None]))

    def add(self, pos: int) -> None:
        self.missing -= self.kernel.row_sums(torch.tensor([pos], device=self.missing.device))


class _GraphCut:
    lazy: ClassVar[bool] = False  # a gain is one number, kept up to date

    def __init__(
        self,
        kernel: _Cosines,
        penalty: float,
        known: Tensor,
        wanted: tuple[Tensor, float],
        shunned: tuple[Tensor, float],
    ) -> None:
        self.kernel, self.penalty = kernel, penalty
        query, eta = wanted
        private, nu = shunned
        if len(query):
            # What a set and a query have in common is a sum over the set: no pick takes from another.
            now = 2 * penalty * eta * kernel.row_sums(query)
            self.penalty = 0.0
        else:
            alone = (kernel.scale[kernel.free] > 0).double()
            now = kernel.row_sums(kernel.free) - penalty * (alone + 2 * kernel.row_sums(known))
        now = now - 2 * penalty * nu * kernel.row_sums(private)
        self.now = torch.zeros(len(kernel.points), dtype=torch.float64, device=now.device)
        self.now[kernel.free] = now

    def gains(self, pos: Tensor) -> Tensor:
        return self.now[pos]

    def add(self, pos: int) -> None:
        if self.penalty:
            common = self.kernel.row_sums(torch.tensor([pos], device=self.now.device))
            self.now[self.kernel.free] -= 2 * self.penalty * common
