"""What the tables of the exchange's database are really like: their widths, character sets and storage engines.

FreePBX widens columns with every version and many a point release; what does not fit, MySQL cuts without a word.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, inspect

from pbxapi.db.engine import connect

CHARSETS = {
    "latin1": "cp1252", "latin2": "iso8859_2", "latin5": "iso8859_9", "latin7": "iso8859_13",
    "cp1250": "cp1250", "cp1251": "cp1251", "cp1256": "cp1256", "cp1257": "cp1257",
    "greek": "iso8859_7", "hebrew": "iso8859_8", "koi8r": "koi8_r", "koi8u": "koi8_u",
    "gbk": "gbk", "gb18030": "gb18030", "big5": "big5", "sjis": "shift_jis", "euckr": "euc_kr",
    "utf8mb4": "utf-8",
}  # fmt: skip
"""MySQL's character sets by Python's names. MySQL's `latin1` is Windows-1252; of others only ASCII is trusted."""

THREE_BYTES = frozenset({"utf8", "utf8mb3", "ucs2"})
"""Character sets that end with U+FFFF: no emoji."""

TRANSACTIONAL = frozenset({"innodb", "rocksdb", "tokudb", "ndbcluster"})

COLUMNS = (
    "SELECT TABLE_NAME, COLUMN_NAME, CHARACTER_MAXIMUM_LENGTH, CHARACTER_SET_NAME, IS_NULLABLE = 'YES',"
    " COLUMN_DEFAULT IS NOT NULL OR IS_NULLABLE = 'YES' OR EXTRA = 'auto_increment'"
    " FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() ORDER BY TABLE_NAME, ORDINAL_POSITION"
)
ENGINES = "SELECT TABLE_NAME, ENGINE FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE()"


@dataclass(frozen=True, slots=True)
class ColumnShape:
    """A column. `length` is in characters, None for no text; `charset` is MySQL's name, None for any character.

    `default`: a row may be inserted without it.
    """

    length: int | None
    charset: str | None
    nullable: bool
    default: bool

    def fault(self, text: str) -> str | None:
        """Say why this text cannot be stored as it is, in words for a caller, or None when it can."""
        if self.length is not None and len(text) > self.length:
            return f"Longer than {self.length} characters."
        if text.isascii() and "\0" not in text:
            return None
        for character in text:
            if not _fits(character, self.charset):
                return f"The exchange's database cannot hold the character {character!a}."
        return None


@dataclass(frozen=True, slots=True)
class TableShape:
    """A table with its columns in their order. `transactional` False: what was written cannot be rolled back."""

    name: str
    columns: Mapping[str, ColumnShape]
    transactional: bool


@dataclass(frozen=True, slots=True)
class Schema:
    """The tables of a database, under the names that they have there."""

    tables: Mapping[str, TableShape]

    def has(self, table: str, column: str | None = None) -> bool:
        """Whether there is such a table, and such a column in it."""
        shape = self.tables.get(table)
        return shape is not None and (column is None or column in shape.columns)


class SchemaLook:
    """The schema of an engine's database, asked for again when the answer is older than `ttl` seconds.

    Threads share the answer without a lock: at worst two ask at once, and nothing is held over a fork.
    """

    def __init__(self, engine: Engine, ttl: float = 30.0) -> None:
        self._engine = engine
        self._ttl = ttl
        self._held: tuple[float, Schema] | None = None

    def now(self) -> Schema:
        """The schema, `ttl` old at most. Raises Unavailable and Timeout."""
        held, asked_at = self._held, time.monotonic()
        if held is None or asked_at - held[0] > self._ttl:
            with connect(self._engine) as connection:
                held = self._held = asked_at, look(connection)
        return held[1]


def look(connection: Connection) -> Schema:
    """Ask the database itself: two questions for all tables on MySQL, PRAGMAs on SQLite."""
    if connection.dialect.name == "sqlite":
        return _look_at_sqlite(connection)
    engines: dict[str, str | None] = {str(table): engine for table, engine in connection.exec_driver_sql(ENGINES)}
    found: dict[str, dict[str, ColumnShape]] = {table: {} for table in engines}
    for table, column, *shape in connection.exec_driver_sql(COLUMNS):
        found.setdefault(table, {})[column] = _shape(*shape)
    return _schema(
        TableShape(name, columns, str(engines.get(name) or "").lower() in TRANSACTIONAL)
        for name, columns in found.items()
    )


def _look_at_sqlite(connection: Connection) -> Schema:
    """Only a declared `VARCHAR(n)` has a length; SQLite itself keeps to none."""
    return _schema(
        TableShape(str(name), {column["name"]: _sqlite_shape(column) for column in columns}, True)
        for (_, name), columns in inspect(connection).get_multi_columns().items()
    )


def _schema(tables: Iterable[TableShape]) -> Schema:
    return Schema({table.name: table for table in tables})


def _shape(length: int | None, charset: str | None, nullable: int, default: int) -> ColumnShape:
    return ColumnShape(length, charset.lower() if charset else None, bool(nullable), bool(default))


def _sqlite_shape(column: Mapping[str, Any]) -> ColumnShape:
    made = column["default"] is not None or column["nullable"] or bool(column.get("primary_key"))
    return ColumnShape(getattr(column["type"], "length", None), None, column["nullable"], made)


def _fits(character: str, charset: str | None) -> bool:
    if character == "\0" or "\ud800" <= character <= "\udfff":
        return False
    if charset is None or character.isascii():
        return True
    if charset in THREE_BYTES:
        return character <= "\uffff"
    try:
        character.encode(CHARSETS.get(charset, "ascii"))
    except UnicodeEncodeError:
        return False
    return True
