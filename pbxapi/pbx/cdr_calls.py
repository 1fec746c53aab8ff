"""Whole calls out of their records: a row of `cdr` is one leg, and the legs of a call share a linkedid."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select, true

from pbxapi.db.call_tables import CallTables
from pbxapi.errors import Invalid
from pbxapi.pbx.cdr_filters import of_calls
from pbxapi.pbx.cdr_pages import MOST_IN_A_SECOND, Pager, Place, key
from pbxapi.pbx.cdr_rows import HEAD, Rows, head
from pbxapi.pbx.history import Cdr, PastCall
from pbxapi.pbx.interfaces import Party
from pbxapi.pbx.local_time import TEXT

MOST_LEGS = 20_000
"""Rows of all calls of a page."""

AROUND = timedelta(hours=6)
"""Where linkedid has no index, records of a call are looked for this long before and after the one that was found."""

DEVICE = re.compile(r"(?:PJSIP|SIP|IAX2|SCCP|DAHDI)/(?P<number>[0-9]{1,12})-")
NOWHERE = frozenset({"s", "h", "i", "t", "hang", "hangup", ""})
"""Extensions of the dialplan's own, which nobody dials."""

TELLING = ("linkedid", "dstchannel", "lastapp", "duration", "billsec", "disposition")
"""By what the rows of a call are told apart that share second, uniqueid and sequence (where there is one)."""

NOBODY = frozenset({"dial", "appdial2", "hangup", "busy", "congestion"})
"""Applications in which nobody is, unless there is a channel on the other side."""

CALL = HEAD
LINKEDID = HEAD + 1
FITS = HEAD + 1 + len(TELLING)
"""Where these stand in a row: head, call, TELLING; in a leg then whether it fits, and the fields."""

_NAME = re.compile(r'"?(?P<name>[^"<]*?)"?\s*<[^>]*>\Z')


def call_id(tables: CallTables) -> ColumnElement[str]:
    """What the records of a call share."""
    cdr = tables.cdr.c
    if "linkedid" not in tables.columns:
        found: ColumnElement[str] = cdr.uniqueid
        return found
    return func.coalesce(func.nullif(cdr.linkedid, ""), cdr.uniqueid)


def in_a_call(tables: CallTables) -> ColumnElement[bool]:
    """Whether a record says which call it is of. Those of an Asterisk that wrote no uniqueid do not."""
    ids = [tables.cdr.c[name] != "" for name in ("linkedid", "uniqueid") if name in tables.columns]
    return or_(*ids)


class PastCalls:
    """Pages of calls of which a record fits `where`, in the order of the newest such record (or the oldest).

    A call is told at the first of its fitting records in that order, and only there: so it stands on one page alone,
    however far apart its records are.
    """

    def __init__(
        self,
        connection: Connection,
        tables: CallTables,
        where: Sequence[ColumnElement[bool]],
        rows: Rows,
        *,
        oldest_first: bool,
    ) -> None:
        self._connection = connection
        self._tables = tables
        self._where = where = [*where, in_a_call(tables)]
        self._rows = rows
        self._oldest_first = oldest_first
        self._telling = [call_id(tables), *rows.columns(tables, TELLING)]
        self._pager = Pager(connection, tables, where, self._telling, oldest_first=oldest_first)

    def page(self, limit: int, cursor: str | None) -> tuple[list[PastCall], str | None]:
        """`limit` calls and the cursor of those that follow, None when none do."""
        found: list[tuple[PastCall, Place]] = []
        told: set[str] = set()
        places = self._pager.places(limit + 2, cursor)
        while len(found) <= limit and (chunk := list(islice(places, limit + 1))):
            legs = self._legs_of([place for place in chunk if place.row[CALL] not in told])
            for place in chunk:
                which = place.row[CALL]
                # A record that is gone by now, or fits no more, tells of no call.
                if which not in told and self._first(legs.get(which, [])) == _place(place.row):
                    told.add(which)
                    found.append((self._call(which, legs[which]), place))
        # Whatever else is the very same as the row that a call was told at belongs to that call.
        following = found[limit - 1][1].cursor(same=MOST_IN_A_SECOND) if len(found) > limit else None
        return [call for call, _ in found[:limit]], following

    def _call(self, which: str, legs: list[Any]) -> PastCall:
        return past_call(which, [self._rows.cdr((*leg[:HEAD], *leg[FITS + 1 :])) for leg in sorted(legs, key=in_time)])

    def _first(self, legs: list[Any]) -> tuple[Any, ...] | None:
        fitting = [_place(leg[:FITS]) for leg in legs if leg[FITS]]
        return min(fitting, default=None) if self._oldest_first else max(fitting, default=None)

    def _legs_of(self, chunk: Sequence[Place]) -> dict[str, list[Any]]:
        """Every record of these calls, with whether it fits."""
        tables = self._tables
        fits = case((and_(true(), *self._where), 1), else_=0).label("fits")
        query = select(*head(tables), *self._telling, fits, *self._rows.columns(tables))
        linked = sorted({place.row[CALL] for place in chunk if place.row[LINKEDID]})
        lone = sorted({place.row[CALL] for place in chunk if not place.row[LINKEDID]})
        conditions = [[of_calls(tables, linked), *self._near(chunk)]] if linked else []
        if lone:
            none = [func.coalesce(tables.cdr.c.linkedid, "") == ""] if "linkedid" in tables.columns else []
            conditions.append([tables.cdr.c.uniqueid.in_(lone), *none])
        legs: dict[str, list[Any]] = {}
        for where in conditions:
            rows = self._connection.execute(query.where(*where).limit(MOST_LEGS)).fetchall()
            if len(rows) == MOST_LEGS:
                raise Invalid(f"The calls of this page have {MOST_LEGS} records or more. Ask for fewer at once.")
            for row in rows:
                legs.setdefault(row[CALL], []).append(row)
        return legs

    def _near(self, chunk: Sequence[Place]) -> list[ColumnElement[bool]]:
        """Bounds in time, without which the whole table would be read where linkedid has no index."""
        if "linkedid" not in self._tables.columns or self._tables.has_index("linkedid"):
            return []
        seconds = [place.row[0] for place in chunk]
        return [
            self._tables.date >= _shifted(min(seconds), -AROUND), self._tables.date <= _shifted(max(seconds), AROUND)
        ]  # fmt: skip


