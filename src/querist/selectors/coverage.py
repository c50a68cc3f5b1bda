"""How well a growing set covers points: each counts by its likeness to the nearest member of the set.

    sum_x u(x) max_{s in A} k(x, s),    k(x, s) = [|x - s| <= radius]  or  exp(-|x - s|^2 / sigma^2)

The value is monotone and submodular, so a greedy set is within ``1 - 1/e`` of the best (nemhauser1978analysis).

Cost: ``O(n^2 d)`` time to look at every pair of points, once. From then on a pick changes what is gained elsewhere
only through the points that it is nearest to, about ``n / (m + j)`` of them for pick ``j``; a gain is an upper bound
until it might be the largest, and then told of what changed since. ``O(n)`` memory: neither kernel nor graph is kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import torch

from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, positions, refuse_impossible
from querist.selectors.greedy import maximise
from querist.selectors.likeness import Kernel
from querist.selectors.memory import Memory
from querist.selectors.points import TILE, Distances, Points, as_points

_ROUNDING = 1e-5
"""Share of a gain by which rounding may set apart two that are equal."""
_DRIFT = 2e-6
"""Share of a gain, as it was when all points were looked at, by which rounding may have moved it since."""
_FINE = 1e4
"""How many times the rounding of a squared distance a kernel's squared width must be for that to make no difference."""
_DEAR = 2
"""How many times a pair of points costs that is looked at among few."""
_BLOCK = 64
"""Gains that are brought up to date together, to begin with."""


def covering(
    name: str,
    points: Any,
    kernel: Kernel,
    *,
    k: int,
    labelled: Any,
    candidates: Any,
    rng: Generator | None,
    weights: Float[Tensor, "n"] | None = None,
    memory_mb: float | None = None,
) -> tuple[Int[Tensor, "k"], Float[Tensor, "k"]]:
    """Positions that greedily cover the open points, and what each added to the value.

    Args:
        name: the selector, for messages.
        points: ``[n d]`` table, or factored points.
        kernel: likeness of two points.
        k: how many.
        labelled: positions that are in the set already.
        candidates: positions that may be picked and are to be covered; all if ``None``.
        rng: breaks ties.
        weights: ``u(x)`` of every point, zero or more; all 1 if ``None``.
        memory_mb: megabytes that may be taken beside the points.
    """
    rng = generator(0) if rng is None else rng
    table = as_points(points)
    free = free_positions(len(table), labelled, candidates, table.device)
    refuse_impossible(k, len(free))
    memory = Memory(name, memory_mb, held=160 * len(table))
    value = Coverage(
        Distances(table),
        kernel,
        free,
        known=positions("labelled", labelled, len(table), table.device),
        weights=weights,
        tile=memory.tile(TILE, least=32 * table.width),
        name=name,
    )
    rounding = 0.0 if kernel.whole else _ROUNDING
    return maximise(value, free, k=k, rng=rng, rounding=rounding, block=_BLOCK, name=name)


