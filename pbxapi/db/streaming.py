"""Rows as the server sends them, for results of any size: none is kept here."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from typing import Any

from pymysql.err import MySQLError
from sqlalchemy import Connection, CursorResult, Engine, Select
from sqlalchemy.exc import DBAPIError

from pbxapi.db.engine import STATEMENT_TIMED_OUT, connect, kill
from pbxapi.db.packets import can_read, read_texts
from pbxapi.errors import PbxError, Timeout, Unavailable

log = logging.getLogger("pbxapi.db")


def batches(engine: Engine, query: Select[Any], *, size: int, timeout: float) -> Generator[list[str], None, None]:
    """Rows of one text each, `size` at a time.

    Who stops before the end closes the generator, and with it the statement on the server; what it has sent already
    is not read. `timeout` is the engine's, in seconds: it bounds each wait for the server, not the whole.
    Raises Timeout when one was too long, Unavailable for whatever else the server or the driver says.
    """
    with connect(engine) as connection:
        thread = _thread(connection)
        result = None
        ended = False
        asked = time.monotonic()
        try:
            result = connection.execution_options(stream_results=True).execute(query)
            # The first by SQLAlchemy, which has read a row already. It keeps no more than it is asked for.
            rows = [row[0] for row in result.fetchmany(size)]
            while rows:
                yield rows
                asked = time.monotonic()
                rows = _next(result, size)
            ended = True
        except (DBAPIError, MySQLError, OSError) as error:
            raise _meaning(error, waited=time.monotonic() - asked >= timeout) from error
        finally:
            if not ended:
                _abandon(connection, result)
                if thread is not None:
                    kill(engine, thread)


def _next(result: CursorResult[Any], size: int) -> list[str]:
    unread = getattr(result.cursor, "_result", None)
    if can_read(unread):
        return read_texts(unread, size)
    return [row[0] for row in result.fetchmany(size)]


def _thread(connection: Connection) -> int | None:
    """This connection's number on the server; SQLite has no server."""
    number = getattr(connection.connection.dbapi_connection, "thread_id", None)
    return number() if number else None


def _abandon(connection: Connection, result: CursorResult[Any] | None) -> None:
    """Close the socket with what may still be in it: PyMySQL's cursors would read all of it when they are closed."""
    unread: Any = getattr(result and result.cursor, "_result", None)
    if getattr(unread, "unbuffered_active", False):
        unread.unbuffered_active = False
    connection.invalidate()


def _meaning(error: DBAPIError | MySQLError | OSError, *, waited: bool) -> PbxError:
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = cause.args[0] if cause is not None and cause.args else None
    # Not its words: they may hold values, and the account.
    log.warning("the database says %s %s in the middle of its rows", type(cause).__name__, code)
    if waited or code in STATEMENT_TIMED_OUT:
        return Timeout("The exchange's database did not answer in time")
    return Unavailable("The exchange's database cannot be reached or used", part="database", retry_after=2)
