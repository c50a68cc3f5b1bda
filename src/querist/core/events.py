"""Facts about labels and rows, in the past tense. The journal stores them; label state is a fold over them.

An event is never changed: a mistake is followed by another event. ``op_id`` is made by whoever acts, so sending
the same act twice (a retry after a lost answer) stores it once.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar


def new_op_id() -> str:
    """A fresh operation id. Random, not seeded: two people may act at the same moment."""
    return uuid.uuid4().hex


@dataclass(frozen=True, kw_only=True)
class Query:
    """What was asked: a row, a unit of it, or a pair of rows. A new payload is a row of its own with a parent.

    Args:
        row: pool id.
        unit: position of the token, pixel or box in the row; ``None`` for the whole row.
        other: the second row of a pair.
    """

    row: int
    unit: int | None = None
    other: int | None = None


@dataclass(frozen=True, kw_only=True)
class Event:
    """One fact. ``seq`` and ``at`` are given by the journal when the event is durable.

    Args:
        query: what the fact is about.
        payload: plain data (JSON): a label, a parent, a reason.
        annotator: who acted; ``"oracle"`` for the simulated one.
        campaign: which run inside the journal, for example ``"badge/0"``.
        op_id: unique; the same id twice is one event.
        suggestion_shown: whether the annotator saw the model's guess; ``None`` where nobody could.
        model_version: fingerprint of the weights that asked.
        at: seconds since the epoch (UTC).
        seq: place in the journal, from 1.
    """

    query: Query
    payload: Any = None
    annotator: str = "oracle"
    campaign: str = "main"
    op_id: str = field(default_factory=new_op_id)
    suggestion_shown: bool | None = None
    model_version: str = ""
    at: float | None = None
    seq: int | None = None

    kinds: ClassVar[dict[str, type[Event]]] = {}

    def __init_subclass__(cls) -> None:
        Event.kinds[cls.__name__] = cls

    @property
    def kind(self) -> str:
        """The event's name: its class."""
        return type(self).__name__


@dataclass(frozen=True, kw_only=True)
class LabelGiven(Event):
    """An annotator gave ``payload`` as the label of ``query``. A second one by the same annotator replaces it."""


@dataclass(frozen=True, kw_only=True)
class LabelRetracted(Event):
    """An annotator took the label of ``query`` back."""


@dataclass(frozen=True, kw_only=True)
class RowSkipped(Event):
    """An annotator declined to label ``query`` (a label they had given holds no more); ``payload`` may say why."""


@dataclass(frozen=True, kw_only=True)
class RowUnsure(Event):
    """An annotator looked at ``query`` and cannot tell; that is an answer, unlike a skip. ``payload`` may say why."""


@dataclass(frozen=True, kw_only=True)
class RowFlagged(Event):
    """An annotator says that something is wrong with ``query``; nobody else is asked until somebody looked."""


@dataclass(frozen=True, kw_only=True)
class FlagLowered(Event):
    """Somebody looked at a flag: ``payload`` holds ``of``, the annotator who had raised it."""


@dataclass(frozen=True, kw_only=True)
class ActUndone(Event):
    """An annotator took back an act of their own, and what they had said before it holds again.

    ``payload`` holds ``undoes`` (its ``seq``) and ``restores``: ``kind`` and ``payload`` of what holds again, or
    nothing. So a fold of events need not look back.
    """


@dataclass(frozen=True, kw_only=True)
class RowAdded(Event):
    """A payload joined the pool; ``payload`` holds its key, origin and parent."""


def event_from(kind: str, values: Mapping[str, Any]) -> Event:
    """The event that ``values`` (plain data, ``query`` as a mapping) describe.

    Example:
        >>> event_from("LabelGiven", {"query": {"row": 3}, "payload": "cat"}).query.row
        3
    """
    fields = {key: value for key, value in values.items() if key != "query"}
    return Event.kinds[kind](query=Query(**values["query"]), **fields)
