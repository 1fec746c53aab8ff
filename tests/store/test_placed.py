from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, func, select

from pbxapi.pbx.interfaces import CallRecord
from pbxapi.store import Store
from pbxapi.store.migrate import migrate
from pbxapi.store.placed import KEPT, TooManyCalls
from pbxapi.store.tables import keys, placed
from tests.store.placed_on import check_that_no_more_are_placed_than_may_be

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(f"sqlite:///{tmp_path}/store.db")
    migrate(made)
    made.keys.create("crm", ["calls"], created_by="tests")
    yield made
    made.close()


def call(store: Store, call_id: str, status: str = "ringing", at: datetime = NOW) -> None:
    record = CallRecord(call_id, "100", "200", "from-internal", None, None, at, at, status)
    store.calls.add(record, keep=timedelta(hours=24))


def test_so_many_a_minute_and_not_one_more(store: Store) -> None:
    for second in (0, 10):
        store.placed.admit("crm", None, 2, NOW + second * SECOND)
    with pytest.raises(TooManyCalls) as caught:
        store.placed.admit("crm", None, 2, NOW + 59 * SECOND)
    assert (caught.value.limit, caught.value.retry_after) == ("calls_a_minute", 1.0)
    store.placed.admit("crm", None, 2, NOW + 60 * SECOND)


def test_so_many_at_once_until_one_ends(store: Store) -> None:
    for name in ("one", "two"):
        number = store.placed.admit("crm", 2, None, NOW)
        call(store, name)
        store.placed.name(number, name)
    later = NOW + timedelta(minutes=30)
    with pytest.raises(TooManyCalls, match="calls_at_once"):
        store.placed.admit("crm", 2, None, later)
    found = store.calls.get("one")
    assert found is not None
    store.calls.save(CallRecord("one", "100", "200", "from-internal", None, None, NOW, later, "completed"))
    store.placed.admit("crm", 2, None, later)


def test_what_was_not_placed_does_not_count(store: Store) -> None:
    store.placed.release(store.placed.admit("crm", 1, 1, NOW))
    store.placed.admit("crm", 1, 1, NOW)


def test_what_nobody_knows_the_end_of_counts_for_a_time(store: Store) -> None:
    store.placed.admit("crm", 1, None, NOW)  # may be on its way: a minute
    with pytest.raises(TooManyCalls):
        store.placed.admit("crm", 1, None, NOW + 59 * SECOND)
    number = store.placed.admit("crm", 1, None, NOW + 61 * SECOND)
    call(store, "lost")
    store.placed.name(number, "lost")
    with pytest.raises(TooManyCalls):
        store.placed.admit("crm", 1, None, NOW + KEPT)
    store.placed.admit("crm", 1, None, NOW + KEPT + 62 * SECOND)


def test_what_the_exchange_has_goes_on_whatever_was_written_of_it(store: Store) -> None:
    call(store, "handed-on", "completed")
    store.placed.name(store.placed.admit("crm", 2, None, NOW), "handed-on")
    store.placed.name(store.placed.admit("crm", 2, None, NOW), "not-followed")
    later = NOW + timedelta(hours=3)
    with pytest.raises(TooManyCalls):
        store.placed.admit("crm", 2, None, later, live={"handed-on", "not-followed", "of-others"})
    store.placed.admit("crm", 2, None, later, live={"not-followed"})


def test_a_call_that_is_sent_elsewhere_is_one_call(store: Store) -> None:
    store.placed.name(store.placed.admit("crm", 1, None, NOW), "one")
    call(store, "one", "answered")
    store.placed.admit("crm", 1, None, NOW + SECOND, call_id="one", live={"one"})
    with pytest.raises(TooManyCalls):
        store.placed.admit("crm", 1, None, NOW + SECOND, call_id="two", live={"one", "two"})


def test_old_rows_are_let_go_of(store: Store) -> None:
    store.placed.admit("crm", None, 9, NOW)
    store.placed.admit("crm", None, 9, NOW + KEPT + SECOND)
    with store.begin() as connection:
        assert connection.execute(select(func.count()).select_from(placed)).scalar_one() == 1


def test_another_key_counts_for_itself(store: Store) -> None:
    store.placed.admit("crm", 1, 1, NOW)
    store.placed.admit("other", 1, 1, NOW)


def test_of_many_processes_and_threads_no_more_than_may(store: Store) -> None:
    with store.begin() as connection:
        connection.execute(delete(keys))
    check_that_no_more_are_placed_than_may_be(store)
