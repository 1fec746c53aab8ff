"""Engines for the exchange's MySQL or MariaDB: nothing is connected before it is used, and safe to hold over a fork."""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import math
import os
import sqlite3
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, create_engine, event
from sqlalchemy import Engine as Engine  # noqa: PLC0414  (what drivers hold, and know nothing else of)
from sqlalchemy.exc import DBAPIError, DisconnectionError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import QueuePool

from pbxapi.errors import Conflict, PbxError, Timeout, Unavailable

log = logging.getLogger("pbxapi.db")

CONNECT_TIMEOUT = 3
POOL_TIMEOUT = 3.0
POOL_RECYCLE = 1800
"""Seconds. A firewall may forget an idle connection long before the server's wait_timeout (8 hours)."""

SOCKETS = ("/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock")  # noqa: S108
"""Where Debian, Red Hat and MySQL itself put the server's socket; `localhost` means it, as it does to PHP and C."""

STATEMENT_TIMED_OUT = frozenset({1969, 3024})
"""ER_STATEMENT_TIMEOUT of MariaDB, ER_QUERY_TIMEOUT of MySQL."""
UNKNOWN_VARIABLE = 1193
NO_SUCH_THREAD = 1094
IDLE = 1.0
"""Seconds that a connection is trusted without asking."""

USED_AT = "pbxapi.used_at"
THREAD = "pbxapi.thread"
"""Where a connection's number on the server is kept."""

DRIVER = "mysqldb" if find_spec("MySQLdb") else "pymysql"
_TIMEOUTS: dict[str, dict[str, Callable[[float], float]]] = {
    "pymysql": {"read_timeout": float, "write_timeout": float},
    "mysqldb": {"read_timeout": math.ceil, "write_timeout": math.ceil},
}


@dataclass(frozen=True, kw_only=True)
class Login:
    """Which server, and as whom. `socket` is the path of a Unix socket and goes before host and port.

    `database` is the platform's own by the name that its file gives, if it does.
    """

    host: str = "127.0.0.1"
    port: int = 3306
    username: str = "root"
    password: str = field(default="", repr=False)
    socket: str = ""
    database: str = ""
    charset: str = "utf8mb4"

    @property
    def local(self) -> bool:
        """Whether nothing of it leaves this machine."""
        if self.socket or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def engine(
    login: Login,
    database: str,
    *,
    timeout: float = 5.0,
    tls: bool | None = None,
    limit: float | None = None,
    only_read: bool = False,
) -> Engine:
    """An engine for one database, by PyMySQL, or mysqlclient where it is installed (`pip install pbxapi[fast]`).

    `timeout` is in seconds, for each read and write; `limit` what a statement may take before the server itself ends
    it, where it can (MariaDB 10.1, MySQL 5.7.8). `tls` None encrypts where the server can, but not on this machine: it
    costs some 20 ms a connection there. True insists on it, with a certificate that this host trusts.
    `only_read` has no transactions, and so none to end, and does not ask whether the server is still there of a
    connection that was used a moment ago: two round trips less.
    """
    # A pool that cannot give a connection back says so with a traceback on standard error, beside our log. Who used the
    # connection has been told, and who had no use for it any more need not be.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.CRITICAL)
    driver = DRIVER
    url = URL.create(
        f"mysql+{driver}", login.username, None, login.host, login.port, database, {"charset": login.charset}
    )
    arguments: dict[str, Any] = {
        "connect_timeout": CONNECT_TIMEOUT, **_credentials(driver, login, tls=tls),
        **{name: kind(timeout) for name, kind in _TIMEOUTS[driver].items()},
    }  # fmt: skip
    if login.socket:
        arguments["unix_socket"] = login.socket
    unlike = (
        {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True} if only_read else {"pool_pre_ping": True}
    )
    made = create_engine(
        url,
        connect_args=arguments,
        pool_recycle=POOL_RECYCLE,
        pool_timeout=POOL_TIMEOUT,
        hide_parameters=True,
        **unlike,
    )
    if only_read:
        event.listen(made, "checkin", _note_use)
        event.listen(made, "checkout", _check_idle)
    if login.host == "localhost" and not login.socket:
        event.listen(made, "do_connect", _find_socket)
    if limit is not None:
        event.listen(made, "connect", partial(_set_limit, limit))
    _engines.add(made)
    return made


def sqlite_engine(path: str, *, only_read: bool = True) -> Engine:
    """An engine for a SQLite file; for the demo. One that is only read is not made when it is not there.

    Others may write beside us: a transaction that writes takes its turn before its first statement.
    """
    mode = "ro" if only_read else "rwc"
    uri = f"file:{quote(path)}?mode={mode}"
    made = create_engine(
        "sqlite+pysqlite://",
        creator=lambda: sqlite3.connect(
            uri, uri=True, timeout=CONNECT_TIMEOUT, check_same_thread=False, isolation_level="IMMEDIATE"
        ),
        poolclass=QueuePool, pool_timeout=POOL_TIMEOUT, hide_parameters=True,
        # The URL does not say it.
        logging_name=Path(path).stem,
    )  # fmt: skip
    if not only_read:
        event.listen(made, "connect", _keep_a_log)
    _engines.add(made)
    return made


