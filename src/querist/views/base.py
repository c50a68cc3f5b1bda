"""Views: frozen keys that name a question put to a model about a set of rows.

A view is either *primitive* (an adapter answers it from its forward pass, or the pool does) or *derived* from other
views: it names its ``parts`` and computes itself from their answers, ``fit(*parts) -> state`` once and then
``map(*parts, state)``. ``map`` treats rows independently, so it shards, streams, caches and runs elsewhere.

Because a view is a value (it compares, hashes and prints), it can be a cache key, a capability and a declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch

from querist.core.errors import ViewMissing
from querist.core.types import Generator, Int, Tensor
from querist.tasks.aggregate import per_row

Scope = Literal["row", "unit", "pool", "model"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Positions:
    """The shape of the table at hand: how many rows, which may be asked for, which are labelled.

    Args:
        n: rows of the table.
        candidates: positions that may be picked, ``[q]``.
        labelled: positions whose labels are known, ``[m]``.
        offsets: ``[n + 1]``, where each row's units start in a unit table; ``None`` when a row is its one unit.
        task: kind of the task (``"classification"``, ``"tokens"``, ...).

    Example:
        >>> at = Positions(n=2, candidates=torch.tensor([0, 1]), offsets=torch.tensor([0, 2, 3]))
        >>> at.per_row(torch.tensor([1.0, 3.0, 5.0]), how="max")
        tensor([3., 5.])
    """

    n: int
    candidates: Int[Tensor, "q"]
    labelled: Int[Tensor, "m"] = field(default_factory=lambda: torch.empty(0, dtype=torch.long))
    offsets: Int[Tensor, "n_plus_1"] | None = None
    task: str = "classification"

    def per_row(self, values: Tensor, *, how: str = "mean") -> Tensor:
        """One number a unit ``[u]`` to one a row ``[n]``; as it is where rows are their own units."""
        return values if self.offsets is None else per_row(values, self.offsets, how=how)

    def drawn(self, q: int, *, rng: Generator) -> Int[Tensor, "q"]:
        """Random candidates that stand for all of them; all where there are no more than ``q``."""
        if len(self.candidates) <= q:
            return self.candidates
        return self.candidates[torch.randperm(len(self.candidates), generator=rng)[:q].to(self.candidates.device)]

    def row_of_unit(self, unit: int) -> int:
        """Position of the row that owns the unit."""
        if self.offsets is None:
            return unit
        return int(torch.searchsorted(self.offsets, torch.tensor(unit), right=True)) - 1

    def blocks(self, size: int) -> Iterator[tuple[slice, Positions]]:
        """The table cut into runs of ``size`` rows, each with its own positions, ascending.

        Example:
            >>> at = Positions(n=5, candidates=torch.tensor([4, 0, 3]), labelled=torch.tensor([1]))
            >>> [(rows.start, part.candidates.tolist(), part.labelled.tolist()) for rows, part in at.blocks(3)]
            [(0, [0], [1]), (3, [0, 1], [])]
        """
        candidates, labelled = self.candidates.sort().values, self.labelled.sort().values
        for start in range(0, self.n, size):
            stop = min(start + size, self.n)
            offsets = None if self.offsets is None else self.offsets[start : stop + 1] - self.offsets[start]
            part = Positions(
                n=stop - start,
                candidates=_between(candidates, start, stop),
                labelled=_between(labelled, start, stop),
                offsets=offsets,
                task=self.task,
            )
            yield slice(start, stop), part


def _between(ascending: Tensor, start: int, stop: int) -> Tensor:
    """The positions from ``start`` on and before ``stop``, counted from ``start``."""
    ends = torch.tensor([start, stop], device=ascending.device)
    first, last = torch.searchsorted(ascending, ends).tolist()
    return ascending[first:last] - start


@dataclass(frozen=True, kw_only=True)
class View:
    """A question about a set of rows.

    Args:
        of: which set is asked about: ``table`` (all rows of the snapshot), ``labelled``, ``validation`` or ``target``.
    """

    of: str = "table"

    scope: ClassVar[Scope] = "row"
    row_axis: ClassVar[int] = 0
    """Axis of the answer that runs over rows or units: 1 where posterior samples come first."""
    instead: ClassVar[str] = "choose another strategy or model"
    """What to do where a model does not answer it."""

    @property
    def members(self) -> int:
        """How many networks must be trained side by side to answer this."""
        return max((part.members for part in self.parts()), default=1)

    def parts(self) -> tuple[View, ...]:
        """The views this one is computed from; empty for a primitive view."""
        return ()

    def cut(self, answer: Any, rows: slice, *, at: Positions) -> Any:
        """The part of an answer that speaks of some rows; all of it where it speaks of no rows of the table.

        Args:
            answer: a tensor, or anything with a ``take`` of its own, such as factored points.
            rows: a run of rows of the table.
            at: the shape of the table.
        """
        if self.of != "table" or self.scope in ("pool", "model"):
            return answer
        if self.scope == "unit" and at.offsets is not None:
            rows = slice(int(at.offsets[rows.start]), int(at.offsets[rows.stop]))
        if not isinstance(answer, Tensor):
            return answer.take(rows)
        return answer.narrow(self.row_axis, rows.start, rows.stop - rows.start)

    def fit(self, *parts: Any, at: Positions) -> Any:
        """What must be learned from the whole table before rows can be mapped; nothing for most views."""
        return None

    def map(self, *parts: Any, state: Any, at: Positions) -> Any:
        """The answer for the rows of ``parts``, each row by itself."""
        raise ViewMissing(f"{self} is answered by a model or a pool, it is not computed from other views")


def primitives(views: Iterable[View], answers: Callable[[View], bool]) -> tuple[View, ...]:
    """The views that must be asked of a model so that all of ``views`` can be computed, each once, in order.

    A model is asked about the table alone: answers about another set of rows come with a snapshot.

    Args:
        views: what is declared.
        answers: whether the model answers a view by itself.

    Raises:
        ViewMissing: neither answered nor derived from anything that is.
    """
    found: dict[View, None] = {}
    for view in views:
        if view.of == "table" and answers(view):
            found[view] = None
        elif view.parts():
            found.update(dict.fromkeys(primitives(view.parts(), answers)))
        elif view.of != "table":
            raise ViewMissing(
                f"nobody answers {type(view).__name__} of the {view.of} rows", hint="bring a snapshot that holds them"
            )
        else:
            raise ViewMissing(f"this model does not answer {view}", hint=view.instead)
    return tuple(found)
