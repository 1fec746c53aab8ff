"""Tallies of any range: whole hours from the roll-up as far as it is, the rest counted in the table."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from sqlalchemy import Engine

from pbxapi.db.call_tables import CallTables
from pbxapi.db.engine import connect
from pbxapi.errors import Unavailable
from pbxapi.pbx.call_statistics_tally import Tallies, Tally, add_counts
from pbxapi.pbx.cdr_totals import count
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


class Sources:
    """Where the tallies of one answer come from; `used` says from where they came. `roll_up` is None when it is off."""

    def __init__(self, engine: Engine, tables: CallTables, roll_up: RollUp | None) -> None:
        self._engine = engine
        self._tables = tables
        self._roll_up = roll_up
        self._source = source_of(engine, tables)
        self.state = self._state()
        self.used: set[str] = set()

    def tallies(self, dimension: str, grain: int, lower: int, upper: int) -> Tallies:
        """Calls from `lower` up to `upper`, in seconds since 1970, by so many hours (0: all together)."""
        kept = self._kept(lower, upper)
        if not kept:
            return self._counted({}, dimension, grain, lower, upper)
        self.used.add(ROLL_UP)
        found: Tallies = {}
        for number, tallies in self._read(dimension, grain, kept):
            _add(found, number, tallies)
        self._counted(found, dimension, grain, lower, kept.start * HOUR)
        return self._counted(found, dimension, grain, kept.stop * HOUR, upper)

    def _state(self) -> RollUpState:
        if self._roll_up is None:
            return RollUpState()
        try:
            return self._roll_up.state(self._source)
        except Unavailable:
            # The exchange's own table is enough for an answer.
            return RollUpState(failed=True)

    def _kept(self, lower: int, upper: int) -> range:
        """The hours of this range that the roll-up holds, all of which are whole."""
        state = self.state
        if state.first is None or state.until is None:
            return range(0)
        first = 0 if state.complete else state.first
        return range(max(first, -(-lower // HOUR)), min(state.until, upper // HOUR))

    def _read(self, dimension: str, grain: int, hours: range) -> Iterable[tuple[int, Iterable[KeptTally]]]:
        """Rows, each with by how much its number is to be divided; 0: all together."""
        assert self._roll_up is not None  # noqa: S101
        days = range(-(-hours.start // HOURS_A_DAY), hours.stop // HOURS_A_DAY)
        if grain == 1 or not days:
            yield grain, self._roll_up.hours(self._source, dimension, hours)
            return
        edges = range(hours.start, days.start * HOURS_A_DAY), range(days.stop * HOURS_A_DAY, hours.stop)
        for edge in edges:
            yield grain, self._roll_up.hours(self._source, dimension, edge)
        yield grain // HOURS_A_DAY, self._roll_up.days(self._source, dimension, days)

    def _counted(self, found: Tallies, dimension: str, grain: int, lower: int, upper: int) -> Tallies:
        if lower < upper:
            self.used.add(SQL)
            with connect(self._engine) as connection:
                add_counts(found, count(connection, self._tables, dimension, range(lower, upper), grain))
        return found


def _add(found: Tallies, grain: int, rows: Iterable[KeptTally]) -> None:
    for _, number, key, calls, talk_time, rings in rows:
        at = (number // grain if grain else 0), key
        tally = found.get(at)
        if tally is None:
            tally = found[at] = Tally()
        tally.add_kept(calls, talk_time, rings)
