"""The roll-up of call records: tallies by hour and by day, written by one process at a time, read by all."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Connection, and_, case, delete, insert, or_, select, update

from pbxapi.errors import Unavailable
from pbxapi.pbx.history import KeptTally, RollUpState
from pbxapi.store.tables import roll_up_tallies, roll_ups

if TYPE_CHECKING:
    from pbxapi.store.engine import Store

FORGOTTEN = timedelta(days=1)
"""How long the roll-up of another table is kept that nobody writes any more."""

HOURS_A_DAY = 24


class RollUpStore:
    """Rows of `roll_ups` and `roll_up_tallies`. Every method raises Unavailable when the store does not answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def state(self, source: str) -> RollUpState:
        """How far the roll-up of a table is."""
        with self._store.begin() as connection:
            return _state(connection, source)

    def claim(self, source: str, owner: str, lease: timedelta) -> RollUpState | None:
        """Become the one who writes, for as long as `lease`; None when another is. Old roll-ups are let go of."""
        self._ensure(source)
        now = datetime.now(UTC)
        free = or_(roll_ups.c.owner.is_(None), roll_ups.c.owner == owner, roll_ups.c.leased_until < now)
        with self._store.begin() as connection:
            claimed = connection.execute(
                update(roll_ups).where(roll_ups.c.source == source, free).values(owner=owner, leased_until=now + lease)
            )
            if claimed.rowcount == 0:
                return None
            old = select(roll_ups.c.source).where(roll_ups.c.source != source, roll_ups.c.updated_at < now - FORGOTTEN)
            for other in connection.execute(old).scalars().all():
                connection.execute(delete(roll_up_tallies).where(roll_up_tallies.c.source == other))
                connection.execute(delete(roll_ups).where(roll_ups.c.source == other))
            return _state(connection, source)

    def release(self, source: str, owner: str) -> None:
        """Let another write."""
        with self._store.begin() as connection:
            connection.execute(update(roll_ups).where(_held(source, owner)).values(owner=None, leased_until=None))

    def note(self, source: str, owner: str, **changes: int | bool) -> bool:
        """Change the state. False, and nothing is changed, when somebody else writes by now."""
        with self._store.begin() as connection:
            return _note(connection, source, owner, **changes)

    def write(
        self, source: str, owner: str, hours: range, of_hours: Sequence[KeptTally], of_days: Sequence[KeptTally]
    ) -> bool:
        """Put these tallies in place of all that there are of these hours, and of the days that they belong to.

        What is held then reaches from the first of them, or further back, to the last, or further on. False, and
        nothing is written, when somebody else writes by now.
        """
        c = roll_ups.c
        days = range(hours.start // HOURS_A_DAY, -(-hours.stop // HOURS_A_DAY))
        reach = {
            "first": case((c.first < hours.start, c.first), else_=hours.start),
            "until": case((c.until > hours.stop, c.until), else_=hours.stop),
        }
        with self._store.begin() as connection:
            if not _note(connection, source, owner, failed=False, **reach):
                return False
            for unit, numbers, tallies in (("hour", hours, of_hours), ("day", days, of_days)):
                connection.execute(delete(roll_up_tallies).where(_of(source, unit, numbers)))
                rows = [dict(zip(_NAMES, tally, strict=True)) | {"source": source, "unit": unit} for tally in tallies]
                if rows:
                    connection.execute(insert(roll_up_tallies), rows)
        return True

    def hours(self, source: str, dimension: str, hours: range) -> Sequence[KeptTally]:
        """The tallies of these hours, in the order of time."""
        return self._read(source, dimension, "hour", hours)

    def days(self, source: str, dimension: str, days: range) -> Sequence[KeptTally]:
        """The tallies of these days, in the order of time."""
        return self._read(source, dimension, "day", days)

    def _read(self, source: str, dimension: str, unit: str, numbers: range) -> Sequence[KeptTally]:
        if not numbers:
            return []
        c = roll_up_tallies.c
        query = select(*(c[name] for name in _NAMES)).where(_of(source, unit, numbers), c.dimension == dimension)
        with self._store.begin() as connection:
            return connection.execute(query.order_by(c.number)).fetchall()

    def _ensure(self, source: str) -> None:
        first = {"source": source, "complete": False, "failed": False, "updated_at": datetime.now(UTC)}
        with self._store.begin() as connection:
            if connection.execute(select(roll_ups.c.source).where(roll_ups.c.source == source)).first():
                return
        try:
            with self._store.begin() as connection:
                connection.execute(insert(roll_ups).values(**first))
        except Unavailable:
            # Another process made it at the same moment; if that is not why, what follows says so.
            return


_NAMES = ("dimension", "number", "key", "calls", "talk_time", "rings")


def _state(connection: Connection, source: str) -> RollUpState:
    c = roll_ups.c
    query = select(c.first, c.until, c.oldest, c.complete, c.failed).where(c.source == source)
    found = connection.execute(query).first()
    return RollUpState(*found) if found else RollUpState()


def _note(connection: Connection, source: str, owner: str, **changes: object) -> bool:
    query = update(roll_ups).where(_held(source, owner)).values(updated_at=datetime.now(UTC), **changes)
    return connection.execute(query).rowcount > 0


def _held(source: str, owner: str) -> ColumnElement[bool]:
    # A lease that has run out and that nobody took is as good as one that has not.
    return and_(roll_ups.c.source == source, roll_ups.c.owner == owner)


def _of(source: str, unit: str, numbers: range) -> ColumnElement[bool]:
    c = roll_up_tallies.c
    return and_(c.source == source, c.unit == unit, c.number >= numbers.start, c.number < numbers.stop)
