"""Calls counted by the database: one statement for SQLite, MySQL and MariaDB, the same for any range.

A call is the records that share a linkedid (uniqueid, where there is none) and begin in one hour of the exchange's
clock: so the counts of hours add up, whichever way a range is cut at them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    Select,
    String,
    and_,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects import mysql

from pbxapi.db.call_tables import CallTables
from pbxapi.pbx.cdr_calls import call_id
from pbxapi.pbx.naive_time import HOUR, text_of

ALL, DISPOSITION, EXTENSION, QUEUE, DID = "all", "disposition", "extension", "queue", "did"
DIMENSIONS = (ALL, DISPOSITION, EXTENSION, QUEUE, DID)

DISPOSITIONS = ("ANSWERED", "BUSY", "NO ANSWER", "CONGESTION", "FAILED", "UNKNOWN")
"""The best first: a call has the best of its records. Asterisk's ast_cdr_disp2str knows no others."""

KEY_LENGTH = 80
DEVICE_LENGTHS = (2, 8)
TECHNOLOGIES = ("PJSIP", "SIP", "IAX2", "SCCP")
NEEDED = {DID: {"did"}, QUEUE: {"lastapp", "lastdata"}}
DIVISION = 8
"""How closely SQLAlchemy takes a division to bind, so that it puts the brackets: as its own."""

YEAR_0_TO_1970 = 62_167_219_200
"""TO_SECONDS('1970-01-01')."""

Count = tuple[int, str, int | None, int, int]
"""Hour since 1970, key, ring time (None: not answered), calls, talk time."""


def supported(tables: CallTables) -> list[str]:
    """The dimensions that this table tells."""
    return [name for name in DIMENSIONS if NEEDED.get(name, set()) <= tables.columns]


def count(connection: Connection, tables: CallTables, dimension: str, seconds: range, grain: int) -> Iterator[Count]:
    """Count the calls that began in these seconds since 1970.

    By `grain` hours (1 or 24), numbered from 1970 on; 0 is all of them together, as number 0.
    """
    for number, key, ring, calls, talk in connection.execute(_totals(tables, dimension, seconds, grain)):
        if number is not None:
            name = DISPOSITIONS[int(key)] if dimension == DISPOSITION else str(key)
            yield int(number), name, None if ring is None else max(0, int(ring)), int(calls), int(talk or 0)


def newest_before(connection: Connection, tables: CallTables, upper: int) -> int | None:
    """When the last call before this second began; None when there is none since 1970."""
    query = select(_seconds(tables, tables.date)).where(_between(tables, range(upper)))
    found = connection.execute(query.order_by(tables.date.desc()).limit(1)).scalar()
    return None if found is None else int(found)


def oldest(connection: Connection, tables: CallTables, upper: int) -> int | None:
    """When the first call since 1970 began, of those before `upper`."""
    query = select(_seconds(tables, tables.date)).where(_between(tables, range(upper)))
    found = connection.execute(query.order_by(tables.date).limit(1)).scalar()
    return None if found is None else int(found)


def _between(tables: CallTables, seconds: range) -> ColumnElement[bool]:
    # A date of 1000-01-01 or 0000-00-00 is what the platforms write for none.
    return and_(tables.date >= text_of(max(0, seconds.start)), tables.date < text_of(max(0, seconds.stop)))


def _totals(tables: CallTables, dimension: str, seconds: range, grain: int) -> Select[Any]:
    """Calls that rang for the same time, counted together."""
    calls = _calls(tables, dimension, seconds).subquery("calls")
    c = calls.c
    number: ColumnElement[int] = literal(0, Integer)
    if grain:
        number = c.hour if grain == 1 else _whole(tables, c.hour, grain)
    counted = select(
        number.label("number"), c.key.label("key"), (c.answer - _seconds(tables, c.first)).label("ring"), c.talk
    ).where(c.hour.is_not(None))
    t = counted.subquery("counted").c
    return select(t.number, t.key, t.ring, func.count(), func.sum(t.talk)).group_by(t.number, t.key, t.ring)


