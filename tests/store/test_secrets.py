"""Secrets in the store, on a real SQLite file."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from pbxapi.errors import Unavailable
from pbxapi.store import Store
from pbxapi.store.migrate import migrate


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    migrate(store)
    yield store
    store.close()


def test_a_secret_is_made_once_and_stays(store: Store) -> None:
    made = store.secrets.get("a")
    assert len(made) == 32
    assert store.secrets.get("a") == made
    assert store.secrets.get("b") != made
    other = Store(store.url)
    assert other.secrets.get("a") == made
    other.close()


def test_all_who_make_it_at_once_get_the_same(store: Store) -> None:
    stores = [Store(store.url) for _ in range(8)]
    start, found = threading.Barrier(len(stores)), []

    def get(one: Store) -> None:
        start.wait(5)
        found.append(one.secrets.get("ids"))

    threads = [threading.Thread(target=get, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    for one in stores:
        one.close()
    assert len(found) == len(stores)
    assert len(set(found)) == 1


def test_a_known_secret_needs_no_store_and_an_unknown_one_says_what_is_missing(tmp_path: Path, store: Store) -> None:
    made = store.secrets.get("a")
    store.close()
    (tmp_path / "store.db").unlink()
    assert store.secrets.get("a") == made
    with pytest.raises(Unavailable) as caught:
        store.secrets.get("b")
    assert caught.value.part == "store"
