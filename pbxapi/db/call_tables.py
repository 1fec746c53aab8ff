"""Asterisk's tables `cdr` and `cel` as they are on this exchange: looked at once, and adapted to.

Their columns differ between stock Asterisk (contrib/ast-db-manage/cdr: `start` for calldate, no did, no recordingfile),
FreePBX 13 (no linkedid, peeraccount, sequence), 14 to 17, and Issabel 4 and 5.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnClause, Connection, Dialect, Engine, TableClause, column, inspect, table
from sqlalchemy.engine.interfaces import ReflectedIndex
from sqlalchemy.exc import NoSuchTableError

from pbxapi.db.engine import connect
from pbxapi.errors import Unavailable

DATES = ("calldate", "start")
NEEDED = frozenset({"src", "dst", "channel", "disposition", "duration", "billsec", "uniqueid"})

BMP_ALONE = frozenset({"utf8", "utf8mb3"})
CODECS = {"latin1": "cp1252"}
"""Where Python means something else by MySQL's name of a character set."""


@dataclass(frozen=True)
class CallTables:
    """What is there. `version` is that of the server; `indexes` name their columns in order.

    `date_index` is the name of one that begins with the date.
    """

    dialect: Dialect
    server: str
    version: tuple[int, ...]
    cdr: TableClause
    date: ColumnClause[str]
    columns: frozenset[str]
    nullable: frozenset[str]
    indexes: tuple[tuple[str, ...], ...]
    date_index: str | None
    cel: TableClause | None
    cel_columns: frozenset[str]
    charsets: Mapping[str, str]

    def can_hold(self, name: str, text: str) -> bool:
        """Whether this column's character set has the text: MySQL will not even compare it with one that it has not."""
        charset = self.charsets.get(name, "")
        if charset in BMP_ALONE:
            return all(character <= "\uffff" for character in text)
        try:
            text.encode(CODECS.get(charset, charset))
        except UnicodeEncodeError:
            return False
        except LookupError:  # Python has none of that name, such as utf8mb4, which holds everything
            return True
        return True

    def has_index(self, *names: str) -> bool:
        """Whether an index begins with these columns."""
        return any(index[: len(names)] == names for index in self.indexes)

    @property
    def builds_json(self) -> bool:
        """Whether the server has JSON_OBJECT: MariaDB 10.2.3, MySQL 5.7.22, SQLite (built in since 3.38)."""
        return self.version >= {"mariadb": (10, 2, 3), "mysql": (5, 7, 22), "sqlite": (3, 38)}[self.server]


class TableLook:
    """The tables of one database, looked at when first needed and kept; a failure is not kept."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._found: CallTables | None = None

    def get(self) -> CallTables:
        """Raises Unavailable when the database does not answer, or has no table `cdr` that can be used."""
        found = self._found
        if found is None:
            with self._lock, connect(self._engine) as connection:
                found = self._found = self._found or _look(connection)
        return found

    def forget(self) -> None:
        """Look again when next asked: an upgrade of the platform may have changed them."""
        self._found = None


def _look(connection: Connection) -> CallTables:
    there = inspect(connection)
    try:
        columns = there.get_columns("cdr")
    except NoSuchTableError:
        raise Unavailable("The database of call records has no table cdr", part="database") from None
    names = [str(found["name"]) for found in columns]
    date = next((name for name in DATES if name in names), None)
    missing = sorted(NEEDED.difference(names)) + ([] if date else ["calldate"])
    if date is None or missing:
        raise Unavailable(f"The table cdr lacks the columns {', '.join(missing)}", part="database")
    cel_names = [str(found["name"]) for found in there.get_columns("cel")] if there.has_table("cel") else []
    cdr = table("cdr", *map(column, names))
    server, version = _server(connection)
    indexes = there.get_indexes("cdr")
    by_date = (index["name"] for index in indexes if index["column_names"][:1] == [date])
    return CallTables(
        dialect=connection.dialect,
        server=server,
        version=version,
        cdr=cdr,
        date=cdr.c[date],
        columns=frozenset(names),
        nullable=frozenset(str(found["name"]) for found in columns if found["nullable"]),
        indexes=tuple(filter(None, map(_columns, indexes))),
        date_index=next(by_date, None),
        cel=table("cel", *map(column, cel_names)) if cel_names else None,
        cel_columns=frozenset(cel_names),
        charsets={} if server == "sqlite" else _charsets(connection),
    )


def _charsets(connection: Connection) -> dict[str, str]:
    found = connection.exec_driver_sql(
        "SELECT column_name, character_set_name FROM information_schema.columns"
        " WHERE table_schema = DATABASE() AND table_name = 'cdr' AND character_set_name IS NOT NULL"
    )
    return {str(name): str(charset) for name, charset in found}


def _columns(index: ReflectedIndex) -> tuple[str, ...]:
    return tuple(name for name in index["column_names"] if name)


def _server(connection: Connection) -> tuple[str, tuple[int, ...]]:
    if connection.dialect.name == "sqlite":
        said, server = connection.exec_driver_sql("SELECT sqlite_version()").scalar_one(), "sqlite"
    else:
        said = connection.exec_driver_sql("SELECT VERSION()").scalar_one()
        server = "mariadb" if "mariadb" in said.lower() else "mysql"
        # Old replication peers took a MariaDB 10 for a MySQL 5.5.5-10...: it still says so to some.
        said = said.removeprefix("5.5.5-")
    return server, tuple(map(int, re.findall(r"[0-9]+", said)[:3]))
