"""Class balance: the highest scores, as far as the labels of all classes stay level in expectation.

Paper: bengar2022class. Of all sets of ``k`` rows the one with the highest sum of scores, less ``balance`` for every
label that a class is expected to be off its share. Known differences: HiGHS (huangfu2018parallelizing) in the place of
Gurobi; a share is not rounded down to whole labels; and the programme is not written out for all rows.

A linear programme about a few rows is solved, its prices tell which other rows would better it, and these join until
there are none: then it is solved for all rows, though most were never in it. It takes few rows in part, no more than
there are classes. Where rounding them costs more than half a label off balance, an integer programme decides about them
and the rows whose prices are nearest to zero. Up to 40 open rows the answer is the best there is. Cost: a pass over the
probabilities each time that rows join, a dozen times or so, ``O(n c)`` time each, and small programmes; ``O(n)`` memory
beside the tables.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch

from querist.core.errors import DataError, NonFinite, Unproven, UsageError
from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.base import free_positions, refuse_impossible, shuffled
from querist.selectors.points import as_table
from querist.selectors.top_k import top_k

_BLOCK = 1 << 16
"""Rows whose probabilities are looked at together."""
_JOIN = 256
"""Rows that join the programme at a time, if the batch is not larger."""
_FEW = 40
"""Open rows up to which the best set is found exactly."""
_MANY = 64
"""Rows that the integer programme decides about at most where there are more."""
_NEAR = 0.5
"""Labels off balance by which the answer may then miss the best: chances are seldom known as well as that."""
_NODES = 50
"""Nodes that the programme may then open: a limit in seconds would not give the same answer twice."""
_ROUNDING = 1e-9


def class_balance(
    scores: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    probs: Any = None,
    counts: Any = None,
    balance: float = 1.0,
) -> Int[Tensor, "k"]:
    """Positions that have high scores together and bring the classes level, the highest score first.

    The picks are chosen as a set: the beginning of the list is not the best smaller set.

    Args:
        scores: one number a row, ``[n]``; higher is better (the paper's is entropy, in nats).
        k: how many (``b`` of the paper).
        labelled: positions never returned.
        candidates: positions that may be returned; all if ``None``.
        rng: decides between equals; a generator with seed 0 if ``None``.
        probs: chances of the classes, ``[n c]`` (``P``). Without them it is :func:`~querist.selectors.top_k`.
        counts: labels of each class so far, ``[c]``; none if ``None``. The share of a class is what it lacks to an
            equal part of all labels after this batch (``Omega``), 0 if it has more.
        balance: what a label off that share costs, in the units of the scores (``lambda``; the authors take 0.6 for 10
            classes, 2 for 100 and 3 for 200).

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open; a negative balance; counts without chances.
        DataError: chances of another number of rows than there are scores, or counts of another number of classes.
        NonFinite: a score or a chance that may be picked is not finite; names the position.

    Warns:
        Unproven: of more than 40 open rows a set may be better by more than half a label off balance.

    Example:
        >>> scores = torch.tensor([0.9, 0.8, 0.7, 0.1])
        >>> probs = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.9, 0.1], [0.1, 0.9]])
        >>> class_balance(scores, k=2, probs=probs).tolist()
        [0, 3]
    """
    if balance < 0:
        raise UsageError(f"a balance of {balance} was asked for", hint="give 0 or more")
    rng = generator(0) if rng is None else rng
    if probs is None:
        if counts is not None:
            raise UsageError("labels were counted and there are no chances of classes", hint="give probs=")
        return top_k(scores, k=k, labelled=labelled, candidates=candidates, rng=rng)
    table, chances = as_table(scores, axes="n"), as_table(probs, axes="n c")
    if len(chances) != len(table):
        raise DataError(f"there are chances for {len(chances)} rows and scores for {len(table)}", hint="give both")
    free = free_positions(len(table), labelled, candidates, table.device)
    refuse_impossible(k, len(free))
    free = shuffled(free, rng)  # of equals the first is taken, so the seed decides which that is
    programme = _Programme(table, chances, free, k=k, lacking=_lacking(counts, chances.shape[1], k), balance=balance)
    places, proven = programme.best()
    if not proven:
        warnings.warn(
            f"class_balance cannot say that its {k} picks are within {_NEAR} labels off balance of the best set",
            Unproven,
            stacklevel=2,
        )
    order = places[np.argsort(-programme.scores[places], kind="stable")]
    return free[torch.from_numpy(order).to(free.device)]


def _lacking(counts: Any, c: int, k: int) -> Float[np.ndarray, "c"]:
    """Labels that each class lacks to an equal part of all after this batch."""
    have = np.zeros(c) if counts is None else torch.as_tensor(counts).cpu().double().numpy()
    if have.shape != (c,):
        raise DataError(f"labels of {have.size} classes were counted, and there are {c}", hint="give one a class")
    if not np.isfinite(have).all() or (have < 0).any():
        raise DataError("a class has no number of labels of 0 or more", hint="count the labels of each class")
    return np.maximum((have.sum() + k) / c - have, 0.0)


class _Programme:
    """Which of the open rows: minus their scores, and what they leave the classes off balance, as small as can be.

    Args:
        scores: of all rows.
        chances: of the classes of all rows.
        free: open positions; places below are places in this.
        k: how many are to be taken.
        lacking: labels that each class lacks.
        balance: what a label too many or too few costs.
    """

    def __init__(
        self, scores: Tensor, chances: Tensor, free: Int[Tensor, "q"], *, k: int, lacking: np.ndarray, balance: float
    ) -> None:
        self.scores = scores[free].double().numpy(force=True)
        if not np.isfinite(self.scores).all():
            raise NonFinite("the score", int(free[int((~np.isfinite(self.scores)).argmax())]))
        self._chances, self._free = chances, free
        self._k, self._lacking, self._balance = k, lacking, balance

    def best(self) -> tuple[Int[np.ndarray, "k"], bool]:
        """Places of the best set, and whether no other is better by more than may be."""
        exact = len(self.scores) <= _FEW
        places, shares, prices, bound = self._relaxed()
        chosen = places[np.argsort(-shares, kind="stable")[: self._k]]
        enough = (0.0 if exact else _NEAR * self._balance) + _ROUNDING * (1 + abs(bound))
        if self._cost(chosen) - bound > enough:
            nearness = np.abs(prices)
            nearness[
                places[(shares > _ROUNDING) & (shares < 1 - _ROUNDING)]
            ] = -1  # those in part come before all others
            few = np.argsort(nearness, kind="stable")[: len(nearness) if exact else _MANY]
            sure = np.setdiff1d(places[shares >= 1 - _ROUNDING], few)
            # The programme measures its gap against its own cost, in which the scores of the sure rows are left out.
            share = enough / 2 / max(abs(bound + self.scores[sure].sum()), 1.0)
            better = self._whole(few, sure, exact=exact, gap=0.0 if exact else share)
            if better is not None and self._cost(better) < self._cost(chosen):
                chosen = better
        return chosen, exact or self._cost(chosen) - bound <= enough

    def _relaxed(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
        """Rows may be taken in part: places in the programme, their shares, prices of all places, and the cost."""
        from scipy.optimize import linprog

        size = min(len(self.scores), max(self._k, _JOIN) + self._k)
        places = np.argsort(-self.scores, kind="stable")[:size]
        while True:
            report("class_balance", len(places), of=len(self.scores))
            costs, rows, right = self._written(places)
            found = linprog(costs, A_eq=rows, b_eq=right, bounds=self._bounds(len(places)), method="highs")
            prices = self._prices(found.eqlin.marginals)
            outside = prices.copy()
            outside[places] = np.inf
            wanted = int((outside < -_ROUNDING * (1 + np.abs(self.scores).max())).sum())
            if not wanted:
                return places, found.x[: len(places)], prices, float(found.fun)
            joining = min(wanted, max(self._k, _JOIN))
            places = np.r_[places, np.argpartition(outside, joining - 1)[:joining]]

    def _whole(self, few: np.ndarray, sure: np.ndarray, *, exact: bool, gap: float) -> np.ndarray | None:
        """The best set that holds all of ``sure`` and else only some of ``few``; ``None`` if none was found."""
        from scipy.optimize import Bounds, LinearConstraint, milp

        costs, rows, right = self._written(few)
        right = right - np.r_[self._rows(sure).sum(0), len(sure)]
        low, high = np.array(self._bounds(len(few))).T
        found = milp(
            costs,
            constraints=LinearConstraint(rows, right, right),
            integrality=np.r_[np.ones(len(few)), np.zeros(len(costs) - len(few))],
            bounds=Bounds(low, high),
            options={"mip_rel_gap": gap, **({} if exact else {"node_limit": _NODES})},
        )
        return None if found.x is None else np.r_[sure, few[found.x[: len(few)] > 0.5]]

    def _written(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Costs, equations and right sides: rows first, then what each class has too little and too much."""
        c = len(self._lacking)
        apart = np.hstack([np.eye(c), -np.eye(c)])
        equations = np.vstack([np.hstack([self._rows(places).T, apart]), np.r_[np.ones(len(places)), np.zeros(2 * c)]])
        costs = np.r_[-self.scores[places], np.full(2 * c, self._balance)]
        return costs, equations, np.r_[self._lacking, self._k]

    def _bounds(self, count: int) -> list[tuple[float, float]]:
        return [(0.0, 1.0)] * count + [(0.0, np.inf)] * (2 * len(self._lacking))

    def _rows(self, places: np.ndarray) -> Float[np.ndarray, "r c"]:
        """Chances of the classes at these places."""
        pos = self._free[torch.from_numpy(places).to(self._free.device)]
        rows: np.ndarray = self._chances[pos].double().numpy(force=True)
        bad = ~np.isfinite(rows).all(1)
        if bad.any():
            raise NonFinite("the chance", int(pos[int(bad.argmax())]))
        return rows

    def _prices(self, marginals: np.ndarray) -> Float[np.ndarray, "q"]:
        """What one more of each row would cost, everything else being as it is."""
        prices = np.empty(len(self.scores))
        for start in range(0, len(prices), _BLOCK):
            some = np.arange(start, min(start + _BLOCK, len(prices)))
            prices[some] = -self.scores[some] - self._rows(some) @ marginals[:-1] - marginals[-1]
        return prices

    def _cost(self, chosen: np.ndarray) -> float:
        off = np.abs(self._rows(chosen).sum(0) - self._lacking).sum()
        return float(self._balance * off - self.scores[chosen].sum())
