"""The store on MariaDB, for those whose workers are on more than one host."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pbxapi.errors import Unavailable
from pbxapi.pbx.interfaces import CallRecord
from pbxapi.store import Store
from pbxapi.store.migrate import is_current, migrate
from tests.real.mariadb import MariaDB

NOW = datetime(2026, 1, 5, 10, 0, 0, 123456, tzinfo=UTC)


def test_calls_live_in_mariadb_as_they_do_in_sqlite(mariadb: MariaDB) -> None:
    place = mariadb.create_database("pbxapi_store")
    store = Store(f"mysql+pymysql://{place.user}:{place.password}@{place.host}:{place.port}/{place.name}")
    assert not is_current(store)
    with pytest.raises(Unavailable):
        store.calls.get("x")
    migrate(store)
    assert is_current(store)
    assert store.ready()
    call = CallRecord("pbxapi-1", "100", "101", "from-internal", "José <555>", "ключ", NOW, NOW)
    store.calls.add(call, keep=timedelta(hours=24))
    ended = replace(call, status="busy", cause=17, ended_at=NOW + timedelta(microseconds=1))
    store.calls.save(ended)
    store.calls.save(replace(call, status="completed"))
    assert store.calls.get("pbxapi-1") == ended
    migrate(store, "base")
    assert not store.ready()
    store.close()
