"""The tables of pbxapi itself. `migrations/` makes them; a test holds the two to each other."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Boolean, Column, DateTime, Dialect, Index, Integer, MetaData, String, Table, Text, TypeDecorator
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
