"""Builds the roll-up of call records, a day a step: the hours that ended lately first, then further and further back.

A record is dated at the call's start and written at its end, so an hour is taken in when it ended SETTLE ago. Each day
that begins, the AGAIN days before it are read again, for calls that lasted longer than that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from pbxapi.db.call_tables import CallTables, TableLook
from pbxapi.db.engine import connect
from pbxapi.errors import PbxError, Timeout
from pbxapi.pbx.call_statistics_sources import source_of
from pbxapi.pbx.call_statistics_tally import Tallies, add_counts, kept, merged
from pbxapi.pbx.cdr_totals import ALL, count, newest_before, oldest, supported
from pbxapi.pbx.history import KeptTally, RollUp, RollUpState
from pbxapi.pbx.local_time import Clock
from pbxapi.pbx.naive_time import HOUR, HOURS_A_DAY, seconds_of

SETTLE = timedelta(hours=12)
"""How long a call may last that is counted at once; hours that ended later than that are read from the table."""

AGAIN = 2
"""Days."""

LEASE = timedelta(minutes=2)
"""How long a builder that was killed keeps others from building; a statement should not take longer."""


def _now() -> datetime:
    return datetime.now(UTC)


class RollUpBuilder:
    """One process's part in building it. `owner` tells it from all others that use the store."""

    def __init__(
        self,
        engine: Engine,
        tables: TableLook,
        clock: Clock,
        roll_up: RollUp,
        *,
        owner: str,
        lease: timedelta = LEASE,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._engine = engine
        self._tables = tables
        self._clock = clock
        self._roll_up = roll_up
        self._owner = owner
        self._lease = lease
        self._now = now
        self._planned: deque[range] = deque()

    def step(self) -> bool:
        """Count one day. False when all is done that can be now, or another process does it.

        Raises Unavailable, and Timeout when not even an hour can be counted in time.
        """
        tables = self._tables.get()
        source = source_of(self._engine, tables)
        if not self._planned and not self._due(self._roll_up.state(source)):
            return False
        state = self._roll_up.claim(source, self._owner, self._lease)
        if state is None:
            self._planned.clear()
            return False
        try:
            return self._step(source, tables, state)
        except PbxError:
            self._planned.clear()
            with suppress(PbxError):
                self._roll_up.note(source, self._owner, failed=True)
                self._roll_up.release(source, self._owner)
            raise

    def release(self) -> None:
        """Let another process build; its own lease is what ends otherwise."""
        with suppress(PbxError):
            self._roll_up.release(source_of(self._engine, self._tables.get()), self._owner)

    def _due(self, state: RollUpState) -> bool:
        return state.until is None or self._settled() > state.until or not state.complete

    def _settled(self) -> int:
        """The hours before this one are complete."""
        return seconds_of(self._clock.local(self._now() - SETTLE)) // HOUR

    def _step(self, source: str, tables: CallTables, state: RollUpState) -> bool:
        if not self._planned:
            self._planned.extend(self._plan(source, tables, state))
        if not self._planned:
            self._roll_up.note(source, self._owner, complete=True, failed=False)
            self._roll_up.release(source, self._owner)
            return False
        hours = self._planned[0]
        of_hours, of_days = self._counted(tables, hours)
        if not self._roll_up.write(source, self._owner, hours, of_hours, of_days):
            self._planned.clear()
            return False
        self._planned.popleft()
        return True

    def _plan(self, source: str, tables: CallTables, state: RollUpState) -> Iterator[range]:
        """What is to be counted next, a day each."""
        settled = self._settled()
        if state.first is None or state.until is None:
            first = (settled - 1) // HOURS_A_DAY
            with connect(self._engine) as connection:
                found = oldest(connection, tables, settled * HOUR)
            self._roll_up.note(source, self._owner, oldest=settled if found is None else found // HOUR)
            yield range(first * HOURS_A_DAY, settled)
        elif settled > state.until:
            today, last = settled // HOURS_A_DAY, state.until // HOURS_A_DAY
            if today > last:
                last = max(state.first // HOURS_A_DAY, last - AGAIN)
                # Older records may have been brought in as well: what is before `first` is looked at again.
                self._roll_up.note(source, self._owner, complete=False)
            for day in range(last, -(-settled // HOURS_A_DAY)):
                yield range(day * HOURS_A_DAY, min((day + 1) * HOURS_A_DAY, settled))
        else:
            with connect(self._engine) as connection:
                found = newest_before(connection, tables, state.first * HOUR)
            if found is not None:
                day = found // HOUR // HOURS_A_DAY
                yield range(day * HOURS_A_DAY, (day + 1) * HOURS_A_DAY)

    def _counted(self, tables: CallTables, hours: range) -> tuple[list[KeptTally], list[KeptTally]]:
        by_hour = self._count(tables, ALL, hours, 1)
        of_hours = kept(ALL, by_hour)
        if len(hours) < HOURS_A_DAY:
            return of_hours, []
        of_days = kept(ALL, merged(by_hour, hours=HOURS_A_DAY))
        for dimension in supported(tables):
            if dimension != ALL:
                of_days += kept(dimension, self._count(tables, dimension, hours, HOURS_A_DAY))
        return of_hours, of_days

    def _count(self, tables: CallTables, dimension: str, hours: range, grain: int) -> Tallies:
        try:
            return self._add({}, tables, dimension, hours, grain)
        except Timeout:
            found: Tallies = {}
            for hour in hours:
                self._add(found, tables, dimension, range(hour, hour + 1), grain)
            return found

    def _add(self, found: Tallies, tables: CallTables, dimension: str, hours: range, grain: int) -> Tallies:
        # Each statement has the whole lease: the last one may have taken long.
        self._roll_up.claim(source_of(self._engine, tables), self._owner, self._lease)
        with connect(self._engine) as connection:
            seconds = range(hours.start * HOUR, hours.stop * HOUR)
            return add_counts(found, count(connection, tables, dimension, seconds, grain))
