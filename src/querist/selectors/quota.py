"""Quotas: any selector, with limits on how much may come from each group and on what the picks may cost.

Groups are guessed classes, clusters, sources, days: whatever a batch should not be full of. The law is the selector's
own order with the rows left out that a limit no longer allows. It is reached without looking into the selector: it is
run for all that is wanted, and what it picks is accepted until a pick is not allowed; then it is run again, with the
accepted rows as labelled ones and without the rows that no limit allows any more. For a selector that picks one row
after another this is exactly "skip what is full". One that chooses a set (k-means) or draws chooses again for what is
left. Rows that are left out are no candidates, so a selector that covers its candidates need not cover them either.

A row is allowed only if the rest can still be had: enough rows in groups that are not full, the least of each group,
and the money for the cheapest such rows. What these cost is kept up to date by exchanging one row a pick, which is
exact because sets within limits of each group are the bases of a matroid (edmonds1971matroids). Cost: as many runs of
the selector as limits close a group, or a row becomes too dear, while it is picked, and at most ``k``; ``O(n)`` memory.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from querist.core.errors import DataError, NonFinite, PoolExhausted, UsageError
from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Bool, Generator, Int, Tensor
from querist.selectors.base import Selector, free_positions, positions, refuse_impossible, row_count, takes
from querist.selectors.k_center import k_center
from querist.selectors.memory import Memory

_ROUNDING = 1e-9
"""Share of a budget that adding up costs may be off by."""


def quota(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    selector: Selector | None = None,
    groups: Any = None,
    at_most: Any = None,
    at_least: Any = None,
    costs: Any = None,
    budget: float | None = None,
    count_labelled: bool = False,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions that a selector picks, as far as the limits allow, in its order.

    Args:
        points: what the selector picks from: ``[n d]`` points, ``[n]`` scores, ``[s n c]`` samples.
        k: how many.
        labelled: positions never returned, and handed on.
        candidates: positions that may be returned; all if ``None``.
        rng: handed to every run of the selector; a generator with seed 0 if ``None``.
        selector: any function of this form; :func:`~querist.selectors.k_center` if ``None``. Give it its options by
            ``functools.partial``.
        groups: the group of each row, ``[n]`` whole numbers from 0.
        at_most: picks of each group: one number for all, or one a group; as many as there are if ``None``.
        at_least: the same from below; none if ``None``.
        costs: what each row costs, ``[n]``, 0 or more.
        budget: what the picks may cost together.
        count_labelled: whether labelled rows count towards the limits of their groups, to balance what is known and
            not only what is asked. They cost nothing.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open, or over what the limits allow; limits without
            what they limit.
        DataError: another number of groups or costs than rows, or of limits than groups; a negative group or cost.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> points = torch.tensor([[0.0], [1.0], [7.0], [8.0], [10.0]])
        >>> quota(points, k=2, labelled=[0], groups=[0, 0, 1, 1, 1], at_most=1).tolist()
        [4, 1]
    """
    rng = generator(0) if rng is None else rng
    selector = k_center if selector is None else selector
    n = row_count(points)
    free = free_positions(n, labelled, candidates).numpy()
    refuse_impossible(k, len(free))
    known = positions("labelled", labelled, n).cpu()
    memory = Memory("quota", memory_mb, held=64 * n)
    limits = _Limits(n, free, k, groups, at_most, at_least, costs, budget, known.numpy() if count_labelled else None)
    picked = known[:0]
    more = {"memory_mb": memory.left_mb()} if takes(selector, "memory_mb") else {}
    while len(picked) < k:
        report("quota", len(picked), of=k)
        run = selector(
            points,
            k=k - len(picked),
            labelled=torch.cat([known, picked]),
            candidates=torch.from_numpy(limits.allowed_positions()),
            rng=rng,
            **more,
        )
        accepted = run[: limits.take_while_allowed(run.tolist())]
        picked = torch.cat([picked, accepted.cpu()])
    return picked.to(run.device)


