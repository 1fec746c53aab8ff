"""What an administrator should know of the table of call records: which indexes it lacks, and its clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from statistics import median

from sqlalchemy import Connection, select

from pbxapi.db.call_tables import CallTables
from pbxapi.db.text import date_text
from pbxapi.pbx.local_time import EPOCH, Clock

LOOKED_AT = 50
SKEW = 600
"""Seconds by which a record's date may be off from its channel's uniqueid before the time zone is doubted."""

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
    """`lacking` pairs a statement that would make an index with what it is for; `skew` is in seconds, None: unknown."""

    server: str
    version: str
    columns: frozenset[str]
    has_cel: bool
    lacking: tuple[tuple[str, str], ...]
    skew: int | None


def survey(connection: Connection, tables: CallTables, clock: Clock) -> Survey:
    """Look at the table; fast, whatever its size, where its date has an index."""
    date = tables.date.name
    lacking = []
    for wanted, what in WANTED:
        columns = tuple(date if name == "calldate" else name for name in wanted)
        if set(columns) <= tables.columns and not tables.has_index(*columns):
            lacking.append((f"CREATE INDEX {'_'.join(columns)} ON cdr ({', '.join(columns)});", what))
    return Survey(
        server=tables.server,
        version=".".join(map(str, tables.version)),
        columns=tables.columns,
        has_cel=tables.cel is not None,
        lacking=tuple(lacking),
        skew=_skew(connection, tables, clock) if tables.has_index(date) else None,
    )


def _skew(connection: Connection, tables: CallTables, clock: Clock) -> int | None:
    """How much later the newest records are dated than their channels were made, by the configured time zone."""
    query = select(date_text(tables), tables.cdr.c.uniqueid).order_by(tables.date.desc()).limit(LOOKED_AT)
    off = []
    for date, uniqueid in connection.execute(query):
        made, moment = re.match(EPOCH, uniqueid or ""), clock.moment(date, uniqueid)
        if made and moment:
            off.append(moment.timestamp() - int(made[1]))
    return round(median(off)) if off else None
