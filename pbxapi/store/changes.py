"""The journal of changes to the exchange: what is being written, and what waits to be applied, for every process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from pbxapi.pbx.provisioning import ABANDONED, LEFT, WRITING, WRITTEN, Applied, Change
from pbxapi.store.tables import applies, changes

if TYPE_CHECKING:
    from pbxapi.store.engine import Store

RUNS_KEPT = 20


class ChangeStore:
    """Rows of `changes` and `applies`. Everything raises Unavailable."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, numbers: Sequence[str]) -> int:
        """Note that a change begins; its id is higher than that of any before."""
        return self._insert(numbers, WRITING)

    def request(self) -> int:
        """Note that somebody wants what waits to be applied; its id stands in line with those of changes."""
        return self._insert((), WRITTEN)

    def _insert(self, numbers: Sequence[str], state: str) -> int:
        row = {"numbers": json.dumps(list(numbers)), "state": state, "at": datetime.now(UTC)}
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

    def looked_after(self, number: str) -> None:
        """Somebody has seen to this number: what was left half done of it is put right."""
        for change in self.open(ABANDONED):
            if number in change.numbers:
                rest = [each for each in change.numbers if each != number]
                kept = update(changes).values(numbers=json.dumps(rest)) if rest else delete(changes)
                with self._store.begin() as connection:
                    connection.execute(kept.where(changes.c.id == change.id))

    def leave(self, some: Sequence[int]) -> None:
        """They wait for as long as the platform's own flag says so; those that are not there any more stay away."""
        left = update(changes).where(changes.c.id.in_(some), changes.c.state == WRITTEN).values(state=LEFT)
        with self._store.begin() as connection:
            connection.execute(left)

    def ran(self, until: int, how: Applied) -> None:
        """A run has ended that was for everything written up to this change; if it went well, that is in effect."""
        with self._store.begin() as connection:
            if how.ok:
                waiting = changes.c.state.in_((WRITTEN, LEFT))
                connection.execute(delete(changes).where(changes.c.id <= until, waiting))
            connection.execute(insert(applies).values(until=until, **asdict(how)))
            newest = connection.execute(select(func.max(applies.c.id))).scalar_one()
            connection.execute(delete(applies).where(applies.c.id <= newest - RUNS_KEPT))

    def last_run(self) -> tuple[int, Applied] | None:
        """The last run, and the last change that it was for; None before the first."""
        with self._store.begin() as connection:
            row = connection.execute(select(applies).order_by(applies.c.id.desc()).limit(1)).first()
        return (row.until, Applied(row.ok, row.seconds, row.reason, row.at)) if row else None

    def open(self, *states: str) -> list[Change]:
        """All of them, or those in these states, oldest first."""
        wanted = select(changes).order_by(changes.c.id)
        with self._store.begin() as connection:
            rows = connection.execute(wanted.where(changes.c.state.in_(states)) if states else wanted).all()
        return [Change(row.id, tuple(json.loads(row.numbers)), row.state, row.at) for row in rows]

    def has(self, change: int) -> bool:
        """Whether it is still among them."""
        with self._store.begin() as connection:
            return connection.execute(select(changes.c.id).where(changes.c.id == change)).first() is not None

    def newest(self) -> int:
        """The id of the newest, 0 where there is none."""
        with self._store.begin() as connection:
            return int(connection.execute(select(func.max(changes.c.id))).scalar_one() or 0)
