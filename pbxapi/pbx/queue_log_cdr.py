"""What call records tell of a queue, as events of its log: for an exchange that has none.

A caller in a queue has a row for each member that rings (lastapp Queue, the queue first in lastdata), and one without a
member who gave up or was sent on. Where Asterisk answered before the queue, as FreePBX and Issabel do, all of them say
ANSWERED, and neither when the member answered nor why a caller left can be told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Select, or_, select

from pbxapi.db.call_tables import CallTables, TableLook
from pbxapi.db.engine import connect
from pbxapi.db.text import date_text
from pbxapi.errors import Timeout
from pbxapi.pbx.cdr_calls import call_id
from pbxapi.pbx.cdr_filters import like
from pbxapi.pbx.local_time import Clock
from pbxapi.pbx.queue_log import ABANDONED, CONNECTED, ENTERED, NOBODY, UNANSWERED, Event
from pbxapi.pbx.queue_tallies import UNKNOWN
from pbxapi.pbx.queueing import QueueStatistics

NEEDED = frozenset({"lastapp", "lastdata", "dstchannel"})
NUMBERED = re.compile(r"-[0-9a-f]{8,}(?:;[12])?\Z")
"""What Asterisk puts after the name of a device for each of its channels."""

BATCH = 1000
MOST_ROWS = 300_000
"""They are held at once, as most drivers do."""

WARNINGS = (
    "There is no queue log: these are the call records, which do not tell how long callers waited, who timed out, and "
    "who was paused.",
    "Everybody who was not answered is counted as abandoned, and talk times hold the last ringing.",
)


TOO_MANY = f"The queue has more than {MOST_ROWS} call records in this range: ask for a shorter one"


class QueueCalls:
    """The rows of one table `cdr`. Raises Unavailable and Timeout."""

    def __init__(self, engine: Engine, tables: TableLook, clock: Clock) -> None:
        self._engine = engine
        self._tables = tables
        self._clock = clock

    def there(self) -> bool:
        """Whether the rows name queues."""
        return self._tables.get().columns >= NEEDED

    def between(
        self, queue: str, names: Iterable[str], start: int, end: int, tick: Callable[[], None]
    ) -> Iterator[Event]:
        """The events of one queue from `start` until before `end`, those of each call together; no others are known.

        `tick` is called once in a while, and may raise.
        """
        tables = self._tables.get()
        legs: list[Any] = []
        with connect(self._engine) as connection:
            found = connection.execute(self._query(tables, queue, start, end).limit(MOST_ROWS))
            count = 0
            while rows := found.fetchmany(BATCH):
                tick()
                count += len(rows)
                if count >= MOST_ROWS:
                    raise Timeout(TOO_MANY)
                for row in rows:
                    if legs and legs[0].call != row.call:
                        yield from self._events(queue, legs)
                        legs = []
                    legs.append(row)
        yield from self._events(queue, legs)

    def _query(self, tables: CallTables, queue: str, start: int, end: int) -> Select[Any]:
        cdr = tables.cdr.c
        call = call_id(tables).label("call")
        since = self._clock.from_bound(datetime.fromtimestamp(start, UTC))
        until = self._clock.until_bound(datetime.fromtimestamp(end, UTC))
        return (
            select(call, date_text(tables).label("date"), cdr.uniqueid, cdr.dstchannel, cdr.billsec, cdr.disposition)
            .where(tables.date >= since, tables.date < until, cdr.lastapp == "Queue")
            .where(or_(like(tables, "lastdata", queue, "{},%"), like(tables, "lastdata", queue, "{}")))
            .order_by(call, tables.date)
        )

    def _events(self, queue: str, legs: list[Any]) -> Iterator[Event]:
        """Of one call, which may have been in the queue several times: it counts once."""
        moments = [self._clock.moment(leg.date, leg.uniqueid) for leg in legs]
        times = [int(moment.timestamp()) for moment in moments if moment is not None]
        if not times:
            return
        at, call = min(times), legs[0].call
        yield Event(at, call, queue, NOBODY, ENTERED)
        served = None
        for leg in legs:
            if leg.dstchannel and leg.disposition == "ANSWERED":
                served = leg
            elif leg.dstchannel:
                yield Event(at, call, queue, agent_of(leg.dstchannel), UNANSWERED)
        if served is None:
            yield Event(at, call, queue, NOBODY, ABANDONED)
            return
        agent = agent_of(served.dstchannel)
        yield Event(at, call, queue, agent, CONNECTED)
        yield Event(at, call, queue, agent, "COMPLETEAGENT", ("", str(max(0, int(served.billsec or 0)))))


def agent_of(channel: str) -> str:
    """The interface that a channel was made of: Local/200@from-queue of Local/200@from-queue-00000003;1."""
    return NUMBERED.sub("", channel)


def without_the_unknown(statistics: QueueStatistics) -> QueueStatistics:
    """Take out what call records do not tell."""
    return replace(
        statistics,
        timed_out=None, left=None, waiting=None, transferred=None, answered_in_time=0, abandoned_in_time=0,
        service_level=None, wait=UNKNOWN, wait_abandoned=UNKNOWN,
        agents=tuple(replace(agent, paused_time=None) for agent in statistics.agents),
        hours=tuple(replace(hour, answered_in_time=0, wait=UNKNOWN) for hour in statistics.hours),
        warnings=(*WARNINGS, *statistics.warnings),
    )  # fmt: skip
