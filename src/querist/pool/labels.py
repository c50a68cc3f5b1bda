"""What is labelled now: a fold of label events, so the journal alone decides it.

The same events give the same state, whoever replays them and whenever. An annotator's later answer to a row
replaces the earlier one; taking it back leaves the answers of the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from querist.core.errors import UsageError
from querist.core.events import (
    ActUndone,
    Event,
    FlagLowered,
    LabelGiven,
    LabelRetracted,
    RowFlagged,
    RowSkipped,
    RowUnsure,
)


class LabelState:
    """The labels of rows, as several annotators gave, replaced and retracted them.

    Example:
        >>> from querist.core.events import Query
        >>> state = LabelState()
        >>> state.apply(LabelGiven(query=Query(row=3), payload="cat", annotator="ann"))
        >>> state.apply(LabelGiven(query=Query(row=3), payload="dog", annotator="bob"))
        >>> state.label(3), state.answers(3), state.count
        ('dog', {'ann': 'cat', 'bob': 'dog'}, 2)
        >>> state.apply(LabelRetracted(query=Query(row=3), annotator="bob"))
        >>> state.label(3), state.rows.tolist(), state.count
        ('cat', [3], 2)
    """

    def __init__(self, events: Iterable[Event] = ()) -> None:
        # Both dictionaries keep order: rows by first label, answers from the oldest to the latest.
        self._answers: dict[int, dict[str, Any]] = {}
        self._declined: dict[int, set[str]] = {}
        self._count = 0
        for event in events:
            self.apply(event)

    def apply(self, event: Event) -> None:
        """Fold one event in. Facts about units, pairs and other matters leave row labels as they are."""
        row, who = event.query.row, event.annotator
        if event.query.unit is not None or event.query.other is not None:
            return
        if isinstance(event, LabelGiven):
            self._answer(row, who, event.payload)
            self._count += 1
        elif isinstance(event, LabelRetracted):
            self._forget(row, who)
        elif isinstance(event, RowSkipped | RowUnsure | RowFlagged):
            self._decline(row, who)
        elif isinstance(event, FlagLowered):
            self._allow(row, event.payload["of"])
        elif isinstance(event, ActUndone):
            self._undo(row, who, event.payload["restores"])

    def _answer(self, row: int, who: str, label: Any) -> None:
        answers = self._answers.setdefault(row, {})
        answers.pop(who, None)
        answers[who] = label
        self._declined.pop(row, None)

    def _forget(self, row: int, who: str) -> None:
        answers = self._answers.get(row, {})
        answers.pop(who, None)
        if not answers:
            self._answers.pop(row, None)

    def _decline(self, row: int, who: str) -> None:
        self._forget(row, who)  # what they say now holds, and it is no label
        if row not in self._answers:
            self._declined.setdefault(row, set()).add(who)

    def _allow(self, row: int, who: str) -> None:
        declined = self._declined.get(row, set())
        declined.discard(who)
        if not declined:
            self._declined.pop(row, None)

    def _undo(self, row: int, who: str, restores: Any) -> None:
        self._forget(row, who)
        self._allow(row, who)
        if restores is not None and restores["kind"] == LabelGiven.__name__:
            self._answer(row, who, restores["payload"])
        elif restores is not None and restores["kind"] != LabelRetracted.__name__:
            self._decline(row, who)

    @property
    def rows(self) -> np.ndarray:
        """Labelled row ids ``[m]``, in the order of their first label."""
        return np.fromiter(self._answers, np.int64, len(self._answers))

    def __len__(self) -> int:
        return len(self._answers)

    def __contains__(self, row: object) -> bool:
        return row in self._answers

    def label(self, row: int) -> Any:
        """What most annotators say; of several labels with as many votes, the one that was given last.

        Raises:
            UsageError: the row is not labelled.
        """
        answers = list(self.answers(row).values())
        if not answers:
            raise UsageError(f"row {row} has no label", hint="ask for it first")
        votes = [sum(one == other for other in answers) for one in answers]
        return max(zip(votes, range(len(answers)), answers, strict=True))[2]

    def answers(self, row: int) -> dict[str, Any]:
        """Every annotator's present answer, from the oldest to the latest; empty if there is none."""
        return dict(self._answers.get(row, {}))

    @property
    def count(self) -> int:
        """Labels given: the bill. Replacing, retracting or undoing a label does not refund it."""
        return self._count

    @property
    def skipped(self) -> np.ndarray:
        """Rows that somebody declined (skipped, flagged, or could not tell) and nobody has labelled, oldest first."""
        return np.fromiter(self._declined, np.int64, len(self._declined))
