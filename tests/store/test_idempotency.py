"""First answers, on a real SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from pbxapi.errors import Unavailable
from pbxapi.store import Store
from pbxapi.store import idempotency as module
from pbxapi.store.migrate import migrate
from pbxapi.store.tables import idempotency


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    migrate(store)
    yield store
    store.close()


def count(store: Store) -> int:
    with store.begin() as connection:
        found: int = connection.execute(select(func.count()).select_from(idempotency)).scalar_one()
        return found


def age(store: Store, identity: str, hours: float) -> None:
    with store.begin() as connection:
        changed = update(idempotency).where(idempotency.c.id == identity)
        connection.execute(changed.values(created_at=datetime.now(UTC) - timedelta(hours=hours)))


def test_the_first_is_first_and_the_next_are_told_of_it(store: Store) -> None:
    assert store.idempotency.claim("a", "print") is None
    found = store.idempotency.claim("a", "another")
    assert found is not None
    assert (found.fingerprint, found.status, found.answer) == ("print", None, None)
    store.idempotency.keep("a", 201, b"\0\xff")
    found = store.idempotency.claim("a", "another")
    assert found is not None
    assert (found.fingerprint, found.status, found.answer) == ("print", 201, b"\0\xff")


def test_what_is_released_is_free(store: Store) -> None:
    store.idempotency.claim("a", "print")
    store.idempotency.claim("b", "print")
    store.idempotency.release("a")
    assert store.idempotency.claim("a", "print") is None
    assert store.idempotency.claim("b", "print") is not None


def test_of_many_at_once_one_is_first(store: Store) -> None:
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda _: store.idempotency.claim("a", "print"), range(64)))
    assert found.count(None) == 1


def test_what_is_a_day_old_counts_no_more(store: Store) -> None:
    store.idempotency.claim("a", "print")
    age(store, "a", 23.9)
    assert store.idempotency.claim("a", "print") is not None
    age(store, "a", 24.1)
    assert store.idempotency.claim("a", "print") is None


def test_old_rows_are_let_go_of_now_and_then(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    for identity in "abc":
        store.idempotency.claim(identity, "print")
    age(store, "a", 25)
    age(store, "b", 25)
    store.idempotency.claim("d", "print")
    assert count(store) == 4
    monkeypatch.setattr(module, "TIDIED_EVERY", 0)
    store.idempotency._tidy_from = 0
    store.idempotency.claim("e", "print")
    assert count(store) == 3


def test_a_store_without_its_tables_is_unavailable(store: Store) -> None:
    migrate(store, "base")
    with pytest.raises(Unavailable):
        store.idempotency.claim("a", "print")
    with pytest.raises(Unavailable):
        store.idempotency.keep("a", 200, None)
    with pytest.raises(Unavailable):
        store.idempotency.release("a")
