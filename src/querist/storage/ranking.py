"""The ranking that people label by: a round whose picks are in the order of their worth, and the model's guesses.

It is published in one transaction, so whoever looks sees the old one or the new one, and never a mixture.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from querist.storage import schema
from querist.storage.plain import plain
from querist.storage.rounds import Pick, write_round

KEPT = 2
"""Rankings whose guesses are kept: the one that holds, and the one that pages may still show."""


def publish(
    connection: Connection,
    campaign: str,
    picks: Sequence[Pick],
    *,
    model_version: str,
    through: int,
    guesses: Mapping[int, Any],
) -> int:
    """Let a new ranking hold, and return its number.

    Args:
        connection: that holds the write lock.
        campaign: whose rows.
        picks: in the order of their worth.
        model_version: fingerprint of the weights that ranked.
        through: ``seq`` of the last event that they knew of.
        guesses: row -> what the model thinks of it, as plain data.
    """
    rounds, table = schema.rounds, schema.guesses
    last = connection.scalar(select(func.max(rounds.c.number)).where(rounds.c.campaign == campaign))
    number = 0 if last is None else last + 1
    write_round(connection, campaign, number, picks, model_version=model_version, state={"through": through})
    if guesses:
        place = {"campaign": campaign, "number": number}
        values = [place | {"row": int(row), "guess": plain(guess, "a guess")} for row, guess in guesses.items()]
        connection.execute(insert(table), values)
    connection.execute(delete(table).where(table.c.campaign == campaign, table.c.number <= number - KEPT))
    return number


def current(connection: Connection, campaign: str) -> tuple[int, str, int] | None:
    """Number, model version and last known ``seq`` of the ranking that holds; ``None`` before the first."""
    rounds = schema.rounds
    query = select(rounds).where(rounds.c.campaign == campaign).order_by(rounds.c.number.desc()).limit(1)
    found = connection.execute(query).first()
    return None if found is None else (found.number, found.asked_by, (found.state or {}).get("through", 0))


def guess_of(connection: Connection, campaign: str, number: int, row: int) -> Any:
    """What the model thought of ``row`` in a round; ``None`` where it was not asked."""
    table = schema.guesses
    where = (table.c.campaign == campaign, table.c.number == number, table.c.row == row)
    return connection.scalar(select(table.c.guess).where(*where))


def reasons_of(connection: Connection, campaign: str, number: int, rows: Sequence[int]) -> dict[int, str]:
    """Why some rows were asked in a round; those that were not are left out."""
    table = schema.picks
    where = (table.c.campaign == campaign, table.c.number == number, table.c.row.in_(rows))
    return {found.row: found.reason for found in connection.execute(select(table.c.row, table.c.reason).where(*where))}
