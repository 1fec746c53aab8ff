"""Calls that were placed here: kept so that every worker tells the same fate, for hours after the end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import RowMapping, delete, insert, or_, select, update

from pbxapi.pbx.interfaces import FINAL, CallRecord
from pbxapi.store.tables import calls

if TYPE_CHECKING:
    from pbxapi.store.engine import Store

NEVER_ENDED = timedelta(hours=24)
"""How much longer a call is kept whose end nobody has written."""


class CallStore:
    """Rows of `calls`. Every method raises Unavailable when the store does not answer."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, record: CallRecord, *, keep: timedelta) -> None:
        """Add a call, and let go of those that ended longer ago than `keep`."""
        with self._store.begin() as connection:
            limit = record.created_at - keep
            ended = or_(calls.c.ended_at < limit, calls.c.created_at < limit - NEVER_ENDED)
            # created_at has the index: what ended before the limit also began before it.
            connection.execute(delete(calls).where(calls.c.created_at < limit, ended))
            connection.execute(insert(calls).values(**asdict(record)))

    def save(self, record: CallRecord) -> None:
        """Write a call as it is now. A call that has ended stays as it ended, and `canceled` is `cancel`'s to set."""
        values = asdict(record)
        del values["canceled"]
        with self._store.begin() as connection:
            connection.execute(
                update(calls).where(calls.c.id == values.pop("id"), calls.c.status.not_in(FINAL)).values(**values)
            )

    def cancel(self, call_id: str, now: datetime) -> None:
        """Note that the API was asked to hang this call up, for the worker that follows it."""
        with self._store.begin() as connection:
            connection.execute(
                update(calls)
                .where(calls.c.id == call_id, calls.c.status.not_in(FINAL))
                .values(canceled=True, updated_at=now)
            )

    def remove(self, call_id: str) -> None:
        """Forget a call that Asterisk refused to place."""
        with self._store.begin() as connection:
            connection.execute(delete(calls).where(calls.c.id == call_id))

    def get(self, call_id: str) -> CallRecord | None:
        """One call, or None."""
        found = self.several([call_id])
        return found[0] if found else None

    def several(self, call_ids: Iterable[str]) -> list[CallRecord]:
        """Those of the calls that were placed here."""
        with self._store.begin() as connection:
            rows = connection.execute(select(calls).where(calls.c.id.in_(list(call_ids)))).mappings()
            return [_record(row) for row in rows]

    def unfinished(self, since: datetime) -> list[CallRecord]:
        """Calls placed since then that have not ended."""
        with self._store.begin() as connection:
            query = select(calls).where(calls.c.created_at >= since, calls.c.status.not_in(FINAL))
            return [_record(row) for row in connection.execute(query.order_by(calls.c.created_at)).mappings()]


_NAMES = [field.name for field in fields(CallRecord)]


def _record(row: RowMapping) -> CallRecord:
    return CallRecord(**{name: row[name] for name in _NAMES})
