"""Which rows of `cdr` are asked for, as conditions of SQL. What a caller sent is only ever a bound value."""

from __future__ import annotations

from sqlalchemy import ColumnClause, ColumnElement, and_, or_

from pbxapi.db.call_tables import CallTables
from pbxapi.errors import NotSupported
from pbxapi.pbx.history import Filters
from pbxapi.pbx.local_time import Clock

CONTAINS = (
    "src", "dst", "clid", "cnum", "cnam", "channel", "dstchannel", "lastapp", "lastdata", "dcontext", "accountcode",
    "userfield", "did", "recordingfile", "outbound_cnum", "outbound_cnam", "dst_cnam", "peeraccount",
)  # fmt: skip
"""The columns that can be searched for a text in them."""

NO_FILE = ("", "deleted")
"""What `recordingfile` holds where there is no recording; Issabel writes `deleted`."""


def conditions(tables: CallTables, clock: Clock, filters: Filters) -> list[ColumnElement[bool]]:
    """Raises NotSupported for a filter on a column that this exchange's table has not."""
    cdr, f, found = tables.cdr.c, filters, []
    if f.start is not None:
        found.append(tables.date >= clock.from_bound(f.start))
    if f.end is not None:
        found.append(tables.date < clock.until_bound(f.end))
    for name in ("src", "dst", "accountcode", "did", "uniqueid"):
        value = getattr(f, name)
        if value is not None:
            found.append(_column(tables, name) == value)
    if f.either is not None:
        found.append(or_(cdr.src == f.either, cdr.dst == f.either))
    if f.linkedid is not None:
        found.append(of_call(tables, [f.linkedid]))
    for name, prefix in (("src", f.src_prefix), ("dst", f.dst_prefix)):
        if prefix is not None:
            found.append(like(cdr[name], prefix, "{}%"))
    found.extend(like(_column(tables, name), text, "%{}%") for name, text in f.contains)
    if f.disposition:
        found.append(cdr.disposition.in_(f.disposition))
    if f.min_duration is not None:
        found.append(cdr.duration >= f.min_duration)
    if f.max_duration is not None:
        found.append(cdr.duration <= f.max_duration)
    if f.has_recording is not None:
        found.append(_recorded(tables) if f.has_recording else ~_recorded(tables))
    return found


def like(searched: ColumnElement[str], text: str, pattern: str) -> ColumnElement[bool]:
    """A LIKE in which what a caller sent stands for itself."""
    for special in "|%_":
        text = text.replace(special, f"|{special}")
    return searched.like(pattern.format(text), escape="|")


def of_call(tables: CallTables, ids: list[str]) -> ColumnElement[bool]:
    """Rows of the calls with these linkedids; where a row has none, its uniqueid stands for it."""
    cdr = tables.cdr.c
    if "linkedid" not in tables.columns:
        return cdr.uniqueid.in_(ids)
    return or_(cdr.linkedid.in_(ids), and_(cdr.uniqueid.in_(ids), cdr.linkedid == ""))


def _recorded(tables: CallTables) -> ColumnElement[bool]:
    # Elastix of old, from which Issabel comes, noted the file in userfield.
    found: list[ColumnElement[bool]] = []
    if "recordingfile" in tables.columns:
        found.append(tables.cdr.c.recordingfile.not_in(NO_FILE))
    if "userfield" in tables.columns:
        found.append(tables.cdr.c.userfield.like("audio:%"))
    if not found:
        raise NotSupported("The call records of this exchange do not name recordings")
    return or_(*found)


def _column(tables: CallTables, name: str) -> ColumnClause[str]:
    if name not in tables.columns:
        raise NotSupported(f"The call records of this exchange have no {name}")
    found: ColumnClause[str] = tables.cdr.c[name]
    return found
