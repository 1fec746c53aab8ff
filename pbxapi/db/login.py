"""How to log in to the exchange's database where no password is configured here: as the platform itself does."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from pbxapi.db.amp_conf import parse
from pbxapi.db.engine import Login

log = logging.getLogger("pbxapi.db")

MAX_BYTES = 1024 * 1024
PASSWORD = "mysqlrootpwd="  # noqa: S105 (a key's name)


def freepbx_login(login: Login, path: str) -> Login:
    """Complete a login that has no password with host, port, socket, user, password and database of freepbx.conf.

    A file that cannot be read is an error in the log; the login stays as it is, and the database answers for it.
    """
    if login.password:
        return login
    try:
        conf = parse(_text(path))
        port = int(conf.get("AMPDBPORT") or login.port)
    except (OSError, ValueError) as error:
        log.error("FREEPBX_CONF_PATH has no login for the database: %s", error)  # noqa: TRY400
        return login
    return replace(
        login,
        host=conf.get("AMPDBHOST") or login.host,
        port=port,
        socket=conf.get("AMPDBSOCK") or login.socket,
        username=conf.get("AMPDBUSER") or login.username,
        password=conf.get("AMPDBPASS", ""),
        database=conf.get("AMPDBNAME", ""),
    )


def issabel_login(login: Login, path: str) -> Login:
    """Complete a login that has no password with the one for MySQL in issabel.conf.

    A file that cannot be read, or has none, is an error in the log; the login stays as it is.
    """
    if login.password:
        return login
    try:
        lines = _text(path).split("\n")
    except (OSError, ValueError) as error:
        log.error("ISSABEL_CONF_PATH has no login for the database: %s", error)  # noqa: TRY400
        return login
    for line in lines:
        if line.startswith(PASSWORD):
            return replace(login, password=line.removeprefix(PASSWORD).rstrip("\r"))
    log.error("ISSABEL_CONF_PATH has no login for the database: %s has no %s", path, PASSWORD)
    return login


def _text(path: str) -> str:
    with Path(path).open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{path}: larger than {MAX_BYTES} bytes")
    return data.decode("utf-8", "surrogateescape")


def url_login(url: str) -> tuple[Login | None, str]:
    """The login and the database that a URL names; None and the path for that of a SQLite file.

    Raises ValueError for a URL that is none.
    """
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("is no URL of a database") from None
    if parsed.get_backend_name() == "sqlite":
        return None, parsed.database or ""
    given: dict[str, Any] = {
        "host": parsed.host, "port": parsed.port, "username": parsed.username, "password": parsed.password,
        "socket": parsed.query.get("unix_socket"), "charset": parsed.query.get("charset"),
    }  # fmt: skip
    return Login(**{name: value for name, value in given.items() if value}), parsed.database or "asteriskcdrdb"
