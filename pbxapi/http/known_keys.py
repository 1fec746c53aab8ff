"""Keys of the store that were looked up lately: each worker asks the store again after 2 s, and does without for 60."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from pbxapi.errors import Unavailable
from pbxapi.store.keys import SHAPE, Found, Key, KeyStore, hash_of

log = logging.getLogger("pbxapi.http")

FRESH = 2.0
"""Seconds for which a key is taken without asking: within them, what another process changed is in effect here."""
STALE = 60.0
"""Seconds for which a key that was found is taken while the store does not answer."""
RETRY = 1.0
"""Seconds between two tries to ask a store that does not answer: who comes in between does not wait for it too."""
NOTED_EVERY = 60.0
MOST = 10_000


@dataclass(slots=True)
class Known:
    """What the store said of a key, when, and after how many changes of this process."""

    found: Found
    scopes: frozenset[str]
    at: float
    changes: int


class KnownKeys:
    """Of one process. What is not known is not kept: nobody fills the memory with keys of his own invention."""

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys
        self._known: dict[str, Known] = {}
        self._failed = False
        self._retry_at = 0.0
        # When a use was last written, by key; and until when none is, since the store could not take it.
        self._noted: dict[str, float] = {}
        self._no_notes_until = 0.0

    def find(self, secret: str) -> Known | None:
        """What is known of this key, good or not; None: nobody's. Raises Unavailable when that cannot be told."""
        if not SHAPE.fullmatch(secret):
            return None
        # Looked up by its hash: how long that takes says nothing of how much of the key was right.
        digest = hash_of(secret)
        known, now = self._known.get(digest), time.monotonic()
        if known is not None and known.changes != self._keys.changes:
            known = None
        if known is not None and now - known.at < FRESH:
            return known
        try:
            found = self._ask(digest, now)
        except Unavailable:
            if known is not None and now - known.at < STALE:
                return known
            raise
        return found

    def used(self, key: Key, where: str) -> None:
        """Note the use of a key, once a minute. That it cannot be noted is no fault of the request's."""
        now = time.monotonic()
        if now - self._noted.get(key.name, -NOTED_EVERY) < NOTED_EVERY or now < self._no_notes_until:
            return
        self._noted[key.name] = now
        try:
            self._keys.used(key.name, datetime.now(UTC), where)
        except Unavailable as error:
            self._no_notes_until = time.monotonic() + NOTED_EVERY
            log.warning("the last use of keys cannot be noted: %s", type(error.__cause__).__name__)

    def _ask(self, digest: str, now: float) -> Known | None:
        if self._failed:
            if now < self._retry_at:
                raise Unavailable("The store of pbxapi does not answer", part="store", retry_after=2)
            self._retry_at = now + RETRY
        changes = self._keys.changes
        try:
            found = self._keys.find(digest)
        except Unavailable:
            self._failed, self._retry_at = True, time.monotonic() + RETRY
            raise
        self._failed = False
        if found is None:
            self._known.pop(digest, None)
            return None
        known = Known(found, frozenset(found.key.scopes), now, changes)
        if len(self._known) >= MOST:
            self._known.clear()
        self._known[digest] = known
        return known
