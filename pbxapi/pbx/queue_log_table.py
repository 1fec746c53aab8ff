"""The table that Asterisk writes queue_log to by realtime (`queue_log => odbc,...` of extconfig.conf), line by line.

Its columns are `time, callid, queuename, agent, event` and either `data`, joined by `|`, or `data1` to `data5`; others
may be there as well. `time` is the exchange's local one (UTC with queue_log_realtime_use_gmt of logger.conf), as text
or a date; before Asterisk 10 seconds since 1970.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import reduce
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Engine,
    Select,
    String,
    TableClause,
    case,
    cast,
    column,
    func,
    literal,
    select,
    table,
)
from sqlalchemy.types import CHAR

from pbxapi.db.engine import connect
from pbxapi.db.schema import SchemaLook, TableShape
from pbxapi.db.streaming import batches
from pbxapi.pbx.local_time import Clock
from pbxapi.pbx.queue_log import ENTERED, NOBODY, Event, parse

NAMES = ("queue_log", "queuelog")
NEEDED = ("time", "callid", "queuename", "agent", "event")
DATA = tuple(f"data{number}" for number in range(1, 6))
ROW_NUMBERS = ("id", "recid")

SECONDS = re.compile(r"([0-9]{9,10})(?:\.[0-9]+)?\Z")
MADE = re.compile(r"(?:.*-)?([0-9]{9,10})\.[0-9]+\Z")
BATCH = 1000


class QueueLogTable:
    """The table of one database, if it has one. Raises Unavailable and Timeout."""

    def __init__(self, engine: Engine, clock: Clock, timeout: float) -> None:
        self._engine = engine
        self._clock = clock
        self._timeout = timeout
        self._look = SchemaLook(engine)

    def there(self) -> bool:
        """Whether the database has such a table."""
        return self._shape() is not None

    def between(
        self, queue: str, names: Iterable[str], start: int, end: int, tick: Callable[[], None]
    ) -> Iterator[Event]:
        """These events of a queue, and of all, from `start` until before `end` (seconds since 1970), in their order.

        `tick` is called once in a while, and may raise.
        """
        shape = self._shape()
        if shape is None or shape.columns["queuename"].fault(queue):
            return
        clock = self._clock_of(shape)
        query = self._query(shape, clock, queue, names, start, end)
        found = batches(self._engine, query, size=BATCH, timeout=self._timeout)
        try:
            yield from self._events(found, clock, range(start, end), tick)
        finally:
            found.close()

    def _events(
        self, found: Generator[list[str], None, None], clock: Clock | None, seconds: range, tick: Callable[[], None]
    ) -> Iterator[Event]:
        for lines in found:
            tick()
            for line in lines:
                time, _, rest = line.partition("|")
                at = _epoch(time, rest.partition("|")[0], clock)
                event = None if at is None or at not in seconds else parse(f"{at}|{rest}")
                if event is not None:
                    yield event

    def _shape(self) -> TableShape | None:
        tables = self._look.now().tables
        for name in NAMES:
            shape = tables.get(name)
            if shape is not None and set(NEEDED) <= set(shape.columns) and {"data", "data1"} & set(shape.columns):
                return shape
        return None

    def _clock_of(self, shape: TableShape) -> Clock | None:
        """The clock that its times are of; None where they are seconds. One call tells: it entered when it came."""
        log = _table(shape)
        query = select(_text(self._engine, log.c.time), log.c.callid).where(log.c.event == ENTERED).limit(1)
        with connect(self._engine) as connection:
            row = connection.execute(query).first()
        if row is None:
            return self._clock
        text, call = str(row[0] or ""), MADE.match(str(row[1] or ""))
        if SECONDS.match(text):
            return None
        local, utc = self._clock.moment(text[:19]), Clock(UTC).moment(text[:19])
        if call is None or local is None or utc is None:
            return self._clock
        made = int(call[1])
        return Clock(UTC) if abs(utc.timestamp() - made) < abs(local.timestamp() - made) else self._clock

    def _query(  # noqa: PLR0917
        self, shape: TableShape, clock: Clock | None, queue: str, names: Iterable[str], start: int, end: int
    ) -> Select[Any]:
        log = _table(shape)
        since, until = str(start), str(end)
        if clock is not None:
            since = clock.from_bound(datetime.fromtimestamp(start, UTC))
            until = clock.until_bound(datetime.fromtimestamp(end, UTC))
        # Without a number of its row, and with whole seconds, who was served at once must have entered before.
        numbers: list[ColumnElement[Any]] = [log.c[name] for name in ROW_NUMBERS if name in shape.columns]
        numbers = numbers or [log.c.event != ENTERED]
        return (
            select(self._line(log))
            .where(log.c.time >= since, log.c.time < until)
            .where(log.c.queuename.in_([queue, NOBODY]), log.c.event.in_(sorted(names)))
            .order_by(log.c.time, *numbers)
        )

    def _line(self, log: TableClause) -> ColumnElement[str]:
        """A row as a line of the file, but for its time."""
        cells = [_text(self._engine, log.c.time), *(log.c[name] for name in NEEDED[1:])]
        data = [log.c[name] for name in DATA if name in log.c]
        if not data:
            return self._joined([*cells, log.c.data])
        apart = self._joined(data)
        if "data" in log.c:
            apart = case(
                (func.coalesce(data[0], literal("")) == "", func.coalesce(log.c.data, literal(""))), else_=apart
            )
        return self._joined([*cells, apart])

    def _joined(self, cells: Sequence[ColumnElement[Any]]) -> ColumnElement[str]:
        filled = [func.coalesce(cell, literal("")) for cell in cells]
        if self._engine.dialect.name == "sqlite":
            return reduce(lambda left, right: left + literal("|", String) + right, filled)
        return func.concat_ws("|", *filled, type_=String)


def _table(shape: TableShape) -> TableClause:
    return table(shape.name, *map(column, shape.columns))


def _text(engine: Engine, time: ColumnElement[Any]) -> ColumnElement[str]:
    return cast(time, String if engine.dialect.name == "sqlite" else CHAR(19))


def _epoch(time: str, call: str, clock: Clock | None) -> int | None:
    if clock is None:
        found = SECONDS.match(time)
        return int(found[1]) if found else None
    iso = clock.text(time[:19], call)
    return int(datetime.fromisoformat(iso).timestamp()) if iso else None
