"""Rows as the server sends them, for results of any size: none is kept here."""

from __future__ import annotations

import logging
import time
from collections.abc import Generator, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, Select
from sqlalchemy.exc import DBAPIError

from pbxapi.db.engine import STATEMENT_TIMED_OUT, connect, kill
from pbxapi.errors import PbxError, Timeout, Unavailable

log = logging.getLogger("pbxapi.db")

Row = Sequence[Any]


def batches(engine: Engine, query: Select[Any], *, size: int, timeout: float) -> Generator[list[Row], None, None]:
    """`size` rows at a time, as tuples of the driver's own.

    Who stops before the end closes the generator, and with it the statement on the server; what it has sent already
    is not read. `timeout` is the engine's, in seconds: it bounds each wait for the server, not the whole.
    Raises Timeout when one was too long, Unavailable for whatever else the server or the driver says.
    """
    with connect(engine) as connection:
        driver = connection.dialect.loaded_dbapi
        thread = _thread(connection)
        cursor = None
        ended = False
        asked = time.monotonic()
        try:
            # The rows are read from the cursor itself: SQLAlchemy's own result costs as much as the driver.
            cursor = connection.execution_options(stream_results=True).execute(query).cursor
            while rows := cursor.fetchmany(size):
                yield list(rows)
                asked = time.monotonic()
            cursor.close()
            ended = True
        except (DBAPIError, driver.Error) as error:
            raise _meaning(error, waited=time.monotonic() - asked >= timeout) from error
        finally:
            if not ended:
                _abandon(connection, cursor)
                if thread is not None:
                    kill(engine, thread)


def _thread(connection: Connection) -> int | None:
    """This connection's number on the server; SQLite has no server."""
    number = getattr(connection.connection.dbapi_connection, "thread_id", None)
    return number() if number else None


def _abandon(connection: Connection, cursor: Any) -> None:
    """Close the socket with what may still be in it. Cursors and results of both drivers would read it to the end."""
    result = getattr(cursor, "_result", None)
    if result is not None and hasattr(result, "unbuffered_active"):
        result.unbuffered_active = False
    connection.invalidate()


def _meaning(error: Exception, *, waited: bool) -> PbxError:
    cause = error.orig if isinstance(error, DBAPIError) else error
    code = cause.args[0] if cause is not None and cause.args else None
    # Not its words: they may hold values, and the account.
    log.warning("the database says %s %s in the middle of its rows", type(cause).__name__, code)
    if waited or code in STATEMENT_TIMED_OUT:
        return Timeout("The exchange's database did not answer in time")
    return Unavailable("The exchange's database cannot be reached or used", part="database", retry_after=2)
