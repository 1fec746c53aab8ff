"""The engines for the database of call records."""

from __future__ import annotations

from sqlalchemy import Engine

from pbxapi.db.engine import Login, engine, sqlite_engine
from pbxapi.db.login import url_login

DATABASE = "asteriskcdrdb"
GRACE = 2.0
"""Seconds that a server has to end a statement by itself before it is waited for no longer, and killed."""


def call_engines(url: str, login: Login | None, timeout: float) -> tuple[Engine, Engine] | None:
    """One for pages, whose statements end after `timeout` seconds, and one for what streams for as long as it takes.

    `url` goes before the platform's own login; None without either.
    """
    name = DATABASE
    if url:
        login, name = url_login(url)
        if login is None:
            return sqlite_engine(name), sqlite_engine(name)
    if login is None:
        return None
    pages = engine(login, name, timeout=timeout + GRACE, limit=timeout, only_read=True)
    return pages, engine(login, name, timeout=timeout, only_read=True)
