"""Cost-effective pairs (CEAL): which rows to ask next, and whom about each of them.

Paper: huang2017cost. Known differences: an annotator's expertise is his plain share of right answers among the nearest
rows that he has answered, right being what the crowd agrees on; the paper has rows that everybody has answered, and
weighs them (how could not be confirmed: the paper was not at hand). A batch takes each row once. Cost: time O(q v d)
for q candidates, memory O(v + q a) and a tile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from querist.core.errors import DataError, PoolExhausted, UsageError
from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.crowd.majority import majority
from querist.crowd.votes import Votes

_TILE = 1 << 22
"""Distances that stand in memory at once."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Whom to ask about what, the pair of most worth first.

    Args:
        rows: positions in the table, ``[k]``, each once.
        annotators: position of the annotator for each of them, ``[k]``.
        values: doubt times expertise over price, ``[k]``.
    """

    rows: Int[Tensor, "k"]
    annotators: Int[Tensor, "k"]
    values: Float[Tensor, "k"]


def cost_effective(
    votes: Votes,
    points: Any,
    scores: Any,
    *,
    k: int,
    prices: Sequence[float] | None = None,
    candidates: Any = None,
    labels: Any = None,
    neighbours: int = 10,
    rng: Generator | None = None,
) -> Pairs:
    """The ``k`` rows of most worth, each with the annotator who gives most for the money.

    Who is good in general need not be good at this row, and who is bad and cheap may be just right for it. Each is
    judged by his answers to the rows most like it.

    Formula:
        highest ``r(x) q_j(x) / c_j``: doubt about the row, expertise of the annotator near it, price of the annotator

    Args:
        votes: who said what so far.
        points: where the rows lie, ``[n d]``.
        scores: the model's doubt about each row, 0 or more, ``[n]`` (the paper's is least confidence).
        k: how many pairs.
        prices: of an answer of each annotator, ``[a]``; all alike if ``None``.
        candidates: positions that may be asked; rows without votes if ``None``. Nobody is asked twice about one row.
        labels: class positions that count as right, ``[n]``; the majority's if ``None``.
        neighbours: nearest rows that an annotator is judged by.
        rng: breaks ties; a generator with seed 0 if ``None``.

    Raises:
        UsageError: ``k`` or ``neighbours`` below 1, prices of 0 or less, negative scores.
        PoolExhausted: fewer than ``k`` rows may be asked.
        DataError: points, scores, labels or prices of another length.

    Example:
        Ann knows the left, Bob the right, and row 4 lies on the right.

        >>> votes = Votes.from_table([[0, 1], [1, 0], [1, 0], [1, 0], [-1, -1]])
        >>> points = [[-1.0], [-1.1], [1.0], [1.1], [1.2]]
        >>> pairs = cost_effective(votes, points, [0.5] * 5, k=1, labels=[0, 1, 0, 0, 0], neighbours=2)
        >>> pairs.rows.tolist(), pairs.annotators.tolist()
        ([4], [1])
    """
    table, doubt = _floats(points), _floats(scores)
    cost = torch.ones(votes.a, dtype=torch.float64) if prices is None else _floats(prices)
    said = votes.counts().sum(1)
    free = torch.nonzero(said == 0).flatten() if candidates is None else torch.as_tensor(np.asarray(candidates)).long()
    if table.ndim != 2 or len(table) != votes.n or len(doubt) != votes.n or len(cost) != votes.a:
        raise DataError(
            f"{list(table.shape)} points, {len(doubt)} scores and {len(cost)} prices were given for {votes.n} rows and "
            f"{votes.a} annotators",
            hint="give [n d], [n] and [a]",
        )
    if k < 1 or neighbours < 1 or not bool((cost > 0).all()) or not bool((doubt >= 0).all()):
        raise UsageError(
            f"{k} pairs were asked for by {neighbours} neighbours", hint="use 1 or more, prices above 0, scores from 0"
        )
    right = majority(votes, rng=rng).labels if labels is None else torch.as_tensor(np.asarray(labels)).long()
    agreed = (votes.classes == right[votes.rows]).double()
    skill = _expertise(votes, table, agreed, free, neighbours)
    worth = doubt[free, None] * skill / cost
    place = torch.full((votes.n,), -1, dtype=torch.long).index_copy_(0, free, torch.arange(len(free)))
    asked = place[votes.rows] >= 0
    worth[place[votes.rows[asked]], votes.annotators[asked]] = -torch.inf
    drawn = generator(0) if rng is None else rng
    order = torch.randperm(votes.a, generator=drawn)
    best, who = worth[:, order].max(1)
    shuffled = torch.randperm(len(free), generator=drawn)
    first = shuffled[best[shuffled].argsort(descending=True, stable=True)][:k]
    if len(first) < k or not bool(best[first].isfinite().all()):
        raise PoolExhausted(f"{k} pairs were asked for, {int(best.isfinite().sum())} rows have somebody left to ask")
    return Pairs(rows=free[first], annotators=order[who[first]], values=best[first])


def _expertise(
    votes: Votes, table: Float[Tensor, "n d"], agreed: Float[Tensor, "v"], free: Int[Tensor, "q"], neighbours: int
) -> Float[Tensor, "q a"]:
    """Share of right answers of each annotator to the rows nearest each candidate; the mean of all for the silent."""
    skill = torch.full((len(free), votes.a), torch.nan, dtype=torch.float64)
    for who in range(votes.a):
        report("cost_effective", who, of=votes.a)
        own = torch.nonzero(votes.annotators == who).flatten()
        if not len(own):
            continue
        known = table[votes.rows[own]]
        near = min(neighbours, len(own))
        for start in range(0, len(free), max(_TILE // len(own), 1)):
            block = slice(start, start + max(_TILE // len(own), 1))
            far = torch.cdist(table[free[block]], known)
            skill[block, who] = agreed[own][far.topk(near, largest=False).indices].mean(1)
    mean = skill.nanmean(1, keepdim=True).nan_to_num(1.0)
    return skill.where(skill.isfinite(), mean)


def _floats(values: Any) -> Tensor:
    return torch.as_tensor(np.asarray(values)).double()
