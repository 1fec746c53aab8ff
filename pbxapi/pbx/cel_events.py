"""Rows of Asterisk's table `cel`, the log of what happened to each channel, as the platforms have it."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, TableClause, null, select

from pbxapi.db.call_tables import CallTables
from pbxapi.db.text import time_text
from pbxapi.pbx.local_time import Clock

MOST_EVENTS = 5_000
"""Of one call. A call has some fifty; a conference of a hundred a thousand."""

NEEDED = frozenset({"eventtype", "eventtime", "channame", "uniqueid", "linkedid"})
TEXTS = {
    "eventtype": "type", "uniqueid": "uniqueid", "channame": "channel", "cid_num": "number", "cid_name": "name",
    "exten": "extension", "context": "context", "appname": "application", "appdata": "data", "peer": "peer",
}  # fmt: skip
"""The fields of an Event by their columns."""
EXTRA = ("extra", "eventextra")
"""The column of what an event has of its own: Asterisk's name for it, and Issabel's."""

_PAIR = re.compile(r'"(?P<name>\w+)":(?:"(?P<text>(?:[^"\\]|\\.)*)"|(?P<number>[0-9]+))')
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a channel; `type` as Asterisk's cel.conf names it. What is not told is empty."""

    at: datetime | None
    type: str
    uniqueid: str
    channel: str
    number: str
    name: str
    extension: str
    context: str
    application: str
    data: str
    peer: str
    extra: Mapping[str, Any]

    @property
    def local(self) -> bool:
        """Whether it is one of the two ends of a Local channel, through which the exchange calls itself."""
        return self.channel.startswith("Local/")


def read_events(connection: Connection, tables: CallTables, clock: Clock, linkedid: str) -> list[Event]:
    """The events of a call in the order of time, the first MOST_EVENTS; none where the exchange logs none."""
    cel = tables.cel
    # Both tables are written by one Asterisk; and every cdr has a uniqueid.
    if cel is None or not tables.cel_columns >= NEEDED or not tables.can_hold("uniqueid", linkedid):
        return []
    there = tables.cel_columns
    extra = next((cel.c[name] for name in EXTRA if name in there), null())
    columns = [cel.c[name] if name in there else null().label(name) for name in TEXTS]
    query = select(time_text(tables, cel.c.eventtime), extra, *columns).where(cel.c.linkedid == linkedid)
    rows = connection.execute(query.order_by(*_order(cel, there)).limit(MOST_EVENTS))
    events = [_event(clock, *row) for row in rows]
    # When daylight saving ends, the table's own order is not that of time.
    return sorted(events, key=lambda event: event.at or _LONG_AGO)


def _order(cel: TableClause, there: frozenset[str]) -> list[Any]:
    return [cel.c.eventtime, *([cel.c.id] if "id" in there else [])]


def _event(clock: Clock, time: str | None, extra: str | None, *texts: Any) -> Event:
    told: dict[str, Any] = {
        field: "" if text is None else str(text) for field, text in zip(TEXTS.values(), texts, strict=True)
    }
    return Event(clock.moment(time, told["uniqueid"]), extra=_extra(extra or ""), **told)


def _extra(text: str) -> Mapping[str, Any]:
    """What an event has of its own: JSON. A column too short for it cuts it off, and what stands before is read."""
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(text)
        return found if isinstance(found, dict) else {}
    return {pair["name"]: int(pair["number"]) if pair["number"] else pair["text"] for pair in _PAIR.finditer(text)}