class Coverage:
    """The set function, for :func:`~querist.selectors.greedy.maximise`.

    Args:
        apart: distances between all points.
        kernel: likeness of two of them.
        free: positions whose gains may be asked for, and that are to be covered.
        known: positions in the set from the start.
        weights: ``u(x)`` of every point, ``[n]``, zero or more; all 1 if ``None``.
        tile: numbers of the kernel that stand in memory at once.
        name: the selector, for reports of progress.

    Example:
        >>> from querist.selectors.likeness import Ball
        >>> apart, every = Distances(as_points(torch.tensor([[0.0], [1.0], [2.0], [9.0]]))), torch.arange(4)
        >>> coverage = Coverage(apart, Ball(1.0), every, known=every[:0])
        >>> coverage.gains(every).tolist()
        [2.0, 3.0, 2.0, 1.0]
        >>> coverage.add(0)
        >>> coverage.gains(every).tolist()
        [0.0, 1.0, 1.0, 1.0]
    """

    lazy: ClassVar[bool] = True

    def __init__(
        self,
        apart: Distances,
        kernel: Kernel,
        free: Int[Tensor, "q"],
        *,
        known: Int[Tensor, "m"],
        weights: Float[Tensor, "n"] | None = None,
        tile: int = TILE,
        name: str = "coverage",
    ) -> None:
        self._points, self._kernel, self._free = apart.points, kernel, free
        self._half = apart.norms / 2
        eps = torch.finfo(apart.norms.dtype).eps
        if kernel.scale**2 < _FINE * eps * float(apart.norms.max()):
            # Shrunk by what rounding may add, so that duplicates are as alike as a point is to itself.
            self._half *= 1 - 8 * eps
        self._weights = torch.zeros_like(self._half)
        self._weights[free] = 1 if weights is None else weights[free].to(self._half)
        self._covered = torch.zeros_like(self._half)
        """Likeness of every point to the nearest of the set."""
        self._gain = torch.zeros_like(self._half, dtype=torch.float64)
        self._looked = torch.zeros_like(self._gain)
        """Each gain as it was when all points were last looked at."""
        self._changes = _Changes(free[:0], self._half[:0], self._half[:0])
        self._seen = torch.zeros_like(self._half, dtype=torch.int32)
        """How many of the changes each gain knows of."""
        self._spent = 0
        """Pairs that were looked at to tell single gains of changes."""
        self._tile, self._name = tile, name
        self._side = max(1, min(math.isqrt(tile), tile // (4 * max(1, apart.points.width))))
        for some in known.split(self._side) if len(known) else ():
            for block in self._blocks(len(some)):
                alike = self._alike(block, some).amax(1)
                self._covered[block] = torch.maximum(self._covered[block], alike)
        self._look_at_all()

    def gains(self, pos: Int[Tensor, "q"]) -> Float[Tensor, "q"]:
        self._tell(pos[self._seen[pos] < len(self._changes)])
        while not self._kernel.whole:
            # Which of those that may be the largest have fallen so far that rounding counts?
            gain, drift = self._gain[pos], self._looked[pos] * _DRIFT
            doubtful = (gain + drift >= gain.max()) & (2 * drift > _ROUNDING * gain) & (gain > 0)
            if not bool(doubtful.any()):
                break
            self._look_at(pos[doubtful])
        return self._gain[pos]

    def add(self, pos: int) -> None:
        new = torch.tensor([pos], device=self._free.device)
        now = torch.zeros_like(self._covered)
        for block in self._blocks(1):
            now[block] = self._alike(block, new)[:, 0]
        nearer = torch.nonzero((now > self._covered) & (self._weights > 0)).flatten()
        before = self._covered[nearer]
        self._covered[nearer] = now[nearer]
        self._changes = self._changes.then(nearer, before, now[nearer])
        if len(self._changes) > len(self._free):
            self._tell_all()

    def _tell(self, pos: Int[Tensor, "q"]) -> None:
        """Let some gains know of all changes; all of them, once that would have been as cheap."""
        if not len(pos):
            return
        first = int(self._seen[pos].min())
        self._lose(pos, first)
        self._seen[pos] = len(self._changes)
        self._spent += len(pos) * (len(self._changes) - first)
        if _DEAR * self._spent > len(self._free) * min(len(self._changes), len(self._free) / 2):
            self._tell_all()

    def _tell_all(self) -> None:
        """Let every gain know of all changes, and forget these."""
        if 2 * len(self._changes) > len(self._free):
            self._look_at_all()  # half as many pairs as if all changes were told
            return
        for block in self._blocks(self._side):
            self._lose(block, 0)
        self._forget_changes()

    def _forget_changes(self) -> None:
        self._changes = _Changes(*self._changes[:0])
        self._seen.zero_()
        self._spent = 0

    def _lose(self, pos: slice | Tensor, first: int) -> None:
        """Take from some gains what the changes took, from the first on that one of them does not know of."""
        seen, gain = self._seen[pos], self._gain[pos]
        known = int(seen.max())
        step = max(1, self._tile // max(len(seen), self._points.width))
        for start in range(first, len(self._changes), step):
            stop = min(start + step, len(self._changes))
            rows, before, now = self._changes[start:stop]
            tile = self._alike(rows, pos)
            if not self._kernel.whole:
                tile = torch.minimum(tile, now[:, None], out=tile).sub_(before[:, None]).clamp_min_(0)
            if known > start:
                tile.masked_fill_(torch.arange(start, stop, device=seen.device)[:, None] < seen, 0)
            gain = gain - self._weights[rows] @ tile
        self._gain[pos] = gain.clamp_min_(0)

    def _look_at_all(self) -> None:
        """All gains, from every pair of points once."""
        self._forget_changes()
        weights = self._open()
        self._gain.zero_()
        blocks = list(self._blocks(self._side))
        for done, left in enumerate(blocks):
            report(f"{self._name}: every pair", done * (2 * len(blocks) - done), of=len(blocks) ** 2)
            mine = self._points.take(left)
            for right in blocks[done:]:
                tile = self._alike(left, right, mine)
                if right is not left:
                    self._gain[left] += self._above(tile, self._covered[right]) @ weights[right]
                self._gain[right] += weights[left] @ self._above(tile, self._covered[left, None])
        self._looked.copy_(self._gain)

    def _look_at(self, pos: Int[Tensor, "q"]) -> None:
        """Some gains, from all points."""
        weights = self._open()
        for some in pos.split(self._side):
            gain = self._gain.new_zeros(len(some))
            for block in self._blocks(len(some)):
                gain += weights[block] @ self._above(self._alike(block, some), self._covered[block, None])
            self._gain[some] = self._looked[some] = gain
        self._seen[pos] = len(self._changes)

    def _open(self) -> Float[Tensor, "n"]:
        """Weights of points as far as they are not covered: for a ball they are, or are not."""
        return self._weights * (1 - self._covered) if self._kernel.whole else self._weights

    def _above(self, tile: Tensor, covered: Tensor) -> Tensor:
        """What likeness adds to that of the set; for a ball the weights say it."""
        return tile if self._kernel.whole else (tile - covered).clamp_min_(0)

    def _blocks(self, columns: int) -> Iterator[slice | Tensor]:
        """Blocks of the free positions for tiles of so many columns; of all, where to gather most would cost more."""
        step = max(1, self._tile // max(columns, self._points.width))
        if 2 * len(self._free) < len(self._half):
            yield from self._free.split(step)
            return
        for start in range(0, len(self._half), step):
            yield slice(start, min(start + step, len(self._half)))

    def _alike(self, rows: slice | Tensor, columns: slice | Tensor, taken: Points | None = None) -> Tensor:
        """Likeness of points; ``taken`` are those of the rows, where they were read already."""
        mine = self._points.take(rows) if taken is None else taken
        inner = mine.products_with(self._points.take(columns))  # type: ignore[arg-type]
        return self._kernel(inner, self._half[rows, None], self._half[columns])


@dataclass(frozen=True, eq=False)
class _Changes:
    """Points that picks came nearer to than any before, in the order picked.

    Args:
        rows: their positions.
        before: likeness of each to the set before the pick.
        now: and with it.
    """

    rows: Int[Tensor, "q"]
    before: Float[Tensor, "q"]
    now: Float[Tensor, "q"]

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, at: slice) -> tuple[Tensor, Tensor, Tensor]:
        return self.rows[at], self.before[at], self.now[at]

    def then(self, rows: Int[Tensor, "p"], before: Float[Tensor, "p"], now: Float[Tensor, "p"]) -> _Changes:
        """These, and then others."""
        return _Changes(torch.cat([self.rows, rows]), torch.cat([self.before, before]), torch.cat([self.now, now]))
