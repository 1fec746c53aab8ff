"""Calls counted by hour and by day, and how far that is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pbxapi.store.tables import Key, UtcDateTime

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "roll_ups",
        sa.Column("source", sa.String(32), primary_key=True),
        sa.Column("first", sa.Integer()),
        sa.Column("until", sa.Integer()),
        sa.Column("oldest", sa.Integer()),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("owner", sa.String(32)),
        sa.Column("leased_until", UtcDateTime()),
    )
    op.create_table(
        "roll_up_tallies",
        sa.Column("source", sa.String(32), primary_key=True),
        sa.Column("dimension", sa.String(16), primary_key=True),
        sa.Column("unit", sa.String(4), primary_key=True),
        sa.Column("number", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("key", Key, primary_key=True),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("talk_time", sa.BigInteger(), nullable=False),
        sa.Column("rings", sa.Text(), nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_roll_up_tallies_number", "roll_up_tallies", ["source", "unit", "number"])


def downgrade() -> None:
    op.drop_table("roll_up_tallies")
    op.drop_table("roll_ups")
