"""Rows as text that the database server builds, which costs a third of building it here."""

from __future__ import annotations

from collections.abc import Iterable
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


def csv_text(tables: CallTables) -> ColumnElement[str]:
    """A row of `cdr` as a line of CSV (RFC 4180): its date and FIELDS, all but numbers in quotation marks.

    What a spreadsheet would run is in it as it stands.
    """
    cells: list[_Piece] = ['"', func.coalesce(date_text(tables), _NOTHING), '"']
    for name in FIELDS:
        cells += [",", *_cell(tables, name, '""', "")]
    return _joined(tables, cells)


def object_text(tables: CallTables, quote: str) -> ColumnElement[str]:
    """A row of `cdr` but its date, nearly as `json_text` has it, on any server and for half of what that costs.

    What is missing can be done to many rows at once: `quote` stands for a quotation mark in a value, backslashes and
    control characters are not escaped, and empty text is `""`.
    """
    cells: list[_Piece] = []
    for name in FIELDS:
        cells += ["," if cells else "{", f'"{name}":', *_cell(tables, name, quote, "null")]
    return _joined(tables, [*cells, "}"])


_Piece = str | ColumnElement[Any]
_NOTHING: ColumnElement[str] = literal_column("''")


def _cell(tables: CallTables, name: str, quote: str, absent: str) -> list[_Piece]:
    if name not in tables.columns:
        return [absent]
    if name in NUMBERS:
        return [func.coalesce(_number(tables, name), literal_column(f"'{absent}'"))]
    text = func.replace(_text(tables, name), literal_column("'\"'"), literal_column(f"'{quote}'"))
    return ['"', func.coalesce(text, _NOTHING), '"']


def _joined(tables: CallTables, pieces: Iterable[_Piece]) -> ColumnElement[str]:
    """One text of all; literal ones that follow each other are made one, for each costs the server."""
    parts: list[ColumnElement[Any]] = []
    text = ""
    for piece in (*pieces, _NOTHING):
        if isinstance(piece, str):
            text += piece
        else:
            parts += [literal_column(f"'{text}'"), piece] if text else [piece]
            text = ""
    if tables.server == "sqlite":
        return reduce(lambda left, right: left.op("||", return_type=String())(right), parts)
    return func.concat(*parts, type_=String)


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
