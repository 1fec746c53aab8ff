"""Calls that were placed here and what became of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pbxapi.store.tables import UtcDateTime

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "calls",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("origin", sa.String(128), nullable=False),
        sa.Column("to", sa.String(80), nullable=False),
        sa.Column("context", sa.String(80), nullable=False),
        sa.Column("caller_id", sa.String(160)),
        sa.Column("external_id", sa.String(200)),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("updated_at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("leg", sa.String(8)),
        sa.Column("cause", sa.Integer()),
        sa.Column("reason", sa.Text()),
        sa.Column("ringing_at", UtcDateTime()),
        sa.Column("answered_at", UtcDateTime()),
        sa.Column("ended_at", UtcDateTime()),
        sa.Column("canceled", sa.Boolean(), nullable=False),
    )
    op.create_index("ix_calls_created_at", "calls", ["created_at"])


def downgrade() -> None:
    op.drop_table("calls")
