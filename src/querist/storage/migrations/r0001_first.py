"""The first tables: events, rounds, picks, metrics, meta."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from querist.storage.json_column import Json

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("op_id", sa.String(64), nullable=False, unique=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("row", sa.BigInteger, nullable=False),
        sa.Column("unit", sa.BigInteger),
        sa.Column("other", sa.BigInteger),
        sa.Column("payload", Json, nullable=False),
        sa.Column("suggestion_shown", sa.Boolean),
        sa.Column("model_version", sa.Text, nullable=False),
    )
    op.create_index("events_by_campaign", "events", ["campaign", "seq"])
    op.create_table(
        "rounds",
        sa.Column("campaign", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("asked_by", sa.Text, nullable=False),
        sa.Column("state", Json, nullable=False),
        sa.Column("closed_at", sa.Float),
        sa.Column("model_version", sa.Text),
        sa.Column("labels", sa.Integer),
        sa.Column("trained_through", sa.BigInteger),
        sa.Column("seconds", Json),
    )
    op.create_table(
        "picks",
        sa.Column("campaign", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("place", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("row", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.ForeignKeyConstraint(["campaign", "number"], ["rounds.campaign", "rounds.number"]),
    )
    op.create_table(
        "metrics",
        sa.Column("campaign", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("value", sa.Float),
        sa.ForeignKeyConstraint(["campaign", "number"], ["rounds.campaign", "rounds.number"]),
    )
    op.create_table(
        "meta",
        sa.Column("key", sa.String(128), primary_key=True),
        sa.Column("value", Json, nullable=False),
    )
    if op.get_bind().dialect.name == "sqlite":
        for act in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER events_refuse_{act} BEFORE {act.upper()} ON events "
                "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
            )
    else:
        op.execute(
            "CREATE FUNCTION events_refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$"
        )
        op.execute(
            "CREATE TRIGGER events_refuse_change BEFORE UPDATE OR DELETE ON events "
            "FOR EACH ROW EXECUTE FUNCTION events_refuse()"
        )
