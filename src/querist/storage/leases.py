"""Leases: who has which row before their eyes, and until when; and which row is next for whom.

A lease ends by itself, so a person who closed the lid keeps nobody waiting. Choosing a row and leasing it is one
transaction of a single writer, so two people are never given the same row by chance.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, delete, exists, func, insert, select, update

from querist.storage import schema
from querist.storage.answers import BEGUN, DONE, UNTOUCHED, Item


@dataclass(frozen=True, kw_only=True)
class Lease:
    """A row that an annotator has before their eyes.

    Args:
        row: pool id.
        annotator: who.
        campaign: of the row.
        client: which of their windows.
        until: seconds on the clock of the server.
        suggestion_seen: whether the model's guess was handed out with it.
        model_version: fingerprint of the weights that asked for it.
    """

    row: int
    annotator: str
    campaign: str
    client: str
    until: float
    suggestion_seen: bool = False
    model_version: str = ""


def leases_of(
    connection: Connection, annotator: str, *, client: str | None = None, row: int | None = None
) -> list[Lease]:
    """What ``annotator`` holds, in the order it was taken; in one window, or of one row, where that is said."""
    table = schema.leases
    query = select(table).where(table.c.annotator == annotator).order_by(table.c.until, table.c.row)
    if client is not None:
        query = query.where(table.c.client == client)
    if row is not None:
        query = query.where(table.c.row == row)
    return [Lease(**found) for found in connection.execute(query).mappings()]


def hold(connection: Connection, lease: Lease) -> None:
    """Take a lease, or take it over from another window of the same person."""
    release(connection, lease.annotator, row=lease.row)
    connection.execute(insert(schema.leases).values(**vars(lease)))


def renew(connection: Connection, annotator: str, client: str, until: float) -> int:
    """Let everything that a window holds last until ``until``, and count it."""
    table = schema.leases
    mine = (table.c.annotator == annotator, table.c.client == client)
    return connection.execute(update(table).where(*mine).values(until=until)).rowcount


def release(connection: Connection, annotator: str, *, client: str | None = None, row: int | None = None) -> int:
    """Give back what ``annotator`` holds (in one window, or one row), and count it."""
    table = schema.leases
    query = delete(table).where(table.c.annotator == annotator)
    if client is not None:
        query = query.where(table.c.client == client)
    if row is not None:
        query = query.where(table.c.row == row)
    return connection.execute(query).rowcount


def end_leases(connection: Connection, *, before: float) -> None:
    """End those that were to last until ``before``."""
    connection.execute(delete(schema.leases).where(schema.leases.c.until <= before))


def shorten_leases(connection: Connection, *, until: float) -> None:
    """Let none last beyond ``until``: the clock may have been put back while the server was off."""
    table = schema.leases
    connection.execute(update(table).where(table.c.until > until).values(until=until))


def leased_counts(connection: Connection) -> dict[str, int]:
    """Leases by campaign."""
    table = schema.leases
    found = connection.execute(select(table.c.campaign, func.count().label("held")).group_by(table.c.campaign))
    return {each.campaign: each.held for each in found}


def next_items(
    connection: Connection,
    campaign: str,
    annotator: str,
    *,
    number: int | None,
    limit: int,
    besides: Collection[int] = (),
) -> list[Item]:
    """The rows that ``annotator`` should see next.

    First those that others have begun, then by the ranking, then the rest in their drawn order, and at the very end
    what the annotator skipped. Never one that the annotator has answered, or that others hold as often as opinions
    are still wanted.

    Args:
        connection: whose transaction also takes the leases. Leases that have ended must be gone.
        campaign: of the rows.
        annotator: for whom.
        number: round whose picks are the ranking; ``None`` before the first.
        limit: how many.
        besides: rows that are not wanted again.
    """
    given = {"campaign": campaign, "annotator": annotator, "number": number}
    found: dict[int, Item] = {}
    for query in _queries(ranked=number is not None):
        for each in connection.execute(query, given | {"most": limit + len(besides) + len(found)}).mappings():
            if each["row"] not in found and each["row"] not in besides and len(found) < limit:
                found[each["row"]] = Item(**each)
        if len(found) == limit:
            break
    return list(found.values())


@cache
def _queries(*, ranked: bool) -> tuple[Select[Any], ...]:
    """Where rows are looked for, in this order. Built once: that takes longer than running them."""
    items, answers, picks, leases = schema.items, schema.answers, schema.picks, schema.leases
    who: BindParameter[str] = bindparam("annotator")
    mine = and_(answers.c.row == items.c.row, answers.c.annotator == who)
    held = select(func.count()).select_from(leases).where(leases.c.row == items.c.row).scalar_subquery()
    own = exists().where(leases.c.row == items.c.row, leases.c.annotator == who)
    # More opinions are wanted than others are about to give, and the annotator does not hold it already.
    open_ = (items.c.campaign == bindparam("campaign"), items.c.opinions + held < items.c.needed, ~own)
    fresh = select(items).where(*open_, ~exists().where(mine))
    skipped = exists().where(mine, answers.c.kind == "skip")
    begun = fresh.where(items.c.state == BEGUN).order_by(items.c.place)
    untouched = fresh.where(items.c.state == UNTOUCHED)
    last = select(items).where(*open_, items.c.state > DONE, skipped).order_by(items.c.place)
    queries = [begun, untouched.order_by(items.c.place), last]
    if ranked:
        in_round = and_(
            picks.c.campaign == bindparam("campaign"), picks.c.number == bindparam("number"), picks.c.row == items.c.row
        )
        queries.insert(1, untouched.join(picks, in_round).order_by(picks.c.place))
    return tuple(query.limit(bindparam("most")) for query in queries)
