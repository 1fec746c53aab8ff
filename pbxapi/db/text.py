"""Rows as text that the database server builds, which costs a third of building it here."""

from __future__ import annotations

from collections.abc import Iterator
from functools import reduce
from typing import Any

from sqlalchemy import ColumnElement, case, cast, func, literal_column, null
from sqlalchemy.types import CHAR, BigInteger, Integer, String

from pbxapi.db.call_tables import CallTables

COUNTS = ("duration", "billsec")
NUMBERS = (*COUNTS, "sequence")
FIELDS = (
    "clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata", "duration", "billsec",
    "disposition", "amaflags", "accountcode", "uniqueid", "userfield", "did", "recordingfile", "cnum", "cnam",
    "outbound_cnum", "outbound_cnam", "dst_cnam", "linkedid", "peeraccount", "sequence",
)  # fmt: skip
"""What a row of `cdr` tells beside its date, in order."""


def date_text(tables: CallTables) -> ColumnElement[str]:
    """The date of a row as `YYYY-MM-DD HH:MM:SS`, with no driver's opinion of it."""
    return time_text(tables, tables.date)


def time_text(tables: CallTables, time: ColumnElement[str]) -> ColumnElement[str]:
    """A column with a time, likewise; what it holds of a second is left out."""
    if tables.server == "sqlite":
        return func.substr(time, 1, 19, type_=String)
    return cast(time, CHAR(19))


def json_text(tables: CallTables) -> ColumnElement[str]:
    """A row of `cdr` but its date, as a JSON object: empty text is null, and so is a column that the table has not.

    Only where `tables.builds_json`. MariaDB and SQLite keep the order of FIELDS, MySQL sorts the names.
    """
    pairs: list[ColumnElement[Any]] = []
    for name in FIELDS:
        pairs += (literal_column(f"'{name}'"), _value(tables, name))
    return func.json_object(*pairs, type_=String)


def csv_text(tables: CallTables, quote: str) -> ColumnElement[str]:
    """A row of `cdr`, its date and FIELDS, as a line of CSV with `quote` around what is no number.

    `quote` stands in no row: what is a quotation mark in the end, and what has to be doubled or defused, is settled by
    who reads many lines at once. On the server that costs more than all the rest of a row.
    """
    pieces: list[ColumnElement[str]] = []
    pending = ""
    for number, cell in _cells(tables):
        border = "" if number else quote
        pending += border
        if cell is not None:
            pieces += ([literal_column(f"'{pending}'")] if pending else []) + [func.coalesce(cell, literal_column("''"))]
            pending = ""
        pending += f"{border},"
    pieces += [literal_column(f"'{pending[:-1]}'")]
    if tables.server == "sqlite":
        return reduce(lambda left, right: left.op("||", return_type=String())(right), pieces)
    return func.concat(*pieces, type_=String)


def _cells(tables: CallTables) -> Iterator[tuple[bool, ColumnElement[Any] | None]]:
    """Whether it is a number, and what it holds: nothing for a column that the table has not."""
    yield False, date_text(tables)
    for name in FIELDS:
        number = name in NUMBERS
        if name not in tables.columns:
            yield number, None
        else:
            yield number, _number(tables, name) if number else _text(tables, name)


def _value(tables: CallTables, name: str) -> ColumnElement[Any]:
    if name not in tables.columns:
        return null()
    if name in NUMBERS:
        return _number(tables, name)
    text = _text(tables, name)
    # NULLIF(text, '') would take blanks for nothing: MySQL pads what it compares with them.
    there = text != literal_column("''") if tables.server == "sqlite" else func.length(text) > literal_column("0")
    return case((there, text))


def _number(tables: CallTables, name: str) -> ColumnElement[int]:
    number = cast(tables.cdr.c[name], Integer if tables.server == "sqlite" else BigInteger)
    return func.coalesce(number, literal_column("0")) if name in COUNTS else number


def _text(tables: CallTables, name: str) -> ColumnElement[str]:
    """A column as text: amaflags is a number on most platforms, and SQLite keeps what it was given."""
    column: ColumnElement[str] = tables.cdr.c[name]
    return cast(column, String) if name == "amaflags" or tables.server == "sqlite" else column
