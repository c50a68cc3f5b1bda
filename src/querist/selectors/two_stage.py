"""Two stages: a selector picks in parts of the pool, and then again among the winners.

Papers: malkomes2015fast for k-center, mirzasoleiman2013distributed (GreeDi) and barbosa2015power for submodular
functions. No call sees more than a part, or the winners of all parts, so this brings a selector whose cost grows faster
than ``n`` to pools that it could not take, and it is what many machines would do.

How much is lost: by greedy k-center, at most a factor of two. The winners of a part lie within twice the best radius of
the whole pool from all that the part holds, the answer within twice of the winners: four times the best, where one
stage has two. By the greedy choice for a monotone submodular function, with random parts and the better one of the
answer and the winners of a part, the value is ``(1 - 1/e) / 2`` of the best in expectation. For that choice, give
``value``. A function that sums over all rows (facility location) sums over what it sees, a part and then the winners,
which the bound does not count; what it costs is small where parts are large. Known differences: labelled rows are seen
by every call. Cost: that of the selector, ``parts`` times for a part and once for the winners; memory for the rows of
the larger of these beside the points.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch

from querist.core.errors import DataError, NonFinite, UsageError
from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Generator, Int, Tensor
from querist.selectors.base import (
    Selector,
    as_rows,
    free_positions,
    positions,
    refuse_impossible,
    row_count,
    shuffled,
    takes,
)
from querist.selectors.k_center import k_center
from querist.selectors.memory import Memory
from querist.selectors.points import FactoredPoints


def two_stage(
    points: Any,
    *,
    k: int,
    labelled: Any = None,
    candidates: Any = None,
    rng: Generator | None = None,
    selector: Selector | None = None,
    parts: int | None = None,
    per_row: Mapping[str, Any] | None = None,
    value: Callable[[Int[Tensor, "k"]], float] | None = None,
    memory_mb: float | None = None,
) -> Int[Tensor, "k"]:
    """Positions that a selector picks among those that it picks in each of several random parts.

    Args:
        points: what the selector picks from: ``[n d]`` points, ``[n]`` scores, ``[s n c]`` samples.
        k: how many, in each part, too.
        labelled: positions never returned, and handed to every call.
        candidates: positions that are parted and may be returned; all if ``None``.
        rng: draws the parts, and is handed on; a generator with seed 0 if ``None``.
        selector: any function of this form; :func:`~querist.selectors.k_center` if ``None``. Give it its options by
            ``functools.partial``, but none that are positions: a part numbers its rows anew.
        parts: how many; if ``None``, ``sqrt(open / k)``, which makes a part as large as the winners of all. One part
            is one call of the selector on everything.
        per_row: options of the selector with an entry for each row, ``[n ...]`` (scores, weights): every call gets
            those of its rows.
        value: what a set of positions is worth. If it is given, the best of the answer and the winners of the parts
            is returned.
        memory_mb: megabytes that may be taken beside the points; as many as are useful if ``None``.

    Raises:
        UsageError, PoolExhausted: ``k`` below 1, or over what is open; no parts, or more than open positions.
        NonFinite: NaN or infinity; names the position.
        MemoryTooSmall: what must be held is over the limit.

    Example:
        >>> points = torch.arange(100.0)[:, None]
        >>> two_stage(points, k=2, labelled=[50], parts=4).tolist()
        [0, 99]
    """
    rng = generator(0) if rng is None else rng
    selector = k_center if selector is None else selector
    n = row_count(points)
    free = free_positions(n, labelled, candidates)
    refuse_impossible(k, len(free))
    count = max(1, math.isqrt(len(free) // k)) if parts is None else parts
    if not 1 <= count <= len(free):
        raise UsageError(f"{count} parts were asked for of {len(free)} positions", hint="choose a number between")
    call = _Calls(points, selector, k, positions("labelled", labelled, n), dict(per_row or {}), rng)
    if count == 1:
        return call.whole(free if candidates is not None else None, memory_mb)
    # Numbers a row; the rows of a part, or of all winners.
    rows = max(-(-len(free) // count), min(len(free), count * k)) + len(call.known)
    memory = Memory("two_stage", memory_mb, held=24 * n + rows * call.row_bytes)
    winners = []
    for number, part in enumerate(shuffled(free, rng).tensor_split(count)):
        report("two_stage", number, of=count + 1)
        winners.append(call(part, memory.left_mb()))
    report("two_stage", count, of=count + 1)
    answer = call(torch.cat(winners), memory.left_mb())
    if value is None:
        return answer
    return max([answer, *(won for won in winners if len(won) == k)], key=value)


class _Calls:
    """A selector, called on some rows as if there were no others.

    Args:
        points: all rows.
        selector: what picks.
        k: how many it is asked for, or all where there are fewer.
        known: labelled positions.
        per_row: its options that have an entry for each row.
        rng: handed to it.
    """

    def __init__(
        self, points: Any, selector: Selector, k: int, known: Tensor, per_row: dict[str, Any], rng: Generator
    ) -> None:
        self.points, self.selector, self.k, self.known, self.rng = points, selector, k, known, rng
        self.table = points if isinstance(points, FactoredPoints) else as_rows(points)
        self.per_row = {name: as_rows(values) for name, values in per_row.items()}
        n = row_count(points)
        for name, values in self.per_row.items():
            if row_count(values) != n:
                raise DataError(f"{name} has {row_count(values)} entries for {n} rows", hint="give one a row")
        tables = [*self.per_row.values()]
        tables += [self.table.left, self.table.right] if isinstance(self.table, FactoredPoints) else [self.table]
        self.row_bytes = sum(table.numel() * max(4, table.element_size()) for table in tables) // max(n, 1)

    def whole(self, candidates: Tensor | None, memory_mb: float | None) -> Int[Tensor, "k"]:
        """Its picks among everything."""
        return self.selector(
            self.points,
            k=self.k,
            labelled=self.known if len(self.known) else None,
            candidates=candidates,
            rng=self.rng,
            **self.per_row,
            **self._limit(memory_mb),
        )

    def __call__(self, pos: Int[Tensor, "q"], memory_mb: float | None) -> Int[Tensor, "k"]:
        """Its picks among ``pos``, where the labelled rows are seen, too."""
        rows, order = torch.cat([pos.cpu(), self.known]).sort()
        places = torch.argsort(order)
        try:
            picked = self.selector(
                _cut(self.table, rows),
                k=min(self.k, len(pos)),
                labelled=places[len(pos) :] if len(self.known) else None,
                candidates=places[: len(pos)].sort().values,
                rng=self.rng,
                **{name: _cut(values, rows) for name, values in self.per_row.items()},
                **self._limit(memory_mb),
            )
        except NonFinite as error:
            raise NonFinite("the entry", int(rows[int(error.row)])) from error
        return rows.to(picked.device)[picked]

    def _limit(self, memory_mb: float | None) -> dict[str, float | None]:
        return {"memory_mb": memory_mb} if takes(self.selector, "memory_mb") else {}


def _cut(table: Any, rows: Int[Tensor, "r"]) -> Any:
    """Some rows of a table, as a table."""
    rows = rows.to(table.device)
    if isinstance(table, FactoredPoints):
        return table.take(rows)
    return table[:, rows] if table.ndim == 3 else table[rows]
