"""Totals of calls: counted by the database, or taken from an hourly roll-up that is built in the background.

The roll-up keeps what was counted: where an administrator purges old call records, the totals of that time stay. It is
counted anew for another database, and when an upgrade adds columns that matter (linkedid, did).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine

from pbxapi.db.call_tables import TableLook
from pbxapi.errors import Invalid, NotSupported, PbxError, Timeout
from pbxapi.pbx.call_statistics_groups import GROUPS, check_size, hour_name, hours_of, together
from pbxapi.pbx.call_statistics_sources import ROLL_UP, SQL, Counting, Sources
from pbxapi.pbx.call_statistics_thread import BuilderThread
from pbxapi.pbx.cdr_totals import ALL, DISPOSITION, supported
from pbxapi.pbx.history import RollUp, RollUpState
from pbxapi.pbx.local_time import TEXT, Clock
from pbxapi.pbx.naive_time import seconds_of

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class DatabaseCallStatistics:
    """Statistics of the table `cdr`. No roll-up: all is counted when it is asked for."""

    def __init__(self, engine: Engine, tables: TableLook, clock: Clock, roll_up: RollUp | None) -> None:
        self._engine = engine
        self._tables = tables
        self._clock = clock
        self._roll_up = roll_up
        self._thread = BuilderThread(engine, tables, clock, roll_up) if roll_up else None

    def totals(self, start: datetime, end: datetime, group_by: str) -> dict[str, Any]:
        """Totals of the calls that began in this range, all together and by `group_by`.

        Raises Invalid for a range that ends before it begins or has too many items, NotSupported for a group that the
        table does not tell, Unavailable, and Timeout.
        """
        if start >= end:
            raise Invalid("The range is empty", {"end": ["Must be after start."]})
        group, tables = GROUPS[group_by], self._tables.get()
        if group.counting.dimension not in supported(tables):
            raise NotSupported(f"The call records of this exchange do not tell the {group_by}")
        lower, upper = _seconds(start, self._clock.from_bound), _seconds(end, self._clock.until_bound)
        check_size(group_by, hours_of(lower, upper))
        if self._thread:
            self._thread.ensure()
        sources = Sources(self._engine, tables, self._roll_up)
        try:
            tallies = sources.tallies(group.counting, range(lower, upper))
            whole = tallies
            if group.counting.dimension not in {ALL, DISPOSITION}:
                whole = sources.tallies(Counting(ALL, 0), range(lower, upper))
        except Timeout as error:
            raise Timeout(self._too_long(sources.state)) from error
        return {
            "start": start.astimezone(self._clock.zone),
            "end": end.astimezone(self._clock.zone),
            "group_by": group_by,
            "totals": together(whole.values()).shown(),
            "items": group.arrange(tallies, hours_of(lower, upper), self._clock),
            "source": "both" if len(sources.used) > 1 else next(iter(sources.used), SQL),
            ROLL_UP: self._shown(sources.state),
        }

    def progress(self) -> dict[str, Any]:
        """How far the roll-up is: `state` (building, current, failed, off), `from`, `until`, and `done` from 0 to 1."""
        if self._roll_up is None:
            return self._shown(RollUpState())
        try:
            return self._shown(Sources(self._engine, self._tables.get(), self._roll_up).state)
        except PbxError:
            return self._shown(RollUpState(failed=True))

    def close(self) -> None:
        """End the thread that builds the roll-up."""
        if self._thread:
            self._thread.close()

    def _shown(self, state: RollUpState) -> dict[str, Any]:
        words = "failed" if state.failed else "current" if state.complete else "building"
        return {
            "state": words if self._roll_up else "off",
            "from": None if state.first is None else hour_name(state.first, self._clock),
            "until": None if state.until is None else hour_name(state.until, self._clock),
            "done": _done(state),
        }

    def _too_long(self, state: RollUpState) -> str:
        said = "The calls of this range could not be counted in time: ask for a shorter one"
        if state.first is None or state.until is None:
            return said
        since, until = hour_name(state.first, self._clock), hour_name(state.until, self._clock)
        return f"{said}. From {since} to {until} they are counted already"


def _seconds(moment: datetime, bound: Callable[[datetime], str]) -> int:
    # Nothing before 1970 is counted: the platforms write 1000-01-01 and 0000-00-00 for no date.
    if moment.astimezone(UTC) < BEGINNING:
        return 0
    return max(0, seconds_of(datetime.strptime(bound(moment), TEXT)))


def _done(state: RollUpState) -> float:
    if state.complete:
        return 1.0
    if state.first is None or state.until is None or state.oldest is None:
        return 0.0
    return round(min(0.99, (state.until - state.first) / max(1, state.until - state.oldest)), 3)
