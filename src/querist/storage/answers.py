"""What each annotator says of each row now, and what that makes of the row: open, begun or done.

The rows of these tables are a fold of events, kept up to date in the transaction that stores an event.
:func:`standing` is that fold for one annotator and one row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from querist.core.events import ActUndone, Event, LabelGiven, LabelRetracted, RowFlagged, RowSkipped, RowUnsure
from querist.storage import schema

ACTS: dict[str, type[Event]] = {
    "label": LabelGiven,
    "unsure": RowUnsure,
    "skip": RowSkipped,
    "flag": RowFlagged,
}
"""Word of an act -> its event. Labels and "unsure" are opinions; a skip is none, and a flag stops the row."""

KINDS = {cls.__name__: word for word, cls in ACTS.items()}
"""Kind of an event -> word of the act."""

OPINIONS = ("label", "unsure")

DONE, UNTOUCHED, BEGUN = 0, 1, 2
"""States of an item: needs nobody (or is flagged), nobody has answered yet, somebody has and more are wanted."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one annotator says of one row now.

    Args:
        row: pool id.
        annotator: who says so.
        kind: label, unsure, skip or flag.
        payload: the label, or a remark.
        seq: the event that it stands on; what an edit must name.
        suggestion_seen: whether the annotator has seen the model's guess of this row.
    """

    row: int
    annotator: str
    kind: str
    payload: Any
    seq: int
    suggestion_seen: bool


@dataclass(frozen=True, kw_only=True)
class Item:
    """One row of the pool that people may be asked for.

    Args:
        row: pool id.
        campaign: where its events go.
        key: name that stays when the data grow.
        place: order where no ranking says otherwise.
        needed: opinions that are wanted.
        blind: whether the model's guess is never shown.
        opinions: that were given.
        state: :data:`DONE`, :data:`UNTOUCHED` or :data:`BEGUN`.
    """

    row: int
    campaign: str
    key: str
    place: int
    needed: int = 1
    blind: bool = False
    opinions: int = 0
    state: int = UNTOUCHED


def standing(events: Iterable[Event]) -> list[Event]:
    """The acts of one annotator on one row that were not undone, oldest first; the last one holds.

    Example:
        >>> from querist.core.events import Query
        >>> cat, dog = (LabelGiven(query=Query(row=0), payload=p, seq=s) for s, p in enumerate(["cat", "dog"], 1))
        >>> undo = ActUndone(query=Query(row=0), payload={"undoes": 2, "restores": None}, seq=3)
        >>> [act.payload for act in standing([cat, dog, undo])]
        ['cat']
    """
    acts: list[Event] = []
    for event in events:
        if isinstance(event, ActUndone):
            acts = [act for act in acts if act.seq != event.payload["undoes"]]
        elif event.kind in KINDS or isinstance(event, LabelRetracted):
            acts.append(event)
    return acts


def add_items(connection: Connection, items: Sequence[Item]) -> None:
    """Rows that people may be asked for."""
    if items:
        connection.execute(insert(schema.items), [vars(item) for item in items])


def find_item(connection: Connection, row: int) -> Item | None:
    """The item of ``row``; ``None`` where nobody may be asked for it."""
    found = connection.execute(select(schema.items).where(schema.items.c.row == row)).mappings().first()
    return None if found is None else Item(**found)


def item_keys(connection: Connection) -> list[tuple[int, str, str]]:
    """Row, key and campaign of every item, by row."""
    table = schema.items
    return [
        tuple(found)
        for found in connection.execute(select(table.c.row, table.c.key, table.c.campaign).order_by(table.c.row))
    ]


def answers_of(connection: Connection, row: int, *, annotator: str | None = None) -> list[Answer]:
    """What is said of ``row`` now, oldest first; by one annotator where one is named."""
    table = schema.answers
    query = select(table).where(table.c.row == row).order_by(table.c.seq)
    if annotator is not None:
        query = query.where(table.c.annotator == annotator)
    return [_answer(found) for found in connection.execute(query).mappings()]


def versions(connection: Connection, annotator: str, rows: Sequence[int]) -> dict[int, int]:
    """Row -> ``seq`` of what ``annotator`` says of it now; rows without an answer are left out."""
    table = schema.answers
    query = select(table.c.row, table.c.seq).where(table.c.annotator == annotator, table.c.row.in_(rows))
    return {found.row: found.seq for found in connection.execute(query)}


def put_answer(connection: Connection, item: Item, answer: Answer) -> None:
    """Let ``answer`` hold in the place of what its annotator said of the row before."""
    drop_answer(connection, item, answer.annotator, refresh=False)
    connection.execute(insert(schema.answers).values(campaign=item.campaign, **vars(answer)))
    _count(connection, item.campaign, answer, 1)
    _refresh(connection, item)


def drop_answer(connection: Connection, item: Item, annotator: str, *, refresh: bool = True) -> None:
    """Let ``annotator`` have said nothing of the row."""
    table = schema.answers
    for old in answers_of(connection, item.row, annotator=annotator):
        connection.execute(delete(table).where(table.c.row == item.row, table.c.annotator == annotator))
        _count(connection, item.campaign, old, -1)
    if refresh:
        _refresh(connection, item)


def tallies(connection: Connection, campaign: str) -> dict[str, int]:
    """How many answers hold: by kind (``label``), class (``class/cat``) and annotator (``by/ann``)."""
    table = schema.tallies
    query = select(table).where(table.c.campaign == campaign, table.c["count"] != 0)
    return {found["name"]: found["count"] for found in connection.execute(query).mappings()}


def _answer(found: Any) -> Answer:
    return Answer(**{name: found[name] for name in Answer.__dataclass_fields__})


def _refresh(connection: Connection, item: Item) -> None:
    """Bring the item's count and state up to date."""
    table = schema.answers
    counted = connection.execute(
        select(table.c.kind, func.count()).where(table.c.row == item.row).group_by(table.c.kind)
    ).all()
    counts = {found[0]: found[1] for found in counted}
    opinions = sum(counts.get(kind, 0) for kind in OPINIONS)
    state = BEGUN if opinions else UNTOUCHED
    if opinions >= item.needed or counts.get("flag"):
        state = DONE
    connection.execute(
        update(schema.items).where(schema.items.c.row == item.row).values(opinions=opinions, state=state)
    )


def _count(connection: Connection, campaign: str, answer: Answer, by: int) -> None:
    names = [answer.kind, f"by/{answer.annotator}"]
    if answer.kind == "label":
        classes = answer.payload if isinstance(answer.payload, list) else [answer.payload]
        names += [f"class/{name}"[:256] for name in dict.fromkeys(classes) if isinstance(name, str)]
    table = schema.tallies
    for name in names:
        changed = connection.execute(
            update(table).where(table.c.campaign == campaign, table.c.name == name).values(count=table.c.count + by)
        )
        if changed.rowcount == 0:
            connection.execute(insert(table).values(campaign=campaign, name=name, count=by))
