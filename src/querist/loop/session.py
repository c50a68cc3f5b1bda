"""Session: the loop around a model. ``ask`` for rows, ``tell`` their labels, ``fit``, ``evaluate``.

Every fact goes to the journal before it changes anything here, and every random draw is named by the round it
belongs to. So a session that is built again from its journal (:meth:`Session.replay`) goes on exactly as the one
that was cut off would have.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from querist.core.errors import ColdStart, DataError, PoolExhausted, UsageError
from querist.core.events import LabelGiven, LabelRetracted, Query
from querist.core.rng import child_seed
from querist.core.scratch import scratch_folder
from querist.loop.advisor import Advice, Advisor, chooser, situation_of
from querist.loop.agreed import agreed_labels
from querist.loop.cold_start import initial_strategy
from querist.loop.ledger import Ledger
from querist.loop.replay import keep_weights, restore_model
from querist.loop.table import computed, refuse_closed_rows
from querist.loop.viewer import Viewer
from querist.models.base import Adapter, FitReport
from querist.pool.labels import LabelState
from querist.pool.pool import Pool
from querist.storage.journal import Journal
from querist.strategies.base import Picks, Strategy
from querist.tasks import make_task
from querist.tasks.base import Label, Task
from querist.views.snapshot import Snapshot

COSTS = ("train", "views", "select")


class Session:
    """One campaign: a pool, a model, a strategy, and what has been told so far.

    Args:
        pool: rows to choose from, or a data name such as ``"digits"`` or ``"images:./photos"``.
        model: an adapter, a ``torch.nn.Module`` (or a function that makes one), or a model's name. ``None`` takes
            the default for the data, when a model is first needed: with snapshots of your own there is never one.
        task: what a label is; guessed from the data if ``None``.
        strategy: a strategy or its name; ``auto`` (or an :class:`~querist.loop.advisor.Advisor`) takes another one as
            labels become many.
        seed: decides every draw of the session.
        journal: where events and rounds are kept; a temporary one if ``None``, gone with the
            session.
        campaign: name of this session inside the journal.
        candidates: score only this many random unlabelled rows a round; all if ``None``.
        initial: who asks for the first rows, before any label: a strategy that needs none and no trained model, or
            its name (``random``, ``cold_start``, ``typi_clust``, ``core_set``, ...). It sees the inputs as they are,
            or the embeddings of a frozen encoder.
        validation: rows whose labels serve early stopping and stopping rules; they are on the bill.
        free_validation: whether ``validation`` is left off the bill.
        overlap: answers that a row may get. Over 1, a strategy that chooses between new rows and further answers
            (such as ``active_lab``) may ask for labelled rows again, as long as they have fewer.
        consensus: what several answers to a row mean for training: ``majority`` (of as many votes the last), or
            ``dawid_skene``, ``one_coin`` or ``mace`` (see :mod:`querist.crowd`), for classification.
        weights: folder to keep the weights of the last rounds in; none are kept if ``None``.
        cache_mb: views larger than this stand in memory-mapped files.

    Example:
        >>> import querist as q
        >>> session = q.Session("digits", model="mlp", strategy="margin", seed=0)
        >>> rows = session.ask(20)
        >>> session.tell(rows, session.pool.truth(rows))
        >>> session.labels
        20
    """

    def __init__(
        self,
        pool: Pool | str,
        *,
        model: Adapter | Any = None,
        task: Task | None = None,
        strategy: Strategy | Advisor | str = "badge",
        seed: int = 0,
        journal: Journal | None = None,
        campaign: str = "main",
        candidates: int | None = None,
        initial: str | Strategy = "random",
        validation: np.ndarray | None = None,
        free_validation: bool = False,
        overlap: int = 1,
        consensus: str = "majority",
        weights: Path | None = None,
        cache_mb: float = 1024,
    ) -> None:
        if isinstance(pool, str):
            from querist.pool.sources import open_pool

            pool = open_pool(pool)
        self.pool: Pool = pool
        self.task: Task = task if task is not None else make_task(*self.pool.suggest_task())
        self.strategy, self.advisor = chooser(strategy)
        self.advice: Advice | None = None
        """Who chose the last round, and why, where an advisor says it."""
        self.seed = seed
        if journal is None:
            journal = Journal.open(scratch_folder(self, "session") / "querist.db", create=True)
            weakref.finalize(self, journal.close)
        self.ledger = Ledger(journal, campaign)
        self.weights = weights
        self.seconds = dict.fromkeys(COSTS, 0.0)
        """What the open round has cost so far."""
        self._model = model
        self._adapter: Adapter | None = None
        self.candidates = candidates
        self._initial = initial_strategy(initial, self.task.kind)
        self._validation = np.empty(0, dtype=np.int64) if validation is None else np.asarray(validation)
        self._free_validation = free_validation
        if overlap < 1:
            raise UsageError(f"a row cannot get {overlap} answers", hint="use 1 or more")
        self.overlap = overlap
        self._consensus = consensus
        agreed_labels(LabelState(), self.task, how=consensus)  # refuses an unknown one before anybody is asked
        self.viewer = Viewer(self.pool, self.task, cache_mb=cache_mb)
        self._trained_through = 0

    @classmethod
    def replay(cls, journal: Journal, pool: Pool | str, **options: Any) -> Session:
        """A session as it stood when its journal was last written: same labels, same open picks, same model.

        The model of the last closed round is read from ``weights`` if it is there, and trained again from the
        journal's labels and the round's seed if not; both give the same weights.

        Args:
            journal: a journal with this campaign's events.
            pool: the same pool.
            options: as for :class:`Session`.
        """
        session = cls(pool, journal=journal, **options)
        restore_model(session)
        return session

    # -- what is known ---------------------------------------------------------------------------------------

    @property
    def labels(self) -> int:
        """Labels on the bill: every one given, and those for validation unless they were declared free."""
        return self.state.count + (0 if self._free_validation else len(self._validation))

    @property
    def journal(self) -> Journal:
        """Where everything is kept."""
        return self.ledger.journal

    @property
    def campaign(self) -> str:
        """Name of this session inside its journal."""
        return self.ledger.campaign

    @property
    def state(self) -> LabelState:
        """What has been told: labelled rows, their labels, and who gave them."""
        return self.ledger.state

    @property
    def round(self) -> int:
        """Number of the last round that was asked; -1 before the first."""
        return self.ledger.round

    @property
    def pending(self) -> np.ndarray:
        """Rows of the last round that were asked for and not yet labelled or skipped, in the order picked."""
        return self.ledger.pending

    @property
    def round_is_open(self) -> bool:
        """Whether the last round was asked and its result is not yet recorded."""
        return self.ledger.open

    @property
    def unlabelled(self) -> np.ndarray:
        """Training rows that may be asked for, in pool order."""
        taken = np.concatenate([self.state.rows, self.state.skipped, self._validation])
        return np.setdiff1d(self.pool.rows("train"), taken)

    @property
    def open_again(self) -> np.ndarray:
        """Labelled rows that may be asked for once more: none, unless the strategy chooses between old and new."""
        if self.overlap < 2 or not self.strategy.relabels:
            return np.empty(0, dtype=np.int64)
        rows = [row for row in self.state.rows.tolist() if len(self.state.answers(row)) < self.overlap]
        return np.setdiff1d(np.array(rows, dtype=np.int64), self._validation)

    @property
    def adapter(self) -> Adapter:
        """The model's adapter, made and prepared when first needed."""
        if self._adapter is None:
            from querist.models import as_adapter

            self._adapter = as_adapter(self._model, self.pool, self.task)
            self._adapter.prepare(self.pool, self.task)
        return self._adapter

    # -- the four acts ---------------------------------------------------------------------------------------

    def ask(
        self, k: int, *, snapshot: Snapshot | None = None, progress: Callable[[float], None] | None = None
    ) -> np.ndarray:
        """The ``k`` rows that are worth a label now, as pool ids in the order picked. Opens a new round.

        Args:
            k: how many.
            snapshot: views that you computed yourself; its row ids must be pool ids. Without it the session's own
                model answers (trained first, if labels were told and ``fit`` was never called).
            progress: called with the share of the views that is computed.

        Raises:
            UsageError: ``k`` below 1.
            PoolExhausted: fewer than ``k`` unlabelled rows are left.
        """
        number = self.round + 1
        if k < 1:
            raise UsageError(f"{k} rows were asked for", hint="ask for 1 or more")
        again = len(self.open_again)
        left = len(self.unlabelled) + again
        if k > left:
            what = "unlabelled or may be asked again" if again else "unlabelled"
            raise PoolExhausted(f"{k} rows were asked for, {left} are {what}", hint=f"ask for at most {left}")
        strategy = self._chooser(k, snapshot)
        if snapshot is None:
            started = time.perf_counter()
            snapshot = computed(self, strategy, k=k, progress=progress)
            self.seconds["views"] += time.perf_counter() - started
        else:
            refuse_closed_rows(self, snapshot)
        started = time.perf_counter()
        picks = strategy.choose(snapshot, k=k, seed=child_seed(self.seed, "ask", number))
        self.seconds["select"] += time.perf_counter() - started
        self.ledger.ask(
            picks, model_version=self._version, state=None if self.advice is None else self.advice.to_plain()
        )
        return picks.rows

    def assign(self, rows: Sequence[int] | np.ndarray, *, reason: str = "chosen elsewhere") -> np.ndarray:
        """Open a new round with rows that somebody else chose: a paper's first rows, the picks of another program.

        Raises:
            UsageError: no rows, or one of them twice.
            DataError: a row that may not be asked for.
        """
        given = np.asarray(rows, dtype=np.int64)
        if not len(given) or len(np.unique(given)) < len(given):
            raise UsageError(f"{len(given)} rows were assigned", hint="give one row or more, each of them once")
        closed = given[~np.isin(given, self.unlabelled)]
        if len(closed):
            raise DataError(f"row {closed[0]} was assigned, which is labelled already or is no training row")
        picks = Picks(rows=given, positions=torch.arange(len(given)), reasons=(reason,) * len(given))
        self.ledger.ask(picks, model_version=self._version)
        return given

    def tell(
        self,
        rows: Sequence[int] | np.ndarray,
        labels: Sequence[Label],
        *,
        annotator: str | Sequence[str] = "oracle",
    ) -> None:
        """Give labels. They are durable when this returns; a label told again by one annotator replaces the first.

        Args:
            rows: pool ids; a row may come several times, from several annotators.
            labels: one a row, as a person gives them (a class name, a number, a list of tags).
            annotator: who says so: one name for all, or one a row.

        Raises:
            DataError: a row that is not in the pool, a label that does not belong to the task; nothing is stored.
            NotDurable: the journal could not be written; nothing is acknowledged.
        """
        rows = [int(row) for row in rows]
        if len(rows) != len(labels):
            raise DataError(f"{len(labels)} labels were told for {len(rows)} rows", hint="give one label a row")
        names = [annotator] * len(rows) if isinstance(annotator, str) else list(annotator)
        if len(names) != len(rows):
            raise DataError(f"{len(names)} annotators were named for {len(rows)} rows", hint="name one a row, or one")
        known = set(self.pool.rows("train").tolist())
        for row, label in zip(rows, labels, strict=True):
            if row not in known:
                raise DataError(f"row {row} was labelled, it is no training row of {self.pool.name}")
            self.task.check(self.pool[row], label)
        events = [
            LabelGiven(
                query=Query(row=row),
                payload=_plain(label),
                annotator=name,
                campaign=self.campaign,
                model_version=self._version,
            )
            for row, label, name in zip(rows, labels, names, strict=True)
        ]
        self.ledger.append(events)

    def retract(self, rows: Sequence[int] | np.ndarray, *, annotator: str = "oracle") -> None:
        """Take labels back; the rows may be asked for again. What was spent on them stays on the bill."""
        events = [
            LabelRetracted(query=Query(row=int(row)), annotator=annotator, campaign=self.campaign) for row in rows
        ]
        self.ledger.append(events)

    def fit(self, *, progress: Callable[[float], None] | None = None) -> FitReport:
        """Train on everything that was told.

        Raises:
            ColdStart: nothing was told yet.
        """
        known = self.ledger.last_seq
        report = self.train(self.state, round_number=max(self.round, 0), progress=progress)
        self.seconds["train"] += report.seconds
        self._trained_through = known
        return report

    def train(
        self, state: LabelState, *, round_number: int, progress: Callable[[float], None] | None = None
    ) -> FitReport:
        """Train on ``state`` with the seed of a round; what :meth:`fit` does with all that is known now."""
        if not len(state):
            raise ColdStart("there are no labels to train on", hint="ask for rows and tell their labels first")
        rows = state.rows
        held_out = (self._validation, self.pool.truth(self._validation)) if len(self._validation) else None
        return self.adapter.fit(
            self.pool,
            rows,
            agreed_labels(state, self.task, how=self._consensus),
            seed=child_seed(self.seed, "fit", round_number),
            members=max((view.members for view in self.strategy.needs_for(self.task.kind)), default=1),
            validation=held_out,
            progress=progress,
        )

    def evaluate(self, split: str = "test") -> dict[str, float]:
        """The task's metrics on a split (``"validation"``: the session's own validation rows)."""
        rows = self._validation if split == "validation" and len(self._validation) else self.pool.rows(split)
        if not len(rows):
            raise DataError(f"{self.pool.name} has no {split} rows", hint="name a split column with --split")
        answers, offsets = self.adapter.predict(self.pool, rows)
        return self.task.evaluate(answers, offsets, self.pool.truth(rows))

    def close_round(self, metrics: dict[str, float]) -> None:
        """Record the open round's result and its weights; the next ``ask`` opens a new one."""
        if not self.round_is_open:
            raise UsageError("no round is open", hint="ask first")
        keep_weights(self)
        self.ledger.close(
            labels=self.labels,
            metrics=metrics,
            seconds=dict(self.seconds),
            model_version=self._version,
            trained_through=self._trained_through,
        )
        self.seconds = dict.fromkeys(COSTS, 0.0)

    # -- inside ----------------------------------------------------------------------------------------------

    def _chooser(self, k: int, snapshot: Snapshot | None) -> Strategy:
        """Who chooses the next round."""
        self.advice = None
        if not len(self.state) and snapshot is None:
            return self._initial
        if self.advisor is not None:
            self.advice = self.advisor.advise(situation_of(self, k=k, snapshot=snapshot))
            self.strategy = self.advice.made()
        return self.strategy

    @property
    def _version(self) -> str:
        return "" if self._adapter is None else self._adapter.version


def _plain(label: Label) -> Any:
    """A label as JSON can hold it."""
    if isinstance(label, np.ndarray | np.generic):
        return label.tolist()
    return list(label) if isinstance(label, tuple) else label
