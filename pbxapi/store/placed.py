"""What keys with a call policy placed: counted exactly, however many threads, processes and hosts place at once."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection, String, and_, cast, delete, distinct, func, insert, or_, select, update

from pbxapi.pbx.interfaces import FINAL
from pbxapi.store.tables import calls, keys, placed

if TYPE_CHECKING:
    from pbxapi.store.engine import Store

MINUTE = timedelta(minutes=1)
"""Also how long a call counts as going on before anything is known of it."""

KEPT = timedelta(hours=24)
"""A call counts as going on for no longer, lest one whose end nobody wrote shut a key out for ever."""


class TooManyCalls(Exception):
    """One call more than the policy allows. `limit` is calls_at_once or calls_a_minute, `retry_after` seconds."""

    def __init__(self, limit: str, retry_after: float) -> None:
        super().__init__(limit)
        self.limit = limit
        self.retry_after = retry_after


class PlacedStore:
    """Rows of `placed`. Everything raises Unavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def admit(
        self,
        key: str,
        at_once: int | None,
        a_minute: int | None,
        now: datetime,
        *,
        call_id: str | None = None,
        live: Collection[str] = (),
    ) -> int:
        """Count one call more, and give its number. Raises TooManyCalls, and then counts nothing.

        `call_id` is the call that it is a part of, where that is known; `live` are calls that the exchange has, which
        are going on whatever was written of them.
        """
        with self._store.begin() as connection:
            # The first statement writes: whoever counts for this key meanwhile waits here, on every database.
            connection.execute(update(keys).where(keys.c.name == key).values(version=keys.c.version))
            if a_minute is not None:
                _check_minute(connection, key, a_minute, now)
            if at_once is not None and _going_on(connection, key, now, call_id, live) >= at_once:
                raise TooManyCalls("calls_at_once", 5)
            made = connection.execute(insert(placed).values(key=key, at=now, call_id=call_id)).inserted_primary_key
            # Last: where a delete locks the room between rows (MySQL), two keys would wait for each other to insert.
            connection.execute(delete(placed).where(placed.c.key == key, placed.c.at < now - KEPT))
        return int(made[0]) if made else 0

    def name(self, number: int, call_id: str) -> None:
        """Say which call it became: from then on it counts for as long as that goes on."""
        with self._store.begin() as connection:
            connection.execute(update(placed).where(placed.c.id == number).values(call_id=call_id))

    def release(self, number: int) -> None:
        """It was not placed."""
        with self._store.begin() as connection:
            connection.execute(delete(placed).where(placed.c.id == number))


def _check_minute(connection: Connection, key: str, most: int, now: datetime) -> None:
    recent = select(func.count(), func.min(placed.c.at)).where(placed.c.key == key, placed.c.at > now - MINUTE)
    count, oldest = connection.execute(recent).one()
    if count >= most:
        raise TooManyCalls("calls_a_minute", (oldest + MINUTE - now).total_seconds())


def _going_on(connection: Connection, key: str, now: datetime, call_id: str | None, live: Collection[str]) -> int:
    """How many calls of this key, but for this one."""
    known = calls.c.id.is_not(None)
    going_on = or_(
        and_(known, calls.c.status.not_in(FINAL)),
        and_(~known, placed.c.at > now - MINUTE),
        placed.c.call_id.in_(list(live)),
    )
    # Of one call there may be several: it was placed, and then transferred.
    each = func.coalesce(placed.c.call_id, cast(placed.c.id, String(64)))
    query = (
        select(func.count(distinct(each)))
        .select_from(placed.outerjoin(calls, calls.c.id == placed.c.call_id))
        .where(placed.c.key == key, placed.c.at > now - KEPT, going_on, each != (call_id or ""))
    )
    return int(connection.execute(query).scalar_one())
