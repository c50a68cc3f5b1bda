"""Who may label, and who is here: names with roles, and the hashes of their tokens and cookies."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select

from querist.core.errors import UsageError
from querist.storage import schema


@dataclass(frozen=True)
class Person:
    """Somebody who labels.

    Args:
        name: as it stands with each answer.
        role: annotator, reviewer or admin.
    """

    name: str
    role: str


def add_person(connection: Connection, person: Person, token_hash: str) -> None:
    """Let somebody in who has the token of this hash.

    Raises:
        UsageError: the name is taken.
    """
    if any(known.name == person.name for known in everybody(connection)):
        raise UsageError(f"{person.name} is a name that is taken", hint="choose another")
    connection.execute(insert(schema.people).values(name=person.name, role=person.role, token_hash=token_hash))


def remove_person(connection: Connection, name: str) -> bool:
    """Let somebody in no longer, and end their visits; what they labelled stays."""
    connection.execute(delete(schema.visits).where(schema.visits.c.name == name))
    return connection.execute(delete(schema.people).where(schema.people.c.name == name)).rowcount > 0


def everybody(connection: Connection) -> list[Person]:
    """All who may label, by name."""
    table = schema.people
    return [Person(found.name, found.role) for found in connection.execute(select(table).order_by(table.c.name))]


def by_token(connection: Connection, token_hash: str) -> Person | None:
    """Who has the token of this hash."""
    table = schema.people
    found = connection.execute(select(table).where(table.c.token_hash == token_hash)).first()
    return None if found is None else Person(found.name, found.role)


def add_visit(connection: Connection, name: str, cookie_hash: str, since: float) -> None:
    """Remember a browser of ``name`` by the hash of its cookie."""
    connection.execute(insert(schema.visits).values(cookie_hash=cookie_hash, name=name, since=since))


def by_cookie(connection: Connection, cookie_hash: str) -> tuple[str, float] | None:
    """Whose cookie has this hash, and since when."""
    table = schema.visits
    found = connection.execute(select(table).where(table.c.cookie_hash == cookie_hash)).first()
    return None if found is None else (found.name, found.since)


def end_visit(connection: Connection, cookie_hash: str) -> None:
    """Forget a browser."""
    connection.execute(delete(schema.visits).where(schema.visits.c.cookie_hash == cookie_hash))
