"""The smallest radius at which ``k`` of some weighted points cover the others, but for a weight that may be left out.

Paper: sener2018coreset asks a mixed-integer programme whether a radius ``delta`` can be reached,

    u_j, xi_i in {0, 1}     sum_j u_j <= k     sum_i w_i xi_i <= Xi     xi_i + sum_{j: d(i, j) <= delta} u_j >= 1

and searches for the smallest by bisection. Here it asks about a few of the points ``i`` first and adds those that the
answer leaves uncovered (chen2009new, contardo2019scalable): what a few forbid is forbidden, and an answer that covers
all is one, so nothing is lost, and the programmes stay small. Of centres that cover no more than another one does,
only that one is kept. No radius is tried but distances between points, so the search is exact where time allows.
Programmes are solved by HiGHS (huangfu2018parallelizing). Cost: exponential in the worst case, ended by the clock.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from querist.core.progress import report
from querist.core.types import Float, Int, Tensor
from querist.selectors.k_center import farthest_first
from querist.selectors.points import Distances

_ROUNDING = 1e-5
"""Share of a squared distance by which two ways to compute it may differ."""
_SHARE = 4
"""One radius may use this part of the time that is left, so that a hard one leaves some for the others."""
_SAMPLE = 256
"""Points that tell how much a centre covers of what was not asked about."""
_ENOUGH = 1e9
"""A gap to the best sum that any covering answer keeps: the first one ends the work."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Cover:
    """What the search found.

    Args:
        centres: places of at most ``k`` points.
        squared: squared radius at which they cover.
        bound: no ``k`` centres reach a smaller squared radius.
    """

    centres: Int[Tensor, "k"]
    squared: float
    bound: float

    @property
    def proven(self) -> bool:
        """Whether no other centres are better."""
        return self.bound >= self.squared * (1 - _ROUNDING)


