"""The audit log on MariaDB."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from pbxapi.http.audit_trail import entry
from pbxapi.store import Store
from pbxapi.store import audit as store_audit
from pbxapi.store.audit import Entry, Wanted, position
from pbxapi.store.migrate import migrate
from tests.real.mariadb import MariaDB

NOW = datetime(2026, 1, 5, 10, 0, 0, 123456, tzinfo=UTC)


def test_the_audit_log_lives_in_mariadb_as_it_does_in_sqlite(mariadb: MariaDB, monkeypatch: pytest.MonkeyPatch) -> None:
    place = mariadb.create_database("pbxapi_audit", charset="latin1")
    store = Store(f"mysql+pymysql://{place.user}:{place.password}@{place.host}:{place.port}/{place.name}")
    migrate(store)
    try:
        known = Entry(
            **{**as_values(entry("key.create", "key crm", key="crm", remote="::1", request_id="r")), "at": NOW}
        )
        hard = entry("x", "y", key="CRM", remote=None, request_id="r2", after={"name": "ключ 📞\x00\ud800"})
        store.audit.add([known, hard, *[known] * 5])
        [newest] = store.audit.page(Wanted(key="CRM"), 10)
        assert newest.after == {"name": "ключ 📞??"}
        assert len(store.audit.page(Wanted(key="crm", action="key."), 10)) == 6
        found = store.audit.page(Wanted(end=datetime.now(UTC)), 4)
        found += store.audit.page(Wanted(end=datetime.now(UTC)), 4, position(found[-1]))
        assert len({each.id for each in found}) == 7
        assert found[-1].at == NOW
        monkeypatch.setattr(store_audit, "CHUNK", 3)
        assert len(list(store.audit.every(Wanted()))) == 7
        assert store.audit.tidy(timedelta(days=1)) == 3
        with store.begin() as connection:
            assert connection.scalar(text("SELECT count(*) FROM audit")) == 4
    finally:
        store.close()


def as_values(of: Entry) -> dict[str, Any]:
    return {name: getattr(of, name) for name in Entry.__slots__}
