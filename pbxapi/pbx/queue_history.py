"""What queues did: from the file queue_log, else from its table, else from what call records tell.

Asterisk writes to the table instead of the file where realtime is set up (extconfig.conf), and to both with
`queue_log_to_file` of logger.conf: what was last written to is the log that is kept.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import chain
from typing import Protocol

from pbxapi.ami import AmiError
from pbxapi.errors import Invalid, NotFound, NotSupported, PbxError, Timeout, Unavailable
from pbxapi.pbx.queue_agents import AgentNames
from pbxapi.pbx.queue_log import OF_CALLS, OF_PAUSES, Event, lines_of, parse
from pbxapi.pbx.queue_log_cdr import QueueCalls, without_the_unknown
from pbxapi.pbx.queue_log_files import QueueLogFiles
from pbxapi.pbx.queue_log_table import QueueLogTable
from pbxapi.pbx.queue_statistics import StatisticsBuilder, seconds
from pbxapi.pbx.queueing import Queue, Queues, QueueStatistics

FILE, TABLE, CDR = "queue_log", "queue_log_table", "cdr"

BEFORE = timedelta(hours=12)
"""From when on it is seen who was paused when a range began."""
AFTER = timedelta(hours=2)
"""Until when it is seen how the calls of a range ended."""

SERVICE_LEVEL = 60
"""Seconds, where the queue has none of its own."""

MOST_EVENTS = 2_000_000
EVERY = 1000
"""How many events are taken before the time is looked at."""

NARROW = "What the queue did in this range could not be read in time: ask for a shorter one"
TOO_MANY = f"The queue log has more than {MOST_EVENTS} events in this range: ask for a shorter one"
NOTHING = "This exchange keeps no queue log, and no call records that name queues."
FORBIDDEN = "The user of this API may not read the queue log (QUEUE_LOG_PATH)."


class EventSource(Protocol):
    """Where events come from."""

    def between(
        self, queue: str, names: Iterable[str], start: int, end: int, tick: Callable[[], None]
    ) -> Iterator[Event]:
        """Those of these names, of a queue and of all queues, from `start` until before `end`; `tick` may raise."""
        ...


class QueueHistory:
    """`queueing.QueueStatistician`.

    `tables` are of the databases where a table queue_log may be, `calls` the call records. `queues` tell which
    extension is behind an agent's name, and the queue's own service level.
    `timeout` is in seconds.
    """

    def __init__(
        self,
        files: QueueLogFiles,
        tables: Sequence[QueueLogTable],
        calls: QueueCalls | None,
        zone: tzinfo,
        *,
        timeout: float,
        queues: Queues | None = None,
    ) -> None:
        self._files = files
        self._tables = tables
        self._calls = calls
        self._zone = zone
        self._timeout = timeout
        self._queues = queues

    def why_not(self) -> str | None:
        """Why there are none, or not the best, in words for whoever set this up; None when all is well."""
        if self._files.forbidden:
            return FORBIDDEN
        try:
            self._source(0)
        except NotSupported as error:
            return str(error)
        except (Unavailable, Timeout) as error:
            return f"The database of call records does not answer: {error}"
        return None

    def of(self, queue: str, start: datetime, end: datetime, service_level: int | None) -> QueueStatistics:
        """What a queue did with the calls that entered it from `start` until before `end`.

        `service_level` is in seconds; None: the queue's own. Raises Invalid for an empty range, NotFound for a queue
        that is not there now and did nothing in the range, NotSupported where nothing was written, Unavailable, and
        Timeout for what takes too long or has too many events.
        """
        if start >= end:
            raise Invalid("The range is empty", {"end": ["Must be after start."]})
        tick = _watch(time.monotonic() + self._timeout)
        live, missing = self._live(queue)
        level = _own_level(live) if service_level is None else service_level
        kind, source, warnings = self._source(seconds(start))
        names = AgentNames(live.members if live else ())
        builder = StatisticsBuilder(queue, start, end, level, zone=self._zone, names=names)
        if kind == CDR:
            events = source.between(queue, OF_CALLS, seconds(start), seconds(end), tick)
        else:
            earlier = source.between(queue, OF_PAUSES, seconds(start - BEFORE), seconds(start), tick)
            own = source.between(queue, OF_PAUSES | OF_CALLS, seconds(start), seconds(end + AFTER), tick)
            events = chain(earlier, own)
        _feed(builder, events, tick)
        found = builder.statistics(kind, tuple(warnings))
        if missing and not found.offered and not found.agents:
            raise missing
        return without_the_unknown(found) if kind == CDR else found

    def _live(self, queue: str) -> tuple[Queue | None, NotFound | None]:
        """The queue as it is now, or why it is not there.

        Neither, when nobody can tell: the past can be told of an exchange that does not run.
        """
        try:
            return (self._queues.get(queue) if self._queues else None), None
        except NotFound as error:
            return None, error
        except (AmiError, PbxError):
            return None, None

    def _source(self, start: int) -> tuple[str, EventSource, list[str]]:
        warnings = [FORBIDDEN] if self._files.forbidden else []
        readable = self._files.readable
        last = self._files.last() if readable else None
        if last is not None and last >= start:
            return FILE, _Lines(self._files), warnings + self._begins(start)
        table = next((each for each in self._tables if each.there()), None)
        if table is not None:
            return TABLE, table, warnings
        if last is not None:
            return FILE, _Lines(self._files), warnings
        if self._calls is not None and self._calls.there():
            return CDR, self._calls, warnings
        if readable:
            return FILE, _Lines(self._files), warnings
        raise NotSupported(" ".join([NOTHING, *warnings]))

    def _begins(self, start: int) -> list[str]:
        first = self._files.first(start)
        if first is None or first <= start:
            return []
        began = datetime.fromtimestamp(first, UTC).astimezone(self._zone)
        return [f"The queue log begins at {began.isoformat()}: of the time before nothing is known."]


class _Lines:
    """The files as events."""

    def __init__(self, files: QueueLogFiles) -> None:
        self._files = files

    def between(
        self, queue: str, names: Iterable[str], start: int, end: int, tick: Callable[[], None]
    ) -> Iterator[Event]:
        for match in self._files.between(start, end, lines_of(queue, names), tick):
            event = parse(match[0].decode("utf-8", "replace"))
            if event is not None:
                yield event


def _own_level(queue: Queue | None) -> int:
    if queue is None:
        return SERVICE_LEVEL
    own = queue.settings.service_level if queue.settings else queue.service_level
    return own or SERVICE_LEVEL


def _watch(deadline: float) -> Callable[[], None]:
    def tick() -> None:
        if time.monotonic() > deadline:
            raise Timeout(NARROW)

    return tick


def _feed(builder: StatisticsBuilder, events: Iterator[Event], tick: Callable[[], None]) -> None:
    for number, event in enumerate(events):
        builder.add(event)
        if number % EVERY == 0:
            tick()
            if number >= MOST_EVENTS:
                raise Timeout(TOO_MANY)