def _calls(tables: CallTables, dimension: str, seconds: range) -> Select[Any]:
    """One row a call, or one a call and key where a call can have several."""
    parts = [_records(tables, key, where, seconds) for key, where in _keys(tables, dimension)]
    records = (parts[0] if len(parts) == 1 else union_all(*parts)).subquery("records")
    r = records.c
    answered = r.disposition == "ANSWERED"
    answer = _seconds(tables, r.date) + func.coalesce(r.duration, 0) - func.coalesce(r.billsec, 0)
    chosen = [
        r.hour, func.min(r.date).label("first"), func.min(case((answered, answer))).label("answer"),
        func.max(case((answered, func.coalesce(r.billsec, 0)))).label("talk"),
    ]  # fmt: skip
    if dimension == ALL:
        query = select(*chosen, literal("", String).label("key")).group_by(r.hour, r.call)
    elif dimension == DISPOSITION:
        ranks = {name: rank for rank, name in enumerate(DISPOSITIONS)}
        rank = case(ranks, value=r.disposition, else_=ranks["UNKNOWN"])
        query = select(*chosen, func.min(rank).label("key")).group_by(r.hour, r.call)
    else:
        query = select(*chosen, r.key).group_by(r.hour, r.call, r.key)
    # Nearly as many calls as records: sorting them takes half as long as a temporary table.
    return query if tables.server == "sqlite" else query.prefix_with("SQL_BIG_RESULT")


def _records(
    tables: CallTables, key: ColumnElement[str], where: ColumnElement[bool] | None, seconds: range
) -> Select[Any]:
    cdr, date = tables.cdr.c, tables.date
    query = select(
        _whole(tables, _seconds(tables, date), HOUR).label("hour"), call_id(tables).label("call"), date.label("date"),
        cdr.disposition, cdr.duration, cdr.billsec, key.label("key"),
    ).where(_between(tables, seconds))  # fmt: skip
    return query if where is None else query.where(where)


def _keys(tables: CallTables, dimension: str) -> list[tuple[ColumnElement[str], ColumnElement[bool] | None]]:
    """What the key of a record is, and which records have one."""
    cdr = tables.cdr.c
    if dimension == EXTENSION:
        channels = [cdr[name] for name in ("channel", "dstchannel") if name in tables.columns]
        return [_device(tables, channel) for channel in channels]
    if dimension == QUEUE:
        queue = _exactly(tables, _before(tables, cdr.lastdata, ","))
        return [(queue, and_(cdr.lastapp == "Queue", queue != ""))]
    if dimension == DID:
        did = _exactly(tables, cdr.did)
        return [(did, did != "")]
    return [(literal("", String), None)]


def _device(tables: CallTables, channel: ColumnElement[str]) -> tuple[ColumnElement[str], ColumnElement[bool]]:
    """The number in TECH/200-0000001a and Local/200@context-0000001a;1."""
    least, most = DEVICE_LENGTHS
    if tables.server != "sqlite":
        pattern = f"^({'|'.join(TECHNOLOGIES)})/[0-9]{{{least},{most}}}-|^Local/[0-9]{{{least},{most}}}@"
        rest = func.substring(channel, func.locate("/", channel, type_=Integer) + 1)
        device = func.substring_index(func.substring_index(rest, "@", 1), "-", 1)
        return _exactly(tables, device), channel.op("REGEXP", is_comparison=True)(pattern)
    rest = func.substr(channel, func.instr(channel, "/", type_=Integer) + 1, type_=String)
    local = channel.like("Local/%")
    number = _before(tables, rest, case((local, "@"), else_="-"), whole=False)
    kinds = or_(local, *(channel.like(f"{technology}/%") for technology in TECHNOLOGIES))
    digits = and_(number.op("NOT GLOB", is_comparison=True)("*[^0-9]*"), func.length(number).between(least, most))
    return number, and_(kinds, digits)


def _before(tables: CallTables, text: ColumnElement[str], mark: Any, *, whole: bool = True) -> ColumnElement[str]:
    """What stands before a mark; where there is none the whole, or else nothing."""
    if tables.server != "sqlite":
        return func.substring_index(text, mark, 1, type_=String)
    at = func.instr(text, mark, type_=Integer)
    length = case((at > 0, at - 1), else_=func.length(text) if whole else 0)
    return func.substr(text, 1, length, type_=String)


def _exactly(tables: CallTables, text: ColumnElement[str]) -> ColumnElement[str]:
    """A text in which case counts, whatever the table's collation, without blanks around it."""
    short: ColumnElement[str] = func.substr(func.trim(text), 1, KEY_LENGTH, type_=String)
    if tables.server == "sqlite":
        return short
    return cast(short, mysql.CHAR(charset="utf8mb4")).collate("utf8mb4_bin")


def _seconds(tables: CallTables, date: ColumnElement[Any]) -> ColumnElement[int]:
    """Seconds since 1970 by the exchange's clock; NULL for what is no date."""
    if tables.server == "sqlite":
        return cast(func.strftime("%s", date), Integer)
    return func.to_seconds(date, type_=Integer) - YEAR_0_TO_1970


def _whole(tables: CallTables, number: ColumnElement[int], unit: int) -> ColumnElement[int]:
    """Divided, without a remainder."""
    if tables.server == "sqlite":
        return number.op("/", precedence=DIVISION)(literal(unit, Integer))
    return number.op("DIV", precedence=DIVISION)(literal(unit, Integer))
