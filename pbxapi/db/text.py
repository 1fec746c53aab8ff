"""Rows as text that the database server builds, which costs a third of building it here."""

from __future__ import annotations

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


def cells_text(tables: CallTables, mark: str) -> ColumnElement[str]:
    """A row of `cdr`: its date and FIELDS with `mark` between them, empty where there is nothing.

    What has to be done to quotation marks and the like is done here to many rows at once: for each cell it would cost
    the server half as much again as the whole row. `mark` is nothing that SQL has to quote.
    """
    cells = [_filled(tables, date_text(tables), tables.date.name), *(_cell(tables, name) for name in FIELDS)]
    between: ColumnElement[str] = literal_column(f"'{mark}'")
    if tables.server == "sqlite":
        return reduce(lambda left, right: _beside(_beside(left, between), right), cells)
    return func.concat_ws(between, *cells, type_=String)


def _cell(tables: CallTables, name: str) -> ColumnElement[Any]:
    if name not in tables.columns:
        return _NOTHING
    if name in NUMBERS:
        number = _number(tables, name)
        return number if name in COUNTS else _filled(tables, number, name)
    return _filled(tables, _text(tables, name), name)


def _filled(tables: CallTables, cell: ColumnElement[Any], name: str) -> ColumnElement[Any]:
    return func.coalesce(cell, _NOTHING) if name in tables.nullable else cell


def _beside(left: ColumnElement[Any], right: ColumnElement[Any]) -> ColumnElement[str]:
    return left.op("||", return_type=String())(right)


_NOTHING: ColumnElement[str] = literal_column("''")


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
