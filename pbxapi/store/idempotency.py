"""First answers to requests that may come again: what is asked for once is done once, in whichever worker it comes."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from pbxapi.errors import Unavailable
from pbxapi.store.tables import idempotency

if TYPE_CHECKING:
    from pbxapi.store.engine import Store

KEPT = timedelta(hours=24)
TRIES = 5
TIDIED_EVERY = 600.0
"""Seconds between two sweeps of a process."""


@dataclass(frozen=True, slots=True)
class First:
    """The request that came first. No `status`: it has no answer yet. No `answer`: what was answered is not kept."""

    fingerprint: str
    created_at: datetime
    status: int | None
    answer: bytes | None


class IdempotencyStore:
    """Rows of `idempotency`. Every method raises Unavailable when the store does not answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._tidy_from = 0.0

    def claim(self, identity: str, fingerprint: str) -> First | None:
        """Be the first with this identity, or None of it: the one that is."""
        self._tidy()
        now = datetime.now(UTC)
        values = {"id": identity, "fingerprint": fingerprint, "created_at": now}
        for _ in range(TRIES):
            try:
                with self._store.begin() as connection:
                    connection.execute(insert(idempotency).values(values))
            except Unavailable as error:
                # That it is the only one with this id is the database's word, also when two come at once.
                if not isinstance(error.__cause__, IntegrityError):
                    raise
            else:
                return None
            first = self._find(identity)
            if first is None:
                continue  # It was let go of in between.
            if first.created_at >= now - KEPT:
                return first
            self._forget(identity, first.created_at)
        raise Unavailable("The store of pbxapi is too busy", part="store")

    def keep(self, identity: str, status: int, answer: bytes | None) -> None:
        """Keep how it was answered."""
        with self._store.begin() as connection:
            connection.execute(
                update(idempotency).where(idempotency.c.id == identity).values(status=status, answer=answer)
            )

    def release(self, identity: str) -> None:
        """Let the next one be the first: nothing was done."""
        with self._store.begin() as connection:
            connection.execute(delete(idempotency).where(idempotency.c.id == identity))

    def _find(self, identity: str) -> First | None:
        with self._store.begin() as connection:
            row = connection.execute(select(idempotency).where(idempotency.c.id == identity)).one_or_none()
        return None if row is None else First(row.fingerprint, row.created_at, row.status, row.answer)

    def _forget(self, identity: str, created_at: datetime) -> None:
        with self._store.begin() as connection:
            connection.execute(
                delete(idempotency).where(idempotency.c.id == identity, idempotency.c.created_at == created_at)
            )

    def _tidy(self) -> None:
        """Let go of what is too old, now and then, in a transaction of its own: InnoDB locks the gaps of a range."""
        with self._lock:
            if time.monotonic() < self._tidy_from:
                return
            self._tidy_from = time.monotonic() + TIDIED_EVERY
        with self._store.begin() as connection:
            connection.execute(delete(idempotency).where(idempotency.c.created_at < datetime.now(UTC) - KEPT))
