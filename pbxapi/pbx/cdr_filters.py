"""Which rows of `cdr` are asked for, as conditions of SQL. What a caller sent is only ever a bound value."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sqlalchemy import ColumnClause, ColumnElement, false, or_

from pbxapi.db.call_tables import CallTables
from pbxapi.errors import Invalid, NotSupported
from pbxapi.pbx.history import Filters
from pbxapi.pbx.local_time import Clock

EQUAL = ("src", "dst", "accountcode", "did", "uniqueid")
Infix = Callable[[str, str], list[str] | None]

NO_FILE = ("", "deleted")
"""What `recordingfile` holds where there is no recording; Issabel writes `deleted`."""


def conditions(
    tables: CallTables, clock: Clock, filters: Filters, numbers: Infix | None = None
) -> list[ColumnElement[bool]]:
    """Raises NotSupported for a filter on a column that this exchange's table has not, Invalid for an empty range.

    `numbers` may know all values of a column that a text is in, which then are asked for by the column's index.
    """
    cdr, f = tables.cdr.c, filters
    found = [equal(tables, name, getattr(f, name)) for name in EQUAL if getattr(f, name) is not None]
    for name, prefix in (("src", f.src_prefix), ("dst", f.dst_prefix)):
        if prefix is not None:
            found.append(like(tables, name, prefix, "{}%"))
    for name, text in f.contains:
        values = numbers(name, text) if numbers else None
        found.append(like(tables, name, text, "%{}%") if values is None else _column(tables, name).in_(values))
    if f.either is not None:
        found.append(or_(equal(tables, "src", f.either), equal(tables, "dst", f.either)))
    if f.linkedid is not None:
        found.append(of_calls(tables, [f.linkedid]))
    if f.disposition:
        found.append(cdr.disposition.in_(f.disposition))
    if f.has_recording is not None:
        found.append(_recorded(tables) if f.has_recording else ~_recorded(tables))
    return found + _bounds(tables, clock, f)


def _bounds(tables: CallTables, clock: Clock, f: Filters) -> list[ColumnElement[bool]]:
    if f.start and f.end and f.start >= f.end:
        raise Invalid("The range is empty", {"end": ["Must be after start."]})
    duration = tables.cdr.c.duration
    found: list[ColumnElement[bool]] = []
    if f.start is not None:
        found.append(tables.date >= clock.from_bound(f.start))
    if f.end is not None:
        found.append(tables.date < clock.until_bound(f.end))
    if f.min_duration is not None:
        found.append(duration >= f.min_duration)
    if f.max_duration is not None:
        found.append(duration <= f.max_duration)
    return found


def equal(tables: CallTables, name: str, text: str) -> ColumnElement[bool]:
    """A column of `cdr` is what a caller sent, which may be any text."""
    column = _column(tables, name)
    return column == text if tables.can_hold(name, text) else false()


def like(tables: CallTables, name: str, text: str, pattern: str) -> ColumnElement[bool]:
    """A LIKE in which what a caller sent stands for itself."""
    column = _column(tables, name)
    if not tables.can_hold(name, text):
        return false()
    for special in "|%_":
        text = text.replace(special, f"|{special}")
    return column.like(pattern.format(text), escape="|")


def of_calls(tables: CallTables, ids: Sequence[str]) -> ColumnElement[bool]:
    """Rows with these linkedids; where the table has none, a call is what has one uniqueid."""
    name = "linkedid" if "linkedid" in tables.columns else "uniqueid"
    return equal(tables, name, ids[0]) if len(ids) == 1 else tables.cdr.c[name].in_(ids)


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
