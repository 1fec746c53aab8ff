from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect

from pbxapi.errors import NotFound
from pbxapi.store import Store
from pbxapi.store.migrate import is_current, migrate


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    yield store
    store.close()


def test_a_store_goes_back_to_an_earlier_version_and_forth_again(store: Store) -> None:
    migrate(store)
    assert is_current(store)
    migrate(store, "0004")
    assert not is_current(store)
    assert not inspect(store.engine).has_table("audit")
    assert inspect(store.engine).has_table("changes")
    migrate(store, "0004")
    migrate(store)
    assert is_current(store)


def test_a_version_that_is_not_known_changes_nothing(store: Store) -> None:
    migrate(store)
    with pytest.raises(NotFound):
        migrate(store, "9999")
    assert is_current(store)


def test_a_new_store_goes_straight_to_an_earlier_version(store: Store) -> None:
    migrate(store, "0002")
    assert inspect(store.engine).has_table("secrets")
    migrate(store, "base")
    assert not inspect(store.engine).has_table("secrets")
