"""Events as rows of their table: written once, found again by operation, by annotator and by row."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, func, insert, select

from querist.core.errors import JournalError
from querist.core.events import Event, event_from
from querist.storage import schema
from querist.storage.plain import plain

_PAGE = 100
"""Events read at a time where most readers stop early."""

_TERMS = 500
"""Values in one ``IN (...)``: some SQLite builds allow no more than 999."""

_SAME_ACT = ("kind", "query", "payload", "annotator", "campaign")
"""What a repeated ``op_id`` must repeat. The time, and which weights asked, may differ in a retry."""


def write_events(connection: Connection, events: Sequence[Event]) -> list[Event]:
    """Store events, or find them stored by their ``op_id``; the caller holds the write lock.

    Raises:
        DataError: a payload is not plain data, or holds NaN.
        JournalError: an ``op_id`` is stored with another act.
    """
    acts = [_to_row(event) for event in events]
    stored = by_op_id(connection, [act["op_id"] for act in acts])
    seq = connection.scalar(select(func.max(schema.events.c.seq))) or 0
    fresh = []
    for act in acts:
        if act["op_id"] in stored:
            _refuse_other_act(stored[act["op_id"]], to_event(act))
            continue
        seq += 1
        act["seq"] = seq
        if act["at"] is None:
            act["at"] = time.time()
        stored[act["op_id"]] = to_event(act)
        fresh.append(act)
    if fresh:
        connection.execute(insert(schema.events), fresh)
    return [stored[act["op_id"]] for act in acts]


def events_of_row(connection: Connection, campaign: str, row: int, *, annotator: str | None = None) -> list[Event]:
    """What happened to ``row``, oldest first; by one annotator where one is named."""
    table = schema.events
    query = select(table).where(table.c.campaign == campaign, table.c.row == row).order_by(table.c.seq)
    if annotator is not None:
        query = query.where(table.c.annotator == annotator)
    return [to_event(found) for found in connection.execute(query).mappings()]


def latest_events(connection: Connection, annotator: str) -> Iterator[Event]:
    """What ``annotator`` did, latest first, read as far as the caller looks."""
    table = schema.events
    query = select(table).where(table.c.annotator == annotator).order_by(table.c.seq.desc()).limit(_PAGE)
    before: int | None = None
    while True:
        page = connection.execute(query if before is None else query.where(table.c.seq < before)).mappings().all()
        yield from map(to_event, page)
        if len(page) < _PAGE:
            return
        before = page[-1]["seq"]


def _to_row(event: Event) -> dict[str, Any]:
    """An event as the values of its table row; ``int`` and ``float`` undo numpy's own numbers."""
    query = event.query
    return {
        "op_id": event.op_id,
        "seq": None,
        "at": None if event.at is None else float(event.at),
        "campaign": event.campaign,
        "annotator": event.annotator,
        "kind": event.kind,
        "row": int(query.row),
        "unit": None if query.unit is None else int(query.unit),
        "other": None if query.other is None else int(query.other),
        "payload": plain(event.payload, f"the payload of row {query.row}"),
        "suggestion_shown": event.suggestion_shown,
        "model_version": event.model_version,
    }


def to_event(row: Mapping[Any, Any]) -> Event:
    """The event that a table row holds."""
    values = dict(row)
    kind = values.pop("kind")
    values["query"] = {name: values.pop(name) for name in ("row", "unit", "other")}
    if kind not in Event.kinds:
        raise JournalError(
            f"the journal holds an event of the unknown kind {kind!r}", hint="upgrade querist, or install its plug-in"
        )
    return event_from(kind, values)


def by_op_id(connection: Connection, op_ids: Sequence[str]) -> dict[str, Event]:
    """The stored events among ``op_ids``."""
    column = schema.events.c.op_id
    found: dict[str, Event] = {}
    for start in range(0, len(op_ids), _TERMS):
        some = op_ids[start : start + _TERMS]
        rows = connection.execute(select(schema.events).where(column.in_(some))).mappings()
        found |= {row["op_id"]: to_event(row) for row in rows}
    return found


def _refuse_other_act(stored: Event, given: Event) -> None:
    for name in _SAME_ACT:
        if getattr(stored, name) != getattr(given, name):
            raise JournalError(
                f"operation {stored.op_id} is stored with the {name} {getattr(stored, name)!r}, "
                f"and was repeated with {getattr(given, name)!r}",
                hint="give each act an op_id of its own",
            )
