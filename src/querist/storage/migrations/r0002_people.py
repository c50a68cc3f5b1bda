"""Tables for people who label together: items, answers, leases, tallies, guesses, people, visits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from querist.storage.json_column import Json

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables, and two ways to find events."""
    op.create_index("events_by_annotator", "events", ["annotator", "seq"])
    op.create_index("events_by_row", "events", ["campaign", "row", "seq"])
    op.create_table(
        "items",
        sa.Column("row", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("needed", sa.Integer, nullable=False),
        sa.Column("blind", sa.Boolean, nullable=False),
        sa.Column("opinions", sa.Integer, nullable=False),
        sa.Column("state", sa.Integer, nullable=False),
    )
    op.create_index("items_by_state", "items", ["campaign", "state", "place"])
    op.create_table(
        "answers",
        sa.Column("row", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("annotator", sa.String(128), primary_key=True),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("payload", Json, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("suggestion_seen", sa.Boolean, nullable=False),
    )
    op.create_index("answers_by_annotator", "answers", ["annotator", "kind"])
    op.create_table(
        "leases",
        sa.Column("row", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("annotator", sa.String(128), primary_key=True),
        sa.Column("campaign", sa.Text, nullable=False),
        sa.Column("client", sa.String(64), nullable=False),
        sa.Column("until", sa.Float, nullable=False),
        sa.Column("suggestion_seen", sa.Boolean, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
    )
    op.create_index("leases_by_until", "leases", ["until"])
    op.create_index("leases_by_client", "leases", ["annotator", "client"])
    op.create_table(
        "tallies",
        sa.Column("campaign", sa.String(128), primary_key=True),
        sa.Column("name", sa.String(256), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
    )
    op.create_table(
        "guesses",
        sa.Column("campaign", sa.Text, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("row", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("guess", Json, nullable=False),
        sa.ForeignKeyConstraint(["campaign", "number"], ["rounds.campaign", "rounds.number"]),
    )
    op.create_table(
        "people",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("role", sa.String(32), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False, unique=True),
    )
    op.create_table(
        "visits",
        sa.Column("cookie_hash", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(128), nullable=False),
        sa.Column("since", sa.Float, nullable=False),
    )
