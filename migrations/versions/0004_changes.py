"""Changes to the exchange's configuration that are under way, or wait to be applied; how the last apply ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from pbxapi.store.tables import UtcDateTime

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("numbers", sa.Text(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "applies",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("until", sa.Integer(), nullable=False),
        sa.Column("ok", sa.Boolean(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("at", UtcDateTime(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("applies")
    op.drop_table("changes")