def _keep_a_log(connection: sqlite3.Connection, record: object) -> None:
    """Let nobody who reads wait for who writes, nor the other way round."""
    connection.execute("PRAGMA journal_mode = WAL").close()
    connection.execute("PRAGMA synchronous = NORMAL").close()


def _credentials(driver: str, login: Login, *, tls: bool | None) -> dict[str, Any]:
    if driver == "mysqldb":
        # Client library 3 (MariaDB) knows no ssl_mode; both know these.
        mode = "VERIFY_IDENTITY" if tls else "DISABLED" if tls is False or login.local else "PREFERRED"
        return {"password": login.password, "ssl_mode": mode}
    # PyMySQL takes text for Latin-1. What is no UTF-8 in a configuration file is sent as it stands there.
    found: dict[str, Any] = {"password": login.password.encode("utf-8", "surrogateescape")}
    if tls:
        found |= {"ssl_verify_cert": True, "ssl_verify_identity": True}
    elif tls is False or login.local:
        found["ssl_disabled"] = True
    return found


def _note_use(connection: Any, record: Any) -> None:
    record.info[USED_AT] = time.monotonic()


def _check_idle(connection: Any, record: Any, proxy: Any) -> None:
    """Ask whether the server is still there, which costs a round trip, only after a connection has lain idle."""
    used_at = record.info.get(USED_AT)
    if used_at is None or time.monotonic() - used_at < IDLE:
        return
    try:
        connection.ping() if DRIVER == "mysqldb" else connection.ping(reconnect=False)
    except Exception as error:  # whatever the driver says, another connection is made
        raise DisconnectionError from error


def _set_limit(limit: float, connection: Any, record: Any) -> None:
    """Let the server end a statement by itself, which it does also when this process is gone."""
    mariadb = "MariaDB" in connection.get_server_info()
    set_limit = f"max_statement_time = {limit:.3f}" if mariadb else f"max_execution_time = {limit * 1000:.0f}"
    with contextlib.closing(connection.cursor()) as cursor:
        # A date of 0000-00-00, which old rows have, must not make a comparison with it an error.
        cursor.execute("SET SESSION sql_mode = ''")
        try:
            cursor.execute(f"SET SESSION {set_limit}")
        except Exception as error:
            if error.args[:1] != (UNKNOWN_VARIABLE,):
                raise
    record.info[THREAD] = connection.thread_id()


@contextmanager
def connect(engine: Engine) -> Iterator[Connection]:
    """A connection of the engine's pool, given back at the end; what was not committed is undone.

    Raises Timeout when the server does not answer in time, and Unavailable for whatever else it or the driver says.
    """
    thread = None
    try:
        with engine.connect() as connection:
            thread = connection.info.get(THREAD)
            yield connection
    except (DBAPIError, PoolTimeout) as error:
        meaning = _meaning(error)
        if thread is not None and isinstance(meaning, Timeout) and _code(error) not in STATEMENT_TIMED_OUT:
            kill(engine, thread)
        raise meaning from error


def kill(engine: Engine, thread: int) -> None:
    """End a session on the server, and with it the statement that nobody waits for any more."""
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql(f"KILL {int(thread)}")
    except (DBAPIError, PoolTimeout) as error:
        if _code(error) != NO_SUCH_THREAD:
            log.warning("a statement could not be ended on the server: %s", _code(error))


def ready(engine: Engine) -> bool:
    """Whether the database answers."""
    try:
        with connect(engine) as connection:
            connection.exec_driver_sql("SELECT 1")
    except PbxError:
        return False
    return True


def _meaning(error: DBAPIError | PoolTimeout) -> PbxError:
    if not isinstance(error, DBAPIError):
        return Unavailable("All connections to the exchange's database are in use", part="database")
    cause, code = error.orig, _code(error)
    waited = error.connection_invalidated and cause is not None and isinstance(cause.__context__, TimeoutError)
    if waited or code in STATEMENT_TIMED_OUT:
        return Timeout("The exchange's database did not answer in time")
    if isinstance(error, IntegrityError):
        return Conflict("The exchange's database has such a row already: somebody else was quicker")
    # Not its words: they may hold values, and the account. At the default level: nobody else says why.
    log.error("the database says %s %s", type(cause).__name__, code)
    return Unavailable("The exchange's database cannot be reached or used", part="database", retry_after=2)


def _code(error: DBAPIError | PoolTimeout) -> object:
    cause = getattr(error, "orig", None)
    return cause.args[0] if cause is not None and cause.args else None


def _find_socket(dialect: object, record: object, arguments: object, options: dict[str, Any]) -> None:
    """Asked at every connect: the server may come up after us."""
    found = next(filter(_is_socket, SOCKETS), None)
    if found is not None:
        options["unix_socket"] = found


def _is_socket(path: str) -> bool:
    try:
        return Path(path).is_socket()
    except OSError:  # its folder is closed to us
        return False


_engines: weakref.WeakSet[Engine] = weakref.WeakSet()


def _forget_after_fork() -> None:
    """Leave the parent's connections alone: a child that closed them would end the parent's sessions."""
    for made in list(_engines):
        made.dispose(close=False)


os.register_at_fork(after_in_child=_forget_after_fork)