def past_call(which: str, legs: Sequence[Cdr]) -> PastCall:
    """The one call that these records, in the order of time, were."""
    first = next((leg for leg in legs if leg.uniqueid == which), legs[0])
    answered = [leg for leg in legs if _is_answered(leg)]
    reached = _reached(answered)
    starts = [leg.calldate for leg in legs if leg.calldate]
    ends = [_after(leg.calldate, leg.duration) for leg in legs if leg.calldate]
    start, end = min(starts, default=None), max(ends, default=None)
    picked_up = [_picked_up(leg) for leg in ([reached] if reached else answered) if leg.calldate]
    duration = int((end - start).total_seconds()) if start and end else max(leg.duration for leg in legs)
    ring = int((min(picked_up) - start).total_seconds()) if picked_up and start else duration
    dialed = first.did or next((leg.dst for leg in (first, *legs) if leg.dst and leg.dst not in NOWHERE), None)
    return PastCall(
        id=which,
        started_at=start,
        ended_at=end,
        caller=Party(first.cnum or first.src, first.cnam or _name_in(first.clid)),
        callee=_callee(reached) if reached else Party(dialed, first.dst_cnam),
        dialed=dialed,
        status=_status(legs, answered, reached),
        ring_time=ring,
        talk_time=(reached or max(answered, key=lambda leg: leg.billsec)).billsec if answered else 0,
        duration=duration,
        recordings=tuple(dict.fromkeys(leg.recording for leg in legs if leg.recording)),
        legs=tuple(legs),
    )


def _is_answered(leg: Cdr) -> bool:
    """Whether someone or something took the call in this leg.

    What the dialplan does after a Dial that came to nothing is ANSWERED too where the caller was up already: in a call
    that was placed by a click, or came out of a menu. So is a Dial that found no device to ring.
    """
    return leg.disposition == "ANSWERED" and bool(leg.dstchannel or (leg.lastapp or "").lower() not in NOBODY)


def _reached(answered: Sequence[Cdr]) -> Cdr | None:
    """The leg in which somebody was talked to: to a device, and the longest such one."""
    to_device = [leg for leg in answered if leg.dstchannel and not leg.dstchannel.startswith("Local/")]
    return max(to_device, key=lambda leg: leg.billsec, default=None)


def _callee(leg: Cdr) -> Party:
    device = DEVICE.match(leg.dstchannel or "")
    return Party(device["number"] if device else leg.dst, leg.dst_cnam)


def _status(legs: Sequence[Cdr], answered: Sequence[Cdr], reached: Cdr | None) -> str:
    """How it ended, in the words of `/calls`, and two more: voicemail, and abandoned for who left a queue unserved."""
    if reached:
        return "completed"
    applications = {(leg.lastapp or "").lower() for leg in answered}
    if "voicemail" in applications:
        return "voicemail"
    if "queue" in applications:
        return "abandoned"
    if answered:
        return "completed"
    dispositions = {leg.disposition for leg in legs}
    return "busy" if "BUSY" in dispositions else "no_answer" if "NO ANSWER" in dispositions else "failed"


def _picked_up(leg: Cdr) -> datetime:
    assert leg.calldate is not None  # noqa: S101
    return _after(leg.calldate, leg.duration - leg.billsec)


def _after(moment: datetime, seconds: int) -> datetime:
    try:
        return moment + timedelta(seconds=seconds)
    except OverflowError:  # a date of the year 9999
        return moment


def _name_in(clid: str | None) -> str | None:
    found = _NAME.match(clid or "")
    return (found["name"] or None) if found else None


def _place(row: Any) -> tuple[Any, ...]:
    return row[0], *key(row)


def in_time(row: Any) -> tuple[Any, ...]:
    """The order of the records of a call."""
    uniqueid = row[1] or ""
    return row[0] or "", int(row[2] or 0), len(uniqueid), uniqueid


def _shifted(second: str, by: timedelta) -> str:
    try:
        return (datetime.strptime(second, TEXT) + by).strftime(TEXT)
    except (ValueError, OverflowError):
        return second
