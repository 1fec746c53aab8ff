"""The journal of changes to the exchange: what is being written, and what waits to be applied, for every process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update

from pbxapi.pbx.provisioning import ABANDONED, WRITING, WRITTEN, Change
from pbxapi.store.tables import changes

if TYPE_CHECKING:
    from pbxapi.store.engine import Store


class ChangeStore:
    """Rows of `changes`. Everything raises Unavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, numbers: Sequence[str]) -> int:
        """Note that a change begins; its id is higher than that of any before."""
        row = {"numbers": json.dumps(list(numbers)), "state": WRITING, "at": datetime.now(UTC)}
        with self._store.begin() as connection:
            made = connection.execute(insert(changes).values(row)).inserted_primary_key
        return int(made[0]) if made else 0

    def written(self, change: int) -> None:
        """It is done, and waits to be applied."""
        self._set(change, WRITTEN)

    def abandon(self, change: int) -> None:
        """Nobody is at it any more, and it is not known how far it came."""
        self._set(change, ABANDONED)

    def _set(self, change: int, state: str) -> None:
        with self._store.begin() as connection:
            connection.execute(update(changes).where(changes.c.id == change).values(state=state))

    def forget(self, change: int) -> None:
        """It is in effect, or it was undone, or somebody has looked after it."""
        with self._store.begin() as connection:
            connection.execute(delete(changes).where(changes.c.id == change))

    def applied(self, until: int) -> None:
        """All that were written, up to this one, are in effect."""
        done = delete(changes).where(changes.c.id <= until, changes.c.state == WRITTEN)
        with self._store.begin() as connection:
            connection.execute(done)

    def open(self) -> list[Change]:
        """All of them, oldest first."""
        with self._store.begin() as connection:
            rows = connection.execute(select(changes).order_by(changes.c.id)).all()
        return [Change(row.id, tuple(json.loads(row.numbers)), row.state, row.at) for row in rows]
