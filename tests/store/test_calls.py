"""Calls in the store, on a real SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import inspect

from pbxapi.errors import Unavailable
from pbxapi.pbx.interfaces import CallRecord
from pbxapi.store import Store
from pbxapi.store.migrate import is_current, migrate
from pbxapi.store.tables import metadata

NOW = datetime(2026, 1, 5, 10, 0, 0, 123456, tzinfo=UTC)
KEEP = timedelta(hours=24)


def call(call_id: str = "pbxapi-1", at: datetime = NOW) -> CallRecord:
    return CallRecord(call_id, "100", "101", "from-internal", "Sales <555>", 'x "1"', at, at)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    migrate(store)
    yield store
    store.close()


def test_a_call_comes_back_as_it_went_in(store: Store) -> None:
    store.calls.add(call(), keep=KEEP)
    assert store.calls.get("pbxapi-1") == call()
    assert store.calls.get("pbxapi-2") is None


def test_a_call_that_has_ended_stays_as_it_ended(store: Store) -> None:
    store.calls.add(call(), keep=KEEP)
    ended = replace(call(), status="busy", cause=17, ended_at=NOW)
    store.calls.save(ended)
    store.calls.save(replace(call(), status="completed"))
    assert store.calls.get("pbxapi-1") == ended
    assert store.calls.unfinished(NOW - KEEP) == []


def test_saving_does_not_undo_a_cancel(store: Store) -> None:
    store.calls.add(call(), keep=KEEP)
    store.calls.cancel("pbxapi-1", NOW)
    store.calls.save(replace(call(), status="ringing"))
    saved = store.calls.get("pbxapi-1")
    assert saved is not None
    assert (saved.status, saved.canceled) == ("ringing", True)


def test_calls_are_let_go_of_after_their_time(store: Store) -> None:
    second, long_ago = timedelta(seconds=1), NOW - 3 * KEEP
    old, kept = (replace(call(name, NOW - 1.5 * KEEP), status="busy") for name in ("old", "kept"))
    store.calls.add(replace(old, ended_at=NOW - KEEP - second), keep=KEEP)
    store.calls.add(replace(kept, ended_at=NOW - KEEP + second), keep=KEEP)
    store.calls.add(call("talking", NOW - KEEP - second), keep=KEEP)
    store.calls.add(call("never ended", long_ago), keep=KEEP)
    store.calls.add(call("new"), keep=KEEP)
    assert store.calls.get("old") is None
    assert store.calls.get("never ended") is None
    assert store.calls.get("kept") is not None
    assert [r.id for r in store.calls.unfinished(NOW - 2 * KEEP)] == ["talking", "new"]


def test_another_process_sees_what_one_wrote(store: Store) -> None:
    other = Store(store.url)
    store.calls.add(call(), keep=KEEP)
    assert other.calls.get("pbxapi-1") == call()
    other.close()


def test_a_store_with_no_tables_is_not_ready_and_says_so(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/empty.db")
    assert not store.ready()
    assert not is_current(store)
    with pytest.raises(Unavailable) as caught:
        store.calls.get("x")
    assert caught.value.part == "store"
    assert str(tmp_path) not in str(caught.value)
    store.close()


def test_migrations_make_the_tables_of_this_version_and_take_them_away(store: Store) -> None:
    assert is_current(store)
    found = inspect(store.engine)
    for table in metadata.tables.values():
        columns = {c["name"]: (str(c["type"]), c["nullable"]) for c in found.get_columns(table.name)}
        dialect = store.engine.dialect
        assert columns == {c.name: (str(c.type.compile(dialect)), c.nullable) for c in table.columns}
        assert {i["name"] for i in found.get_indexes(table.name)} == {i.name for i in table.indexes}
    migrate(store, "base")
    assert inspect(store.engine).get_table_names() == ["alembic_version"]


def test_the_password_of_the_url_is_not_shown() -> None:
    assert "hunter2" not in repr(Store("mysql+pymysql://pbxapi:hunter2@127.0.0.1/pbxapi"))


def test_a_url_that_is_none_is_refused_without_showing_it() -> None:
    with pytest.raises(ValueError, match="STORE_URL") as caught:
        Store("hunter2")
    assert "hunter2" not in str(caught.value)
