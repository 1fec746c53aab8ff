"""The tables of pbxapi itself. `migrations/` makes them; a test holds the two to each other."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.dialects import mysql

metadata = MetaData()


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored as UTC without an offset, to the microsecond on every database."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> object:  # type: ignore[override]
        """MySQL's DATETIME drops fractions unless it is told not to."""
        if dialect.name in {"mysql", "mariadb"}:
            return dialect.type_descriptor(mysql.DATETIME(fsp=6))
        return dialect.type_descriptor(DateTime())

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC, without the offset."""
        return None if value is None else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Back to an aware datetime."""
        return None if value is None else value.replace(tzinfo=UTC)


calls = Table(
    "calls",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("origin", String(128), nullable=False),
    Column("to", String(80), nullable=False),
    Column("context", String(80), nullable=False),
    Column("caller_id", String(160)),
    Column("external_id", String(200)),
    Column("created_at", UtcDateTime, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("status", String(16), nullable=False),
    Column("leg", String(8)),
    Column("cause", Integer),
    Column("reason", Text),
    Column("ringing_at", UtcDateTime),
    Column("answered_at", UtcDateTime),
    Column("ended_at", UtcDateTime),
    Column("canceled", Boolean, nullable=False),
    Index("ix_calls_created_at", "created_at"),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", String(128), nullable=False),
)
"""What this program made up for itself once, such as the key of the recordings' ids, in hexadecimal."""

changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("numbers", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    # An id must never come again: one who waits for the change of that number would take another's for it.
    sqlite_autoincrement=True,
)
"""Changes to the exchange's configuration that are not in effect yet, or that somebody died in the midst of."""

applies = Table(
    "applies",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("until", Integer, nullable=False),
    Column("ok", Boolean, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("reason", Text),
    Column("at", UtcDateTime, nullable=False),
)
"""Attempts to apply, the last few; `until` is the last change that one was for."""

# Keys that differ in case or accents alone are two: MySQL's own collations take them for one.
Key = String(80).with_variant(mysql.VARCHAR(80, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")

roll_ups = Table(
    "roll_ups",
    metadata,
    Column("source", String(32), primary_key=True),
    Column("first", Integer),
    Column("until", Integer),
    Column("oldest", Integer),
    Column("complete", Boolean, nullable=False),
    Column("failed", Boolean, nullable=False),
    Column("updated_at", UtcDateTime, nullable=False),
    Column("owner", String(32)),
    Column("leased_until", UtcDateTime),
)
"""How far each roll-up of call records is, and who builds it."""

roll_up_tallies = Table(
    "roll_up_tallies",
    metadata,
    Column("source", String(32), primary_key=True),
    Column("dimension", String(16), primary_key=True),
    Column("unit", String(4), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", Key, primary_key=True),
    Column("calls", Integer, nullable=False),
    Column("talk_time", BigInteger, nullable=False),
    Column("rings", Text, nullable=False),
    Index("ix_roll_up_tallies_number", "source", "unit", "number"),
    sqlite_with_rowid=False,
)
"""Calls by hour and by day. `unit` is hour or day, `number` counts them from 1970 on by the exchange's clock."""

keys = Table(
    "keys",
    metadata,
    Column("name", Key, primary_key=True),
    Column("hash", String(64), nullable=False, unique=True),
    Column("prefix", String(16), nullable=False),
    Column("scopes", String(200), nullable=False),
    Column("networks", Text, nullable=False),
    Column("policy", Text),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(80), nullable=False),
    Column("expires_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    Column("rotated_at", UtcDateTime),
    Column("previous_hash", String(64), unique=True),
    Column("previous_until", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    Column("last_used_from", String(64)),
    Column("version", Integer, nullable=False),
)
"""Keys, by name. `hash` is SHA-256 in hexadecimal; `previous_hash` is good until `previous_until`, after a rotation.

`scopes` have blanks between them, `networks` and `policy` are JSON, `version` counts the changes.
"""

placed = Table(
    "placed",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", Key, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("call_id", String(64)),
    Index("ix_placed_key_at", "key", "at"),
)
"""What keys with a call policy placed, the last hours of it: calls at once and calls a minute are counted here."""

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", UtcDateTime, nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("key", Key),
    Column("remote", String(64)),
    Column("kind", String(64), nullable=False),
    Column("action", String(64), nullable=False),
    Column("target", String(255), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("status", Integer),
    Column("detail", Text),
    Column("before", Text),
    Column("after", Text),
    Index("ix_audit_at", "at", "id"),
    Index("ix_audit_key", "key", "at", "id"),
    Index("ix_audit_remote", "remote", "at", "id"),
    Index("ix_audit_kind", "kind", "at", "id"),
    Index("ix_audit_target", "target", "at", "id"),
    Index("ix_audit_outcome", "outcome", "at", "id"),
    Index("ix_audit_request_id", "request_id", "at", "id"),
    # An id must never come again, also after the oldest were let go of: it is part of a cursor.
    sqlite_autoincrement=True,
)
"""Who did what: rows are added, and let go of when they are old; never changed. `before` and `after` are JSON.

`kind` is what `action` begins with, before its dot. Each index gives what it is for in the order of the pages.
"""

idempotency = Table(
    "idempotency",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("fingerprint", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("status", Integer),
    Column("answer", LargeBinary().with_variant(mysql.LONGBLOB(), "mysql", "mariadb")),
    Index("ix_idempotency_created_at", "created_at"),
)
"""First answers to what came with an Idempotency-Key; `status` is null while the first request is under way.

`id` is SHA-256 of the key's name and the Idempotency-Key, `fingerprint` one that is keyed of method, path, query and
body; `answer` is sealed, for secrets may be in it, and null where it is not kept.
"""
