"""The store on MariaDB and PostgreSQL: its migrations up and down, and what two who come at once get."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import inspect

from pbxapi.errors import Unavailable
from pbxapi.pbx.interfaces import CallRecord
from pbxapi.store import Store
from pbxapi.store.idempotency import First
from pbxapi.store.migrate import is_current, migrate
from pbxapi.store.tables import metadata
from tests.real import required
from tests.real.configuration import Database
from tests.real.deadline import eventually
from tests.real.mariadb import MariaDB
from tests.real.postgresql import PostgreSQL
from tests.store.keys_on import check_keys, check_that_one_of_many_makes_it
from tests.store.placed_on import check_that_no_more_are_placed_than_may_be

NOW = datetime(2026, 1, 5, 10, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture(scope="module")
def postgresql() -> Iterator[PostgreSQL]:
    required.program("initdb")
    server = PostgreSQL()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="module", params=["mysql+pymysql", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database."""
    server: MariaDB | PostgreSQL = request.getfixturevalue(request.param.partition("+")[0].replace("mysql", "mariadb"))
    return url_of(request.param, server.create_database("pbxapi_servers"))


def url_of(driver: str, place: Database) -> str:
    return f"{driver}://{place.user}:{place.password}@{place.host}:{place.port}/{place.name}"


@pytest.fixture
def store(url: str) -> Iterator[Store]:
    store = Store(url)
    migrate(store)
    yield store
    migrate(store, "base")
    store.close()


def test_the_tables_come_and_go(url: str) -> None:
    store = Store(url)
    for _ in range(2):
        assert not is_current(store)
        with pytest.raises(Unavailable):
            store.keys.all()
        migrate(store)
        assert is_current(store)
        assert store.ready()
        assert {*metadata.tables, "alembic_version"} == set(inspect(store.engine).get_table_names())
        migrate(store, "base")
        assert not store.ready()
    store.close()


def test_keys_live_there_as_they_do_in_sqlite(store: Store) -> None:
    check_keys(store)


def test_of_many_who_make_a_key_at_once_one_does(store: Store) -> None:
    check_that_one_of_many_makes_it(store)


def test_of_many_calls_at_once_no_more_are_placed_than_may_be(store: Store) -> None:
    check_that_no_more_are_placed_than_may_be(store)


def test_of_many_who_come_with_one_idempotency_key_one_is_first(store: Store) -> None:
    start, answers = threading.Barrier(6), []

    def claim() -> None:
        start.wait(10)
        answers.append(store.idempotency.claim("i" * 64, "f" * 64))

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert answers.count(None) == 1
    others = [answer for answer in answers if isinstance(answer, First)]
    assert [answer.status for answer in others] == [None] * 5


def test_a_call_is_told_as_it_was_written(store: Store) -> None:
    call = CallRecord("pbxapi-1", "100", "101", "from-internal", "José <555>", "ключ", NOW, NOW)
    store.calls.add(call, keep=timedelta(hours=24))
    assert store.calls.get("pbxapi-1") == call
    made = store.secrets.get("x")
    other = Store(store.url)
    assert other.secrets.get("x") == made
    other.close()


def test_a_server_that_is_not_there_is_unavailable(url: str) -> None:
    store = Store(f"{url.rpartition(':')[0]}:1/nothing")
    with pytest.raises(Unavailable):
        store.keys.all()
    store.close()


def test_a_postgresql_that_stops_without_a_word_is_waited_for_in_vain_but_not_for_ever(
    postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pbxapi.store.postgresql.PATIENCE", 0.3)
    store = Store(url_of("postgresql", postgresql.create_database("stopped")))
    migrate(store)
    assert store.keys.all() == []
    try:
        postgresql.signal(signal.SIGSTOP)
        with pytest.raises(Unavailable):
            store.keys.all()
    finally:
        postgresql.signal(signal.SIGCONT)
    assert eventually(store.ready, "the store answers again")
    store.close()
