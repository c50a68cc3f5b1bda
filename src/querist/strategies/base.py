"""What a strategy is, and what the base class does for every one of them.

An author writes ``needs`` and ``pick`` (or, for scores, just ``score``). The base class checks ``k``, fetches the
declared views, refuses non-finite rows by name, seeds, verifies ``k`` distinct candidates, turns positions into row
ids once, and keeps a reason for each pick.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

from querist.core.errors import ColdStart, PoolExhausted, QueristError, UsageError
from querist.core.progress import report
from querist.core.rng import generator
from querist.core.types import Float, Generator, Int, Tensor
from querist.selectors.memory import note_rows
from querist.selectors.top_k import Best
from querist.views.base import Positions, View
from querist.views.blocks import block_rows, widened
from querist.views.snapshot import Snapshot

_SAMPLE = 1 << 20
"""Scores whose median stands for that of the pool; more are thinned evenly. Its rank is then right to a thousandth."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Picks:
    """What a strategy asks for, in the order picked.

    Args:
        rows: pool ids, ``[k]``.
        positions: places in the snapshot, ``[k]``.
        reasons: one short sentence a pick, for the person who labels it.
    """

    rows: np.ndarray
    positions: Int[Tensor, "k"]
    reasons: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, kw_only=True)
class Strategy(ABC):
    """A frozen sentence: its fields are its options, stored unchanged."""

    rows: ClassVar[tuple[str, ...]] = ()
    """Ids of the literature table that this class serves."""
    kind: ClassVar[str] = "strategy"
    """What the published idea is: a strategy, or a view or selector that this one runs."""
    family: ClassVar[str]
    """The survey's class: uncertainty, bayesian, density, hybrid, ..."""
    paper: ClassVar[str] = ""
    """Key in ``refs.bib``."""
    survey: ClassVar[str] = ""
    """Section of ren2021survey."""
    cost: ClassVar[str] = ""
    """Time and memory, in the axis alphabet."""
    tasks: ClassVar[tuple[str, ...]] = ("classification",)
    """Kinds of task it has a meaning for."""
    deterministic: ClassVar[bool] = True
    """Whether only ties are broken by the seed; then an untied pick does not depend on the order of rows."""
    needs_labels: ClassVar[bool] = False
    """Whether it raises :class:`ColdStart` when nothing is labelled."""
    relabels: ClassVar[bool] = False
    """Whether it also chooses among rows that have a label and may get another one."""
    slow: ClassVar[str] = ""
    """Why it takes more than 10 s or 1 GB on two cores to choose 100 of 50,000 rows, views at hand, if it does."""
    signal: ClassVar[str] = ""
    """What the contract plants for it to find, if not what its family finds (see :mod:`querist.testing.toys`)."""
    known_gaps: ClassVar[dict[str, str]] = {}
    """Contract checks that do not hold, each with its reason. An unexpected pass fails."""

    @abstractmethod
    def needs(self) -> tuple[View, ...]:
        """The views that ``pick`` gets, in this order."""

    def needs_for(self, task: str) -> tuple[View, ...]:
        """The views for one kind of task: :meth:`needs`, unless that task is asked another question."""
        return self.needs()

    def needs_at_first(self, task: str) -> tuple[View, ...]:
        """The views that are enough while nothing is labelled: :meth:`needs_for`, unless it then does with less."""
        return self.needs_for(task)

    @abstractmethod
    def pick(self, *views: Any, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        """``k`` positions among ``at.candidates``, in the order picked."""

    def reasons(self, *views: Any, at: Positions, picked: Int[Tensor, "k"]) -> list[str]:
        """Why each position was picked, one short sentence each."""
        return [f"pick {order} of {len(picked)}" for order in range(1, len(picked) + 1)]

    def pick_with_reasons(self, *views: Any, at: Positions, k: int, rng: Generator) -> tuple[Tensor, list[str]]:
        """:meth:`pick` and :meth:`reasons` in one, for strategies that learn the reason while they pick."""
        picked = self.pick(*views, at=at, k=k, rng=rng)
        self._verify(picked, at, k)
        return picked, self.reasons(*views, at=at, picked=picked)

    def __call__(self, snapshot: Snapshot, *, k: int, seed: int = 0) -> np.ndarray:
        """Pool ids of the ``k`` rows to ask for, ``[k]``, in the order picked.

        Raises:
            UsageError: ``k`` below 1.
            PoolExhausted: ``k`` over the candidates that are left.
            ColdStart: the strategy needs labels and there are none.
            ViewMissing: the snapshot cannot answer a declared view.
            NonFinite: a view holds NaN or infinity; names the row.
        """
        return self.choose(snapshot, k=k, seed=seed).rows

    def choose(self, snapshot: Snapshot, *, k: int, seed: int = 0) -> Picks:
        """The same, with positions and reasons."""
        at, name = snapshot.at, type(self).__name__
        left = len(at.candidates)
        if k < 1:
            raise UsageError(f"{name} was asked for {k} rows", hint="ask for 1 or more")
        if k > left:
            raise PoolExhausted(f"{name} was asked for {k} rows, {left} are left", hint=f"ask for at most {left}")
        if at.task not in self.tasks:
            raise UsageError(f"{name} has no meaning for the task {at.task}", hint=f"it serves {', '.join(self.tasks)}")
        if self.needs_labels and not len(at.labelled):
            raise ColdStart(f"{name} compares with labelled rows and there are none", hint="label a few at random")
        views = []
        for view in self.needs_for(at.task):
            views.append(snapshot[view])
            snapshot.refuse_non_finite(view)
        with torch.no_grad():
            picked, reasons = self.pick_with_reasons(*views, at=at, k=k, rng=generator(seed, "pick"))
            self._verify(picked, at, k)
        return Picks(rows=snapshot.rows[picked.numpy(force=True)], positions=picked, reasons=tuple(reasons))

    def _verify(self, picked: Tensor, at: Positions, k: int) -> None:
        """A pick that breaks the contract is this package's fault, and must not reach a person."""
        picked = picked.cpu()
        open_to_ask = torch.zeros(at.n, dtype=torch.bool)
        open_to_ask[at.candidates.cpu()] = True
        allowed = (picked >= 0) & (picked < at.n)
        allowed &= open_to_ask[picked.clamp(0, at.n - 1)]
        if len(picked) != k or len(picked.unique()) != k or not bool(allowed.all()):
            raise QueristError(
                f"{type(self).__name__} returned {len(picked)} positions ({len(picked.unique())} distinct, "
                f"{int(allowed.sum())} among the candidates) for k = {k}",
                hint="this is a bug in the strategy",
            )


@dataclass(frozen=True, kw_only=True)
class ScoreStrategy(Strategy):
    """A strategy that gives each row (or unit) a number and takes the ``k`` highest.

    Args:
        aggregate: how the numbers of a row's units become one: ``mean``, ``sum``, ``max`` or ``any``
            (see :func:`querist.tasks.aggregate.per_row`). No effect where a row is its one unit.
    """

    aggregate: str = "mean"

    tasks: ClassVar[tuple[str, ...]] = ("classification", "multilabel", "tokens")
    word: ClassVar[str] = "score"
    """What the number is called in reasons, with its unit."""

    @abstractmethod
    def score(self, *views: Any) -> Float[Tensor, "u"]:
        """One number a row or unit; higher means "ask me first"."""

    def row_scores(self, *views: Any, at: Positions) -> Float[Tensor, "n"]:
        """The scores of whole rows, each row by itself: a large table comes block by block.

        What must be known about other rows is a view that is fitted to them, as
        :class:`~querist.views.density.Density` is.
        """
        return at.per_row(self.score(*views), how=self.aggregate)

    def pick(self, *views: Any, at: Positions, k: int, rng: Generator) -> Int[Tensor, "k"]:
        best = Best(k, rng=rng)
        for pos, scores in self.candidate_scores(views, at):
            best.add(pos, scores)
        return best.picked()[0]

    def pick_with_reasons(self, *views: Any, at: Positions, k: int, rng: Generator) -> tuple[Tensor, list[str]]:
        best = Best(k, rng=rng)
        every, seen, some = 1 + (len(at.candidates) - 1) // _SAMPLE, 0, []
        for pos, scores in self.candidate_scores(views, at):  # once, for the picks and for their reasons
            best.add(pos, scores)
            some.append(scores[-seen % every :: every].clone())
            seen += len(scores)
        picked, highest = best.picked()
        middle = float(torch.cat(some).median())
        return picked, [self.reason(score, middle, at) for score in highest.tolist()]

    def candidate_scores(self, views: tuple[Any, ...], at: Positions) -> Iterator[tuple[Tensor, Tensor]]:
        """Candidates and their scores, ascending, from one block of rows after the other."""
        keys = self.needs_for(at.task)
        width = sum(_numbers(view) for view in views) // at.n
        for rows, part in at.blocks(block_rows(width)):
            report(type(self).__name__, rows.start, of=at.n)
            note_rows(part.n, part.n * width)
            if len(part.candidates):
                block = [_widened(key.cut(view, rows, at=at)) for key, view in zip(keys, views, strict=True)]
                yield part.candidates + rows.start, self.row_scores(*block, at=part)[part.candidates]

    def reason(self, score: float, middle: float, at: Positions) -> str:
        """Why a row of this score was picked, where the median of the candidates is ``middle``."""
        return f"{self.word} {score:.3g} (pool median {middle:.3g})"


def _numbers(view: Any) -> int:
    return view.numel() if isinstance(view, Tensor) else len(view) * view.width if hasattr(view, "width") else 0


def _widened(view: Any) -> Any:
    return widened(view) if isinstance(view, Tensor) else view
