"""Keys, what they placed, the audit log, and first answers to repeated requests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

from pbxapi.store.tables import Key, UtcDateTime

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "keys",
        sa.Column("name", Key, primary_key=True),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
        sa.Column("prefix", sa.String(16), nullable=False),
        sa.Column("scopes", sa.String(200), nullable=False),
        sa.Column("networks", sa.Text(), nullable=False),
        sa.Column("policy", sa.Text()),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by", sa.String(80), nullable=False),
        sa.Column("expires_at", UtcDateTime()),
        sa.Column("revoked_at", UtcDateTime()),
        sa.Column("rotated_at", UtcDateTime()),
        sa.Column("previous_hash", sa.String(64), unique=True),
        sa.Column("previous_until", UtcDateTime()),
        sa.Column("last_used_at", UtcDateTime()),
        sa.Column("last_used_from", sa.String(64)),
        sa.Column("version", sa.Integer(), nullable=False),
    )
    op.create_table(
        "placed",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("key", Key, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("call_id", sa.String(64)),
    )
    op.create_index("ix_placed_key_at", "placed", ["key", "at"])
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=True),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("key", Key),
        sa.Column("remote", sa.String(64)),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("target", sa.String(255), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("detail", sa.Text()),
        sa.Column("before", sa.Text()),
        sa.Column("after", sa.Text()),
        # An id must never come again, also after the oldest were let go of: it is part of a cursor.
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_at", "audit", ["at", "id"])
    for name in ("key", "remote", "kind", "target", "outcome", "request_id"):
        op.create_index(f"ix_audit_{name}", "audit", [name, "at", "id"])
    op.create_table(
        "idempotency",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("answer", sa.LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])


def downgrade() -> None:
    op.drop_table("idempotency")
    op.drop_table("audit")
    op.drop_table("placed")
    op.drop_table("keys")
