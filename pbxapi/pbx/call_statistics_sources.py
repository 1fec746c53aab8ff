"""Tallies of any range: from the roll-up as far as it is, the rest counted in the table.

The roll-up has all calls by the hour and by the day; by extension, disposition, queue and DID it has whole days alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import Engine

from pbxapi.db.call_tables import CallTables
from pbxapi.db.engine import connect
from pbxapi.errors import Unavailable
from pbxapi.pbx.call_statistics_tally import Tallies, Tally, add_counts
from pbxapi.pbx.cdr_totals import ALL, count
from pbxapi.pbx.history import KeptTally, RollUp, RollUpState
from pbxapi.pbx.naive_time import HOUR, HOURS_A_DAY

DEFINITION = 1
"""Raised when a call or a key is counted in another way than before: what is kept is then counted anew."""

ROLL_UP, SQL = "roll_up", "sql"


def source_of(engine: Engine, tables: CallTables) -> str:
    """A name for the table of call records, and for how it is counted."""
    url = engine.url
    optional = {"linkedid", "did", "dstchannel", "lastapp", "lastdata"}
    facts = [DEFINITION, url.host, url.port, url.database, sorted(optional & tables.columns)]
    return hashlib.blake2b(json.dumps(facts).encode(), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True)
class Counting:
    """By what calls are counted. `grain` is a number of hours, 0 for the whole range at once.

    `place` says in which tally those of an hour or a day go, where that is not one of its own.
    """

    dimension: str
    grain: int
    place: Callable[[int], int] = int


class Sources:
    """Where the tallies of one answer come from; `used` says from where they came. `roll_up` is None when it is off."""

    def __init__(self, engine: Engine, tables: CallTables, roll_up: RollUp | None) -> None:
        self._engine = engine
        self._tables = tables
        self._roll_up = roll_up
        self._source = source_of(engine, tables)
        self.state = self._state()
        self.used: set[str] = set()

    def tallies(self, counting: Counting, seconds: range) -> Tallies:
        """The calls that began in these seconds since 1970."""
        found: Tallies = {}
        kept = self._kept(counting.dimension, seconds)
        if not kept:
            self._count(found, counting, seconds)
            return found
        self.used.add(ROLL_UP)
        for unit, rows in self._read(counting, kept):
            _add(found, rows, unit, counting.place)
        self._count(found, counting, range(seconds.start, kept.start * HOUR))
        self._count(found, counting, range(kept.stop * HOUR, seconds.stop))
        return found

    def _state(self) -> RollUpState:
        if self._roll_up is None:
            return RollUpState()
        try:
            return self._roll_up.state(self._source)
        except Unavailable:
            # The exchange's own table is enough for an answer.
            return RollUpState(failed=True)

    def _kept(self, dimension: str, seconds: range) -> range:
        """The hours of this range that the roll-up holds, all of which are whole."""
        state = self.state
        if state.first is None or state.until is None:
            return range(0)
        first = 0 if state.complete else state.first
        begin, end = max(first, -(-seconds.start // HOUR)), min(state.until, seconds.stop // HOUR)
        if dimension == ALL:
            return range(begin, end)
        return range(-(-begin // HOURS_A_DAY) * HOURS_A_DAY, end // HOURS_A_DAY * HOURS_A_DAY)

    def _read(self, counting: Counting, hours: range) -> Iterable[tuple[int, Iterable[KeptTally]]]:
        """Rows, and by how much their numbers are to be divided; 0: all together."""
        assert self._roll_up is not None  # noqa: S101
        dimension, grain = counting.dimension, counting.grain
        days = range(-(-hours.start // HOURS_A_DAY), hours.stop // HOURS_A_DAY)
        if grain == 1 or not days:
            yield grain, self._roll_up.hours(self._source, dimension, hours)
            return
        edges = range(hours.start, days.start * HOURS_A_DAY), range(days.stop * HOURS_A_DAY, hours.stop)
        for edge in filter(None, edges):
            yield grain, self._roll_up.hours(self._source, dimension, edge)
        yield grain // HOURS_A_DAY, self._roll_up.days(self._source, dimension, days)

    def _count(self, found: Tallies, counting: Counting, seconds: range) -> None:
        if not seconds:
            return
        self.used.add(SQL)
        with connect(self._engine) as connection:
            counts = count(connection, self._tables, counting.dimension, seconds, counting.grain)
            add_counts(found, counts, counting.place)


def _add(found: Tallies, rows: Iterable[KeptTally], unit: int, place: Callable[[int], int]) -> None:
    for _, number, key, calls, talk_time, rings in rows:
        at = place(number // unit) if unit else 0, key
        tally = found.get(at)
        if tally is None:
            tally = found[at] = Tally()
        tally.add_kept(calls, talk_time, rings)
