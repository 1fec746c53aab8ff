"""What an administrator should know of the table of call records: which indexes it lacks, and its clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median

from sqlalchemy import Connection, inspect, select

from pbxapi.db.call_tables import CallTables
from pbxapi.db.text import date_text
from pbxapi.pbx.local_time import EPOCH, Clock

LOOKED_AT = 50
SKEW = 600
"""Seconds by which a record's date may be off from its channel's uniqueid before the time zone is doubted."""

CEL_KEY = "linkedid"

# What an index is for; the first that a platform ships come first.
WANTED = (
    (("calldate",), "every page, and every range"),
    (("uniqueid",), "GET /cdr/{uniqueid}, and the recording of a record"),
    (("linkedid",), "group=call, and the journey of a call"),
    (("dst",), "the filters dst and dst_prefix"),
    (("src", "calldate"), "the filters src, src_prefix and either"),
    (("disposition", "calldate"), "the filter disposition, over more than a month"),
)


@dataclass(frozen=True)
class Survey:
    """`lacking` pairs a statement that would make an index with what it is for; `skew` is in seconds, None: unknown.

    `cel_written` is whether the newest calls are in the table cel; None: not known.
    """

    server: str
    version: str
    columns: frozenset[str]
    has_cel: bool
    lacking: tuple[tuple[str, str], ...]
    skew: int | None
    cel_written: bool | None


def survey(connection: Connection, tables: CallTables, clock: Clock) -> Survey:
    """Look at the table; fast, whatever its size, where its date has an index."""
    date = tables.date.name
    lacking = []
    for wanted, what in WANTED:
        columns = tuple(date if name == "calldate" else name for name in wanted)
        if set(columns) <= tables.columns and not tables.has_index(*columns):
            lacking.append((f"CREATE INDEX {'_'.join(columns)} ON cdr ({', '.join(columns)});", what))
    cel_indexed = tables.cel is not None and _cel_has_index(connection)
    if tables.cel is not None and CEL_KEY in tables.cel_columns and not cel_indexed:
        lacking.append((f"CREATE INDEX {CEL_KEY} ON cel ({CEL_KEY});", "the journey of a call"))
    dated = tables.has_index(date)
    return Survey(
        server=tables.server,
        version=".".join(map(str, tables.version)),
        columns=tables.columns,
        has_cel=tables.cel is not None,
        lacking=tuple(lacking),
        skew=_skew(connection, tables, clock) if dated else None,
        cel_written=_cel_written(connection, tables) if dated and cel_indexed else None,
    )


def _cel_has_index(connection: Connection) -> bool:
    return any(index["column_names"][:1] == [CEL_KEY] for index in inspect(connection).get_indexes("cel"))


def _cel_written(connection: Connection, tables: CallTables) -> bool | None:
    """Whether one of the newest calls has events; None where that cannot be told."""
    if tables.cel is None or CEL_KEY not in tables.columns:
        return None
    newest = select(tables.cdr.c[CEL_KEY]).order_by(tables.date.desc()).limit(LOOKED_AT)
    calls = [linkedid for (linkedid,) in connection.execute(newest) if linkedid]
    if not calls:
        return None
    found = select(tables.cel.c[CEL_KEY]).where(tables.cel.c[CEL_KEY].in_(calls)).limit(1)
    return connection.execute(found).first() is not None


def _skew(connection: Connection, tables: CallTables, clock: Clock) -> int | None:
    """How much later the newest records are dated than their channels were made, by the configured time zone."""
    query = select(date_text(tables), tables.cdr.c.uniqueid).order_by(tables.date.desc()).limit(LOOKED_AT)
    off = []
    for date, uniqueid in connection.execute(query):
        made, moment = re.match(EPOCH, uniqueid or ""), clock.moment(date, uniqueid)
        if made and moment:
            off.append(moment.timestamp() - int(made[1]))
    return round(median(off)) if off else None
