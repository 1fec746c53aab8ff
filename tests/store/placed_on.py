"""Several processes that place at once for the same keys, on any database."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from pbxapi.errors import Unavailable
from pbxapi.store import Store
from pbxapi.store.placed import TooManyCalls

KEYS = ("crm", "shop", "zoo")
THREADS, PROCESSES, EACH = 6, 2, 4
AT_ONCE = 5
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def place(url: str) -> list[str]:
    """What one process places for the keys, in threads."""
    store = Store(url)

    def one(number: int) -> str | None:
        key = KEYS[number % len(KEYS)]
        try:
            store.placed.admit(key, AT_ONCE, None, NOW)
        except TooManyCalls:
            return None
        except Unavailable as error:
            return f"{error}"
        return key

    try:
        with ThreadPoolExecutor(THREADS) as threads:
            return [key for key in threads.map(one, range(EACH * len(KEYS))) if key]
    finally:
        store.close()


def check_that_no_more_are_placed_than_may_be(store: Store) -> None:
    """Each key gets all that it may, and not one more; and none waits for another in vain."""
    for key in KEYS:
        store.keys.create(key, ["calls"], created_by="tests")
    with multiprocessing.get_context("spawn").Pool(PROCESSES) as processes:
        found = processes.map_async(place, [store.url] * PROCESSES, chunksize=1).get(60)
    placed = [key for each in found for key in each]
    assert sorted(placed) == sorted(KEYS * AT_ONCE)
