"""The store: a database of our own, opened when first needed, safe to hold over a fork."""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, ExceptionContext, create_engine, event, inspect, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from pbxapi.errors import Unavailable
from pbxapi.store.audit import AuditStore
from pbxapi.store.calls import CallStore
from pbxapi.store.changes import ChangeStore
from pbxapi.store.idempotency import IdempotencyStore
from pbxapi.store.keys import KeyStore
from pbxapi.store.placed import PlacedStore
from pbxapi.store.roll_up import RollUpStore
from pbxapi.store.secrets import SecretStore

CONNECT_TIMEOUT = 3
STATEMENT_TIMEOUT = 5
DRIVERS = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}

# https://sqlite.org/rescode.html: what is above the last byte only says more.
PRIMARY_CODE = 0xFF

_stores: weakref.WeakSet[Store] = weakref.WeakSet()


class Store:
    """pbxapi's own tables, at any SQLAlchemy URL (SQLite, MySQL or MariaDB, PostgreSQL).

    Nothing is opened until it is used. Every failure of the database is `Unavailable(part="store")`.
    """

    def __init__(self, url: str) -> None:
        """Raises ValueError when the URL is not one that SQLAlchemy understands."""
        self.url = url
        self.engine = _engine(url)
        self.audit = AuditStore(self)
        self.calls = CallStore(self)
        self.changes = ChangeStore(self)
        self.idempotency = IdempotencyStore(self)
        self.keys = KeyStore(self)
        self.placed = PlacedStore(self)
        self.roll_up = RollUpStore(self)
        self.secrets = SecretStore(self)
        _stores.add(self)

    def __repr__(self) -> str:
        return f"Store({self.engine.url.render_as_string(hide_password=True)!r})"

    @property
    def file(self) -> str | None:
        """The path of a store that is a SQLite file."""
        return self.engine.url.database or None if self.engine.url.get_backend_name() == "sqlite" else None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction. Raises Unavailable when the database cannot be reached, is locked, or has no tables yet."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise Unavailable("The store of pbxapi does not answer", part="store", retry_after=2) from error

    def ready(self) -> bool:
        """Whether the store answers and its tables are there."""
        try:
            with self.begin() as connection:
                connection.execute(text("SELECT 1"))
                return inspect(connection).has_table("calls")
        except (Unavailable, SQLAlchemyError):
            return False

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise ValueError("STORE_URL is not a database URL, such as sqlite:////var/lib/pbxapi/pbxapi.db") from error
    # What is installed here and with `pbxapi[postgresql]`; SQLAlchemy would look for others.
    parsed = parsed.set(drivername=DRIVERS.get(parsed.drivername, parsed.drivername))
    options: dict[str, Any] = {"pool_pre_ping": True, "hide_parameters": True, "logging_name": "store"}
    backend = parsed.get_backend_name()
    if backend == "sqlite":
        options["connect_args"] = {"timeout": STATEMENT_TIMEOUT}
    elif backend in {"mysql", "mariadb"}:
        options["connect_args"] = {
            "connect_timeout": CONNECT_TIMEOUT, "read_timeout": STATEMENT_TIMEOUT, "write_timeout": STATEMENT_TIMEOUT,
        }  # fmt: skip
    elif backend == "postgresql":
        timeouts = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        options["connect_args"] = {
            "connect_timeout": CONNECT_TIMEOUT,
            "options": " ".join(f"-c {name}={STATEMENT_TIMEOUT}s" for name in timeouts),
            # For a host that is gone: what is sent is acknowledged within it, and one that is idle is asked.
            "tcp_user_timeout": STATEMENT_TIMEOUT * 1000, "keepalives_idle": STATEMENT_TIMEOUT,
        }  # fmt: skip
    try:
        engine = create_engine(parsed, **options)
    except ImportError:
        how = ": pip install 'pbxapi[postgresql]'" if backend == "postgresql" else ""
        raise ValueError(f"STORE_URL: the driver of {parsed.drivername} is not installed{how}") from None
    if backend == "sqlite":
        event.listen(engine, "connect", _set_up_sqlite)
        event.listen(engine, "handle_error", _drop_read_only)
    elif backend == "postgresql":
        from pbxapi.store.postgresql import bound  # noqa: PLC0415  (psycopg is there only where it is wanted)

        bound(engine)
    return engine


def _set_up_sqlite(connection: Any, record: object) -> None:
    # Write-ahead: gunicorn's workers read while one of them writes.
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")


def _drop_read_only(context: ExceptionContext) -> None:
    """Give up a connection that was opened while its file could not be written: SQLite keeps it so for good.

    Not before the file can be written again: till then it reads, and another would be no better.
    """
    code = getattr(context.original_exception, "sqlite_errorcode", 0) & PRIMARY_CODE
    file = context.engine and context.engine.url.database
    if code == sqlite3.SQLITE_READONLY and file and os.access(file, os.W_OK):
        context.is_disconnect = True


def _forget_after_fork() -> None:
    for store in list(_stores):
        store.engine.dispose(close=False)


os.register_at_fork(after_in_child=_forget_after_fork)
