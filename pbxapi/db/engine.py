"""Engines for the exchange's MySQL or MariaDB: nothing is connected before it is used, and safe to hold over a fork."""

from __future__ import annotations

import ipaddress
import logging
import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from pbxapi.errors import PbxError, Timeout, Unavailable

log = logging.getLogger("pbxapi.db")

CONNECT_TIMEOUT = 3
POOL_TIMEOUT = 3.0
POOL_RECYCLE = 1800
"""Seconds. A firewall may forget an idle connection long before the server's wait_timeout (8 hours)."""

SOCKETS = ("/run/mysqld/mysqld.sock", "/var/lib/mysql/mysql.sock", "/tmp/mysql.sock")  # noqa: S108
"""Where Debian, Red Hat and MySQL itself put the server's socket; `localhost` means it, as it does to PHP and C."""

STATEMENT_TIMED_OUT = frozenset({1969, 3024})
"""ER_STATEMENT_TIMEOUT of MariaDB, ER_QUERY_TIMEOUT of MySQL."""


@dataclass(frozen=True, kw_only=True)
class Login:
    """Which server, and as whom. `socket` is the path of a Unix socket and goes before host and port."""

    host: str = "127.0.0.1"
    port: int = 3306
    username: str = "root"
    password: str = field(default="", repr=False)
    socket: str = ""
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


def engine(login: Login, database: str, *, timeout: float = 5.0, tls: bool | None = None) -> Engine:
    """An engine for one database, by PyMySQL. `timeout` is in seconds, for each read and write.

    `tls` None encrypts where the server can, but not on this machine: it costs some 20 ms a connection there.
    True insists on it, with a certificate that this host trusts.
    """
    url = URL.create(
        "mysql+pymysql", login.username, None, login.host, login.port, database, {"charset": login.charset}
    )
    arguments: dict[str, Any] = {
        # PyMySQL takes text for Latin-1. What is no UTF-8 in a configuration file is sent as it stands there.
        "password": login.password.encode("utf-8", "surrogateescape"),
        "connect_timeout": CONNECT_TIMEOUT, "read_timeout": timeout, "write_timeout": timeout,
    }  # fmt: skip
    if tls:
        arguments |= {"ssl_verify_cert": True, "ssl_verify_identity": True}
    elif tls is False or login.local:
        arguments["ssl_disabled"] = True
    if login.socket:
        arguments["unix_socket"] = login.socket
    made = create_engine(
        url, connect_args=arguments, pool_pre_ping=True, pool_recycle=POOL_RECYCLE, pool_timeout=POOL_TIMEOUT,
        hide_parameters=True,
    )  # fmt: skip
    if login.host == "localhost" and not login.socket:
        event.listen(made, "do_connect", _find_socket)
    _engines.add(made)
    return made


@contextmanager
def connect(engine: Engine) -> Iterator[Connection]:
    """A connection of the engine's pool, given back at the end; what was not committed is undone.

    Raises Timeout when the server does not answer in time, and Unavailable for whatever else it or the driver says.
    """
    try:
        with engine.connect() as connection:
            yield connection
    except (DBAPIError, PoolTimeout) as error:
        raise _meaning(error) from error


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
    cause = error.orig
    code = cause.args[0] if cause is not None and cause.args else None
    # Not its words: they may hold values, and the account.
    log.warning("the database says %s %s", type(cause).__name__, code)
    waited = error.connection_invalidated and cause is not None and isinstance(cause.__context__, TimeoutError)
    if waited or code in STATEMENT_TIMED_OUT:
        return Timeout("The exchange's database did not answer in time")
    return Unavailable("The exchange's database cannot be reached or used", part="database", retry_after=2)


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
