"""k-means++ seeding: each pick is drawn with probability proportional to its squared distance to those before it.

Paper: arthur2007kmeans. Cost: ``O(n m d)`` time for ``m`` labelled points (one, if there are none), then about
``O(k^2 d)`` for the picks, by rejection; ``O(n + k d)`` memory beside the points. For factored points ``c + d`` stands
in the place of ``d``, where the written-out vectors would need ``c d`` numbers each.

Distances to the chosen set only fall. So a point is proposed by its weight as of some earlier pick, measured against
the picks since, and kept with probability (its weight now) / (that earlier weight): a kept one follows the present
law exactly, though nearly all weights are old. All are measured anew once too many proposals fail.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from querist.core.errors import UsageError
from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Generator, Int, Tensor
from querist.selectors.base import free_positions, positions, refuse_impossible, shuffled
from querist.selectors.memory import Memory
from querist.selectors.points import TILE, Distances, Points, as_points

_BLOCK = 256
"""Proposals that are measured together."""


def kmeans_pp(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    first: str = "uniform",
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions drawn by the D^2 law: far points likely, coinciding ones never (while others are left).

    Args:
        points: ``[n d]`` table (torch or numpy, mapped from a file too), or factored points.
        k: how many.
        labelled: positions that count as picked already, never returned.
        candidates: positions that may be returned; all if ``None``.
        rng: draws the picks; a generator with seed 0 if ``None``.
        first: where nothing is labelled, the first pick is ``uniform`` (arthur2007kmeans) or the ``longest`` vector.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> kmeans_pp(torch.tensor([[0.0], [0.0], [9.0]]), k=2, labelled=[0]).tolist()
        [2, 1]
    """
    rng = generator(0) if rng is None else rng
    table = as_points(points)
    free = free_positions(len(table), labelled, candidates, table.device)
    refuse_impossible(k, len(free))
    memory = Memory("kmeans_pp", memory_mb, held=32 * len(table) + 8 * k * (table.width + 2))
    tile = memory.tile(TILE, least=max(table.width, _BLOCK) * 8)
    known = positions("labelled", labelled, len(table), table.device)
    weights = _Weights(Distances(table, tile=tile), free, known)
    if not len(known):
        start = _first(first, table, free, rng)
        weights.add(start)
        weights.measure()
    while (done := len(weights.picked)) < k:
        report("kmeans_pp", done, of=k)
        if not weights.total > 0:
            rest = shuffled(weights.open_positions(), rng)[: k - done]
            return torch.cat([weights.picked, rest])
        weights.draw(k - done, rng)
    return weights.picked


def _first(first: str, table: Points, free: Tensor, rng: Generator) -> Int[Tensor, "one"]:
    if first == "uniform":
        return shuffled(free, rng)[:1]
    if first == "longest":
        return free[table.squared_norms[free].argmax()][None]
    raise UsageError(f"the first pick cannot be {first!r}", hint="choose uniform or longest")


class _Weights:
    """Squared distances to the nearest centre, as of the last time that all points were measured.

    Args:
        apart: distances between all points.
        free: positions that may be picked; the others weigh nothing.
        known: centres from the start.
    """

    def __init__(self, apart: Distances, free: Tensor, known: Tensor) -> None:
        self._apart = apart
        self._squared = torch.full((len(apart),), torch.inf, dtype=apart.norms.dtype, device=free.device)
        self._open = torch.zeros(len(apart), dtype=torch.bool, device=free.device)
        self._open[free] = True
        self.picked = free[:0]
        self._since = apart.take(self.picked)
        """Picks that only proposals have been measured against."""
        self._apart.nearest(self._squared, known)
        self._weigh()

    def add(self, new: Int[Tensor, "q"]) -> None:
        """Let positions be centres, and no longer open."""
        self._open[new] = False
        self.picked = torch.cat([self.picked, new])
        # Gathered again and again, but these are few, and a product with them costs more.
        self._since = self._apart.take(self.picked[len(self.picked) - len(self._since) - len(new) :])

    def measure(self) -> None:
        """Measure all points against the picks that they have not met."""
        self._apart.nearest(self._squared, self.picked[len(self.picked) - len(self._since) :])
        self._since = self._apart.take(self.picked[:0])
        self._weigh()

    def open_positions(self) -> Int[Tensor, "q"]:
        """Positions that are left."""
        return torch.nonzero(self._open).flatten()

    def draw(self, k: int, rng: Generator) -> None:
        """Add up to ``k`` positions by the present law; maybe none, and then all is measured."""
        size = min(_BLOCK, 4 * k)
        draws = torch.rand((2, size), generator=rng, dtype=torch.float64).to(self._ends.device)
        # right=True: a draw of exactly an end belongs to the next point, so a weight of 0 is never hit.
        proposals = torch.searchsorted(self._ends, draws[0] * self.total, right=True).clamp_max(len(self._ends) - 1)
        stale = self._squared[proposals]
        mine = self._apart.take(proposals)
        now = stale.clone()
        if len(self._since):
            torch.minimum(now, mine.to(self._since).amin(1), out=now)
        among = mine.to(mine)
        kept = _kept((draws[1] * stale.double()).cpu().numpy(), now.cpu().numpy(), among.cpu().numpy(), k)
        self._tried += kept[-1] + 1 if len(kept) == k else size
        self._kept += len(kept)
        self.add(proposals[torch.tensor(kept, dtype=torch.long, device=proposals.device)])
        # Products ahead with proposals that will fail, against the products that measuring all points takes now.
        left = k - len(kept)
        fails = left * (self._tried - self._kept) / max(self._kept, 1)
        if not self._kept or fails * (len(self._since) + left / 2) > len(self._apart) * len(self._since):
            self.measure()

    def _weigh(self) -> None:
        self._ends = self._squared.double().masked_fill_(~self._open, 0).cumsum(0)
        self.total = float(self._ends[-1])
        self._tried = self._kept = 0


def _kept(thresholds: np.ndarray, now: np.ndarray, among: np.ndarray, k: int) -> list[int]:
    """Up to ``k`` proposals, each with a weight above its threshold when its turn comes."""
    now = now.astype(np.float64)
    kept: list[int] = []
    for order in range(len(now)):
        if thresholds[order] < now[order]:
            kept.append(order)
            if len(kept) == k:
                break
            np.minimum(now, among[order], out=now)
    return kept