class Covering:
    """Weighted points that are to be covered by ``k`` of them.

    Args:
        apart: distances between the points, which stand in a random order.
        weights: how much each weighs, ``[c]``.
        covered: squared distance of each point to the nearest centre that is there already, ``[c]``.
        k: how many centres may be added.
        slack: weight that may stay uncovered (the paper's Xi).
        tile: numbers of a table of distances that stand in memory at once.
    """

    def __init__(
        self,
        apart: Distances,
        *,
        weights: Int[Tensor, "c"],
        covered: Float[Tensor, "c"],
        k: int,
        slack: int,
        tile: int,
    ) -> None:
        self.apart, self.k, self.slack, self._tile = apart, k, slack, tile
        self.covered = covered
        self.weights = weights.cpu().numpy()
        self._known = covered.cpu().numpy()
        self._rows: list[int] = []
        self._squared = np.empty((0, len(apart)), dtype=self._known.dtype)
        """Squared distances of the points that programmes ask about to all points."""
        self._sample = self._to_all(list(range(min(_SAMPLE, len(apart)))))

    def smallest(self, start: Int[Tensor, "k"], *, rows: Int[Tensor, "r"], bound: float, timeout_s: float) -> Cover:
        """The best centres that are found in the time given.

        Args:
            start: centres that are good already.
            rows: places that programmes ask about from the start; they must imply the bound.
            bound: squared radius below which there is nothing.
            timeout_s: seconds after which the best so far is the answer.
        """
        began = time.monotonic()
        self._ask_about(rows.tolist())
        best, high = start, self.radius(self.nearest(start))
        hard = 1  # how many radii in a row took too long, and one
        while (left := began + timeout_s - time.monotonic()) > 0:
            report("robust_k_center", timeout_s - left, of=timeout_s)
            distances = np.r_[self._squared.ravel(), self._known[self._rows]]
            tried = np.unique(distances[(distances >= bound) & (distances < high)])
            if not len(tried):
                bound = high
                break
            # The middle of what is open; where that took too long, a half, a quarter, ... of it from the upper end.
            at = max(0, len(tried) - 1 - (len(tried) >> hard))
            limit = float(tried[at])
            try:
                found = self._within(limit, until=time.monotonic() + (left / _SHARE if at + 1 < len(tried) else left))
            except _OutOfTime:
                hard += 1
                continue
            hard = max(1, hard - 1)
            if found is None:
                bound = float(np.nextafter(tried[at], np.inf))
            else:
                best, high = found, min(limit, self.radius(self.nearest(found)))
        squared = self.radius(self.nearest(best))
        return Cover(centres=best, squared=squared, bound=squared if bound >= high else bound)

    def nearest(self, centres: Int[Tensor, "q"]) -> Float[Tensor, "c"]:
        """Squared distance of each point to the nearest of these and what is there already."""
        nearest = self.covered.clone()
        self.apart.nearest(nearest, centres)
        return nearest

    def radius(self, nearest: Float[Tensor, "c"]) -> float:
        """The largest of these, but for the farthest points that may stay uncovered."""
        order = nearest.argsort(descending=True).cpu().numpy()
        left_out = int((np.cumsum(self.weights[order]) <= self.slack).sum())
        return float(nearest[order[left_out]]) if left_out < len(order) else 0.0

    def farthest_first(self, centres: Int[Tensor, "q"], *, k: int) -> Int[Tensor, "k"]:
        """The centres, and more points where they are fewer than ``k``, each the farthest from those before it."""
        if len(centres) < k:
            nearest = self.nearest(centres)
            # The farthest of what is covered; what may be left out comes last.
            gain = torch.where(nearest <= self.radius(nearest), nearest, -nearest)
            gain[centres] = -torch.inf
            centres = torch.cat([centres, gain.topk(k - len(centres)).indices])
        among = self.apart.between(centres, centres).cpu().numpy()
        order, _ = farthest_first(among, self.covered[centres].cpu().numpy(), 0.0, k)
        rest = np.setdiff1d(np.arange(k), order)  # none, but for rounding
        return centres[torch.from_numpy(np.r_[order, rest]).to(centres.device)]

    def _within(self, limit: float, *, until: float) -> Tensor | None:
        """Centres that cover within ``limit``; ``None`` if there are none."""
        worth = self._worth(limit)
        while True:
            asked = np.flatnonzero(self._known[self._rows] > limit)
            near = self._squared[asked] <= limit
            columns = _undominated(near, worth, tile=self._tile) if len(asked) else np.arange(0)
            weights = self.weights[self._rows][asked]
            chosen = _solve(near[:, columns], worth[columns], weights, k=self.k, slack=self.slack, until=until)
            if chosen is None:
                return None
            centres = torch.from_numpy(columns[chosen]).to(self.covered.device)
            nearest = self.nearest(centres)
            bare = (nearest > limit * (1 + _ROUNDING)).cpu().numpy()
            if self.weights[bare].sum() <= self.slack or not self._ask_about_farthest(nearest, limit):
                return centres

    def _worth(self, limit: float) -> np.ndarray:
        """Weight of the sample that each point would cover as a centre."""
        bare = self._known[: len(self._sample)] > limit
        return self.weights[: len(bare)][bare] @ (self._sample[bare] <= limit)

    def _ask_about_farthest(self, nearest: Tensor, limit: float) -> bool:
        """Let programmes ask about some more of the points beyond ``limit``; false if they know all."""
        nearest = nearest.clone()
        nearest[self._rows] = 0
        distance, bare = nearest.topk(min(_SAMPLE, len(nearest)))
        among = self.apart.between(bare, bare).cpu().numpy()
        new, _ = farthest_first(among, distance.cpu().numpy(), limit * (1 + _ROUNDING), max(1, len(self._rows) // 8))
        self._ask_about(bare[torch.from_numpy(new).to(bare.device)].tolist())
        return len(new) > 0

    def _ask_about(self, rows: list[int]) -> None:
        self._squared = np.concatenate([self._squared, self._to_all(rows)])
        self._rows += rows

    def _to_all(self, rows: list[int]) -> np.ndarray:
        """Squared distances of some points to all, ``[r c]``."""
        everything = torch.arange(len(self.apart), device=self.covered.device)
        return self.apart.between(everything[rows], everything).cpu().numpy()


class _OutOfTime(Exception):
    """A programme was not solved in time."""


def _undominated(near: np.ndarray, worth: np.ndarray, *, tile: int) -> np.ndarray:
    """Columns that cover rows which no other column covers all of; of equals the first that is worth most."""
    order = np.argsort(-worth, kind="stable")
    _, first = np.unique(np.packbits(near[:, order], axis=0), axis=1, return_index=True)
    columns = order[first]
    table = torch.from_numpy(near[:, columns].astype(np.float32))
    sizes = table.sum(0)
    kept = []
    for some in torch.arange(len(columns)).split(max(1, tile // max(1, len(columns)))):
        inside = table[:, some].T @ table == sizes[some, None]
        kept.append(inside.sum(1) == 1)  # in itself only
    return columns[torch.cat(kept).numpy()]


def _solve(
    near: np.ndarray, worth: np.ndarray, weights: np.ndarray, *, k: int, slack: int, until: float
) -> np.ndarray | None:
    """Columns, at most ``k``, that cover the rows; ``None`` if there are none.

    Raises:
        _OutOfTime: neither is known in time.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csc_array, hstack

    rows, columns = near.shape
    if not rows:
        return np.arange(0)
    loose = np.flatnonzero(weights <= slack)  # rows that may be left out
    cover: Any = csc_array(near.astype(np.float64))
    if len(loose):
        left_out = csc_array((np.ones(len(loose)), (loose, np.arange(len(loose)))), shape=(rows, len(loose)))
        cover = hstack([cover, left_out], format="csc")
    count = np.r_[np.ones(columns), np.zeros(len(loose))]
    weight = np.r_[np.zeros(columns), weights[loose]]
    left = until - time.monotonic()
    if left <= 0:
        raise _OutOfTime
    found = milp(
        # Of answers, one that covers much of what was not asked about, too.
        np.r_[-worth, np.zeros(len(loose))] / max(1.0, worth.max(initial=0.0)),
        # With whole centres, left-out rows come out whole by themselves.
        integrality=count,
        bounds=Bounds(0, 1),
        constraints=[
            LinearConstraint(cover, 1, np.inf),
            LinearConstraint(np.stack([count, weight]), -np.inf, [k, slack]),
        ],
        options={"time_limit": left, "mip_rel_gap": _ENOUGH},
    )
    if found.x is not None:
        return np.flatnonzero(found.x[:columns] > 0.5)
    if found.status == 2:
        return None
    raise _OutOfTime