class _Limits:
    """What may still be picked.

    Args:
        n: rows.
        free: positions that are open, ascending.
        k: how many are to be picked.
        groups, at_most, at_least, costs, budget: see :func:`quota`.
        counted: positions that count towards the limits of their groups already.
    """

    def __init__(
        self,
        n: int,
        free: np.ndarray,
        k: int,
        groups: Any,
        at_most: Any,
        at_least: Any,
        costs: Any,
        budget: float | None,
        counted: np.ndarray | None,
    ) -> None:
        self.group = _groups(n, groups, at_most, at_least)
        count = int(self.group.max(initial=-1)) + 1
        taken = np.bincount(self.group[counted], minlength=count) if counted is not None else np.zeros(count, np.int64)
        self.room = np.maximum(_each("at_most", at_most, count, n) - taken, 0)
        self.need = np.maximum(_each("at_least", at_least, count, 0) - taken, 0)
        self.cost = _costs(n, costs, budget)
        self.left = k
        self.open = np.zeros(n, dtype=bool)
        self.open[free] = True
        self._refuse_impossible(np.bincount(self.group[free], minlength=count))
        self.money = np.inf if budget is None else budget + _ROUNDING * abs(budget)
        self.basis = self._cheapest(free) if self.cost is not None else free[:0]
        """The cheapest rows that would make up the batch."""
        if self.cost is not None and self.cost[self.basis].sum() > self.money:
            raise UsageError(
                f"{k} picks for {budget:g} were asked for, the cheapest cost {self.cost[self.basis].sum():g} together",
                hint="ask for fewer picks, or spend more",
            )

    def allowed_positions(self) -> Int[np.ndarray, "q"]:
        """Positions that may come next, ascending."""
        allowed = self.open & self._open_groups()[self.group]
        if self.cost is not None:
            highest = np.array([self._highest(group) for group in range(len(self.room))])
            allowed &= self.cost <= highest[self.group]
            allowed[self.basis] = True
        return np.flatnonzero(allowed)

    def take_while_allowed(self, run: list[int]) -> int:
        """Take positions in this order; how many were allowed."""
        for place, pos in enumerate(run):
            if not self._allows(pos):
                return place
            self._take(pos)
        return len(run)

    def _open_groups(self) -> Bool[np.ndarray, "g"]:
        # Once the picks that are left are all needed, only groups that need some are open.
        return (self.need > 0) if self.left == self.need.sum() else (self.room > 0)

    def _allows(self, pos: int) -> bool:
        if not self._open_groups()[self.group[pos]]:
            return False
        return self.cost is None or pos in self.basis or bool(self.cost[pos] <= self._highest(self.group[pos]))

    def _take(self, pos: int) -> None:
        if self.cost is not None:
            out = pos if pos in self.basis else self._swapped(self.group[pos])
            self.basis = self.basis[self.basis != out]
            self.money -= self.cost[pos]
        self.open[pos] = False
        self.left -= 1
        self.room[self.group[pos]] -= 1
        self.need[self.group[pos]] = max(0, self.need[self.group[pos]] - 1)

    def _highest(self, group: int) -> float:
        """What a row of this group may cost, if it is none of the cheapest."""
        out = self._swapped(group)
        return -np.inf if out is None else self.money - self.cost[self.basis].sum() + self.cost[out]

    def _swapped(self, group: int) -> int | None:
        """The dearest of the cheapest rows that one more row of this group may take the place of."""
        own = self.group[self.basis]
        held = np.bincount(own, minlength=len(self.room))
        may_go = own == group
        if held[group] < self.room[group]:
            may_go |= (held > self.need)[own]
        among = self.basis[may_go]
        return int(among[self.cost[among].argmax()]) if len(among) else None

    def _cheapest(self, free: np.ndarray) -> Int[np.ndarray, "k"]:
        """The cheapest batch within the limits: the least of each group, then what is cheapest of the rest."""
        order = free[np.lexsort((self.cost[free], self.group[free]))]
        own = self.group[order]
        starts = np.searchsorted(own, np.arange(len(self.room)))
        rank = np.arange(len(order)) - starts[own]
        must = rank < self.need[own]
        rest = order[~must & (rank < self.room[own])]
        more = self.left - int(must.sum())
        return np.r_[order[must], rest[np.argsort(self.cost[rest], kind="stable")[:more]]]

    def _refuse_impossible(self, there: np.ndarray) -> None:
        if (self.need > self.room).any():
            group = int((self.need > self.room).argmax())
            raise UsageError(
                f"of group {group} at least {self.need[group]} and at most {self.room[group]} more were asked for",
                hint="lower at_least, or raise at_most",
            )
        if (self.need > there).any():
            group = int((self.need > there).argmax())
            raise PoolExhausted(
                f"at least {self.need[group]} of group {group} were asked for, {there[group]} are open",
                hint=f"ask for at most {there[group]}",
            )
        if self.need.sum() > self.left:
            raise UsageError(
                f"{self.left} picks were asked for, and at least {self.need.sum()} of the groups together",
                hint=f"ask for {self.need.sum()} picks or more",
            )
        most = int(np.minimum(self.room, there).sum())
        if most < self.left:
            raise PoolExhausted(
                f"{self.left} picks were asked for, at_most allows {most}",
                hint=f"ask for at most {most}, or allow more",
            )


def _groups(n: int, groups: Any, at_most: Any, at_least: Any) -> Int[np.ndarray, "n"]:
    if groups is None:
        if at_most is not None or at_least is not None:
            raise UsageError("at_most and at_least limit groups and there are none", hint="give the group of each row")
        return np.zeros(n, dtype=np.int64)
    group = torch.as_tensor(groups).cpu().flatten()
    if len(group) != n:
        raise DataError(f"there are groups for {len(group)} rows of {n}", hint="give one a row")
    if group.is_floating_point() or int(group.min()) < 0:
        raise DataError("a group is negative or no whole number", hint="number the groups from 0")
    return group.long().numpy()


def _each(name: str, limit: Any, count: int, default: int) -> Int[np.ndarray, "g"]:
    """A limit for each group."""
    values = torch.as_tensor(default if limit is None else limit).cpu().long()
    if values.ndim and len(values) != count:
        raise DataError(f"{name} has {len(values)} numbers for {count} groups", hint="give one for all, or one a group")
    if int(values.min()) < 0:
        raise UsageError(f"{name} is {int(values.min())} for a group", hint="give 0 or more")
    return values.expand(count).numpy().copy()


def _costs(n: int, costs: Any, budget: float | None) -> Any:
    if (costs is None) != (budget is None):
        raise UsageError("costs need a budget, and a budget needs costs", hint="give both, or none")
    if costs is None:
        return None
    cost = torch.as_tensor(costs).cpu().flatten().double().numpy()
    if len(cost) != n:
        raise DataError(f"there are costs for {len(cost)} rows of {n}", hint="give one a row")
    if not np.isfinite(cost).all():
        raise NonFinite("the cost", int((~np.isfinite(cost)).argmax()))
    if (cost < 0).any():
        raise DataError(f"the cost of row {int((cost < 0).argmax())} is negative", hint="give 0 or more")
    return cost
