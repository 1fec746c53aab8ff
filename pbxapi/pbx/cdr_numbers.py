"""The distinct numbers of a column, kept in memory, so that a search inside of them can use the column's index.

`LIKE '%123%'` reads every row of the range. There are far fewer numbers than rows: they are read once in the background
where the column has an index, searched here, and asked for with IN.
"""

from __future__ import annotations

import logging
import math
import os
import re
import threading
import time
import weakref
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select

from pbxapi.db.call_tables import CallTables
from pbxapi.db.engine import connect
from pbxapi.errors import PbxError
from pbxapi.pbx.local_time import TEXT, Clock

log = logging.getLogger("pbxapi.cdr")

SEARCHED = re.compile(r"[0-9*#]{2,40}\Z")
"""What is searched here. The database compares letters by its collation, which is not imitated."""

COLUMNS = ("dst", "src", "did", "accountcode")
MOST_VALUES = 1_000
MOST_NUMBERS = 3_000_000
FRESH = 10.0
"""Seconds after which the newest records are looked through for new numbers."""

REREAD = timedelta(hours=12)
"""What are read again then: a record is dated at the call's start and written at its end."""

TRY_AGAIN = 600.0


class Numbers:
    """What is known of each column; nothing is read before it is first searched."""

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._lock = threading.Lock()
        self._columns: dict[str, _Column] = {}
        _made.add(self)

    def holding(self, tables: CallTables, column: str, text: str) -> list[str] | None:
        """Every number of the column with this text in it; None when the database has to search by itself.

        A number that came up for the first time within the last ten seconds may not be among them. Raises what the
        database answers with when it is asked for the newest numbers.
        """
        if column not in COLUMNS or not SEARCHED.match(text) or not tables.has_index(column):
            return None
        with self._lock:
            known = self._columns.get(column)
            if known is None or time.monotonic() > known.again_at:
                known = self._columns[column] = _Column(again_at=time.monotonic() + FRESH)
                read = (self._read_all, (tables, column, known))
                threading.Thread(target=read[0], args=read[1], name="pbxapi-numbers", daemon=True).start()
            if known.text is None:
                return None
            if time.monotonic() > known.fresh_until:
                self._read_newest(tables, column, known)
            return _holding(known.text, text)

    def forget(self) -> None:
        """In a forked worker: the thread that read is not here, nor is what holds the lock."""
        self._lock = threading.Lock()
        self._columns = {}

    def _read_all(self, tables: CallTables, column: str, known: _Column) -> None:
        known.again_at = math.inf
        read_at, local = time.monotonic(), self._clock.local(datetime.now(UTC))
        try:
            found = self._distinct(tables, column, None)
        except PbxError as error:
            log.warning("the numbers in %s cannot be kept in memory: %s", column, error)
            known.again_at = time.monotonic() + TRY_AGAIN
            return
        if len(found) > MOST_NUMBERS:
            log.warning("%s has more than %d numbers: they are not kept in memory", column, MOST_NUMBERS)
            return
        known.newest, known.fresh_until = local, read_at + FRESH
        known.text = _lines(found)

    def _read_newest(self, tables: CallTables, column: str, known: _Column) -> None:
        read_at, local = time.monotonic(), self._clock.local(datetime.now(UTC))
        since = (known.newest - REREAD).strftime(TEXT)
        text = known.text or "\n"
        new = [value for value in self._distinct(tables, column, since) if f"\n{value}\n" not in text]
        known.text = text + _lines(new)[1:]
        known.newest, known.fresh_until = local, read_at + FRESH

    def _distinct(self, tables: CallTables, column: str, since: str | None) -> list[str]:
        query = select(tables.cdr.c[column]).distinct().limit(MOST_NUMBERS + 1)
        if since is not None:
            query = query.where(tables.date >= since)
        with connect(self._engine) as connection:
            return [value for (value,) in connection.execute(query) if value and "\n" not in value]


@dataclass(slots=True)
class _Column:
    """Numbers, each between two line ends, or None while they are not known. Times are monotonic, or the exchange's."""

    again_at: float
    text: str | None = None
    newest: datetime = datetime.min
    fresh_until: float = 0.0


def _lines(values: list[str]) -> str:
    return "\n" + "".join(f"{value}\n" for value in values)


def _holding(lines: str, text: str) -> list[str] | None:
    found: list[str] = []
    at = lines.find(text)
    while at >= 0:
        end = lines.index("\n", at)
        found.append(lines[lines.rindex("\n", 0, at) + 1 : end])
        if len(found) > MOST_VALUES:
            return None
        at = lines.find(text, end)
    return found


_made: weakref.WeakSet[Numbers] = weakref.WeakSet()


def _forget_after_fork() -> None:
    for numbers in list(_made):
        numbers.forget()


os.register_at_fork(after_in_child=_forget_after_fork)
