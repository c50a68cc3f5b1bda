"""The ledger: what a campaign has asked and been told, as its journal has it.

Everything is written to the journal first and known here afterwards, so a ledger that is opened again on the same
journal knows exactly what this one does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from querist.core.events import Event
from querist.pool.labels import LabelState
from querist.storage.journal import Journal, Pick, Round
from querist.strategies.base import Picks

_HAD = "answers before"
"""What a round's state calls the rows that were asked for again, with the number of answers that each had."""


class Ledger:
    """One campaign's part of a journal.

    Args:
        journal: where it stands.
        campaign: name inside the journal.
    """

    def __init__(self, journal: Journal, campaign: str) -> None:
        self.journal = journal
        self.campaign = campaign
        self.state = LabelState()
        self.round = -1
        """Number of the last round that was asked; -1 before the first."""
        self.asked: np.ndarray = np.empty(0, dtype=np.int64)
        """Rows of that round, in the order picked."""
        self._had: dict[int, int] = {}
        """Answers that rows of that round had when they were asked for again."""
        self.open = False
        """Whether its result is not yet recorded."""
        self.last_seq = 0
        """The last event that is known."""
        self._fold(journal.events(campaign=campaign))
        rounds = journal.rounds(campaign)
        if rounds:
            self.round, self.open = rounds[-1].number, not rounds[-1].closed
            self.asked = np.array([pick.row for pick in rounds[-1].picks], dtype=np.int64)
            self._had = dict((rounds[-1].state or {}).get(_HAD, []))

    @property
    def pending(self) -> np.ndarray:
        """Rows of the last round that were not yet labelled (once more) or skipped, in the order picked."""
        done = np.concatenate([self.state.rows, self.state.skipped])
        waiting = [row for row, had in self._had.items() if len(self.state.answers(row)) <= had]
        return self.asked[~np.isin(self.asked, done) | np.isin(self.asked, waiting)]

    def append(self, events: Sequence[Event]) -> None:
        """Store label events; known once they are durable."""
        self._fold(self.journal.append(events))

    def ask(self, picks: Picks, *, model_version: str, state: Any = None) -> None:
        """Record the picks of the next round, which opens it, and plain data on who chose."""
        stored = [
            Pick(row=int(row), reason=reason, order=order)
            for order, (row, reason) in enumerate(zip(picks.rows, picks.reasons, strict=True))
        ]
        number = self.round + 1
        had = {int(row): len(self.state.answers(int(row))) for row in picks.rows if int(row) in self.state}
        if had:
            state = {**(state or {}), _HAD: [[row, answers] for row, answers in had.items()]}
        self.journal.ask(self.campaign, number, stored, model_version=model_version, state=state)
        self.round, self.asked, self.open, self._had = number, picks.rows, True, had

    def close(
        self,
        *,
        labels: int,
        metrics: dict[str, float],
        seconds: dict[str, float],
        model_version: str,
        trained_through: int,
    ) -> None:
        """Record the result of the open round."""
        self.journal.close_round(
            self.campaign,
            self.round,
            labels=labels,
            metrics=metrics,
            seconds=seconds,
            model_version=model_version,
            trained_through=trained_through,
        )
        self.open = False

    def last_closed(self) -> Round | None:
        """The last round whose result is recorded."""
        closed = [record for record in self.journal.rounds(self.campaign) if record.closed]
        return closed[-1] if closed else None

    def state_through(self, seq: int) -> LabelState:
        """Label state as it was when event ``seq`` was the last one."""
        stored = self.journal.events(campaign=self.campaign)
        return LabelState(event for event in stored if event.seq is not None and event.seq <= seq)

    def _fold(self, stored: Iterable[Event]) -> None:
        for event in stored:
            self.state.apply(event)
            self.last_seq = max(self.last_seq, event.seq or 0)
