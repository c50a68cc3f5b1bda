"""The journal's tables, and the way from any older revision of them to this one.

A fresh journal is created at :data:`HEAD` straight from this file, which is fast; an older one walks through
``migrations/``. A test holds both ways equal. To change a table: change it here, raise :data:`HEAD`, and add a file
to ``migrations/`` that brings the last revision there.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import (
    DDL,
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    event,
    insert,
    inspect,
    select,
)

from querist.core.errors import JournalCorrupt, JournalTooNew
from querist.storage.json_column import Json

HEAD = "0002"
"""Revision of the tables below. Revisions are four digits that count up, so a larger one is a newer one."""

MIGRATIONS = Path(__file__).parent / "migrations"

metadata = MetaData()

events = Table(
    "events",
    metadata,
    # Numbered by the writer under the write lock, so numbers grow in the order of commits on every database.
    # A sequence would not: on PostgreSQL a reader could see 5 before 4 exists, and never look back for it.
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("op_id", String(64), nullable=False, unique=True),
    Column("at", Float, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("annotator", Text, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("row", BigInteger, nullable=False),
    Column("unit", BigInteger),
    Column("other", BigInteger),
    # JSON, not PostgreSQL's JSONB: key order, large numbers and every escaped character come back as given.
    Column("payload", Json, nullable=False),
    Column("suggestion_shown", Boolean),
    Column("model_version", Text, nullable=False),
    Index("events_by_campaign", "campaign", "seq"),
    Index("events_by_annotator", "annotator", "seq"),
    Index("events_by_row", "campaign", "row", "seq"),
)

rounds = Table(
    "rounds",
    metadata,
    Column("campaign", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("asked_at", Float, nullable=False),
    Column("asked_by", Text, nullable=False),
    Column("state", Json, nullable=False),
    Column("closed_at", Float),
    Column("model_version", Text),
    Column("labels", Integer),
    Column("trained_through", BigInteger),
    Column("seconds", Json),
)

picks = Table(
    "picks",
    metadata,
    Column("campaign", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("row", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    ForeignKeyConstraint(["campaign", "number"], ["rounds.campaign", "rounds.number"]),
)

metrics = Table(
    "metrics",
    metadata,
    Column("campaign", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", String(128), primary_key=True),
    # NULL stands for NaN, which SQLite cannot hold.
    Column("value", Float),
    ForeignKeyConstraint(["campaign", "number"], ["rounds.campaign", "rounds.number"]),
)

# Below: people at work. ``items``, ``answers`` and ``tallies`` say what the events add up to, kept up to date in the
# transaction that stores an event, so that nobody counts events to find the next row.

items = Table(
    "items",
    metadata,
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("campaign", Text, nullable=False),
    Column("key", Text, nullable=False),
    # The order where no ranking says otherwise: drawn at random, so that no folder comes first.
    Column("place", Integer, nullable=False),
    Column("needed", Integer, nullable=False),
    Column("blind", Boolean, nullable=False),
    Column("opinions", Integer, nullable=False),
    # 0 needs nobody (or is flagged), 1 nobody has answered yet, 2 somebody has.
    Column("state", Integer, nullable=False),
    Index("items_by_state", "campaign", "state", "place"),
)

answers = Table(
    "answers",
    metadata,
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("annotator", String(128), primary_key=True),
    Column("campaign", Text, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("payload", Json, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("suggestion_seen", Boolean, nullable=False),
    Index("answers_by_annotator", "annotator", "kind"),
)

leases = Table(
    "leases",
    metadata,
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("annotator", String(128), primary_key=True),
    Column("campaign", Text, nullable=False),
    # Two windows of one person hold rows apart.
    Column("client", String(64), nullable=False),
    Column("until", Float, nullable=False),
    Column("suggestion_seen", Boolean, nullable=False),
    Column("model_version", Text, nullable=False),
    Index("leases_by_until", "until"),
    Index("leases_by_client", "annotator", "client"),
)

tallies = Table(
    "tallies",
    metadata,
    Column("campaign", String(128), primary_key=True),
    Column("name", String(256), primary_key=True),
    Column("count", Integer, nullable=False),
)

guesses = Table(
    "guesses",
    metadata,
    Column("campaign", Text, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("row", BigInteger, primary_key=True, autoincrement=False),
    Column("guess", Json, nullable=False),
    ForeignKeyConstraint(["campaign", "number"], ["rounds.campaign", "rounds.number"]),
)

people = Table(
    "people",
    metadata,
    Column("name", String(128), primary_key=True),
    Column("role", String(32), nullable=False),
    # Never the token: who reads the file must not be able to act as somebody.
    Column("token_hash", String(64), nullable=False, unique=True),
)

visits = Table(
    "visits",
    metadata,
    Column("cookie_hash", String(64), primary_key=True),
    Column("name", String(128), nullable=False),
    Column("since", Float, nullable=False),
)

meta = Table("meta", metadata, Column("key", String(128), primary_key=True), Column("value", Json, nullable=False))

# Alembic's own table, declared here so that creating a fresh journal need not import Alembic.
version = Table("alembic_version", metadata, Column("version_num", String(32), primary_key=True))
version.primary_key.name = "alembic_version_pkc"

# What happened stays: nobody, not even a person with a database shell, changes or deletes an event by accident.
APPEND_ONLY = {
    "sqlite": [
        f"CREATE TRIGGER events_refuse_{act} BEFORE {act.upper()} ON events "
        "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        for act in ("update", "delete")
    ],
    "postgresql": [
        "CREATE FUNCTION events_refuse() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$",
        "CREATE TRIGGER events_refuse_change BEFORE UPDATE OR DELETE ON events "
        "FOR EACH ROW EXECUTE FUNCTION events_refuse()",
    ],
}
for _dialect, _statements in APPEND_ONLY.items():
    for _statement in _statements:
        event.listen(events, "after_create", DDL(_statement).execute_if(dialect=_dialect))


def revision(connection: Connection) -> str | None:
    """The revision of the tables that ``connection`` sees; ``None`` where there are no tables yet.

    Raises:
        JournalCorrupt: a database, but not a journal.
    """
    tables = set(inspect(connection).get_table_names())
    if version.name not in tables:
        # Other people's tables may live beside a journal on a server, but a file is a run's alone.
        if tables and connection.dialect.name == "sqlite":
            raise JournalCorrupt(
                f"this database holds the tables {', '.join(sorted(tables)[:3])} and no journal",
                hint="give the folder of a run",
            )
        return None
    found = connection.execute(select(version.c.version_num)).scalar()
    if found is None:
        raise JournalCorrupt("the journal does not say which revision it is", hint="restore it from a copy")
    return found


def bring_to_head(connection: Connection) -> None:
    """Create the tables where there are none, migrate them where they are older. The caller holds the write lock.

    Raises:
        JournalTooNew: they are newer than this Querist; nothing was written.
    """
    found = revision(connection)
    if found is None:
        metadata.create_all(connection, checkfirst=False)
        connection.execute(insert(version).values(version_num=HEAD))
    elif found != HEAD:
        refuse_newer(found)
        migrate(connection)


def refuse_newer(found: str | None) -> None:
    """Raise :class:`JournalTooNew` where ``found`` is a revision that this Querist does not know."""
    if found is not None and found > HEAD:
        raise JournalTooNew(
            f"the journal has schema revision {found}, this Querist knows revisions up to {HEAD}",
            hint="upgrade querist to go on with this run",
        )


def migrate(connection: Connection, to: str = "head") -> None:
    """Walk the migrations from the revision found (or from nothing) up to ``to``, in the caller's transaction."""
    from alembic.operations import Operations
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    script = ScriptDirectory(str(MIGRATIONS), version_locations=[str(MIGRATIONS)])
    context = MigrationContext.configure(connection)
    steps = list(script.iterate_revisions(to, context.get_current_revision() or "base"))
    with Operations.context(context):
        for step in reversed(steps):
            step.module.upgrade()
    context.stamp(script, to)
