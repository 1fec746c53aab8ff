"""Rows of the tables that PJSIP reads by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from pbxapi.db.engine import sqlite_engine
from pbxapi.db.schema import SchemaLook
from pbxapi.errors import Invalid, NotSupported
from pbxapi.pbx.dialect import PJSIP, Objects
from pbxapi.pbx.plain_draft import Draft
from pbxapi.pbx.realtime_store import RealtimeStore, in_order
from pbxapi.pbx.row_changes import Rows

TABLES = (
    "CREATE TABLE ps_endpoints (id VARCHAR(40) PRIMARY KEY, aors VARCHAR(40), auth VARCHAR(40), context VARCHAR(40),"
    " disallow VARCHAR(40), allow VARCHAR(40), callerid VARCHAR(20), set_var TEXT, permit VARCHAR(40),"
    " deny VARCHAR(40), language VARCHAR(10))",
    "CREATE TABLE ps_auths (id VARCHAR(40) PRIMARY KEY, auth_type VARCHAR(20), username VARCHAR(40), password TEXT)",
    "CREATE TABLE ps_aors (id VARCHAR(40) PRIMARY KEY, max_contacts INTEGER, qualify_frequency INTEGER)",
)


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    made = sqlite_engine(str(tmp_path / "asterisk.db"), only_read=False)
    yield made
    made.dispose()


def run(engine: Engine, *statements: str) -> list[tuple[object, ...]]:
    with engine.begin() as connection:
        for statement in statements:
            result = connection.exec_driver_sql(statement)
        return [tuple(row) for row in result.all()] if result.returns_rows else []


@pytest.fixture
def store(engine: Engine) -> RealtimeStore:
    run(engine, *TABLES)
    return RealtimeStore(engine, SchemaLook(engine))


def draft(**values: object) -> Objects:
    made = Draft(PJSIP.with_context("from-internal"), "200")
    made.set(values)
    return made.objects()


def put(store: RealtimeStore, engine: Engine, new: Objects | None) -> None:
    plan = store.plan("200", store.read(["200"]).get("200"), new)
    Rows(engine, lambda table: True).write(sorted(plan.rows, key=in_order), [])


def test_options_without_a_column_are_left_out_unless_somebody_asked_for_them(
    store: RealtimeStore, engine: Engine
) -> None:
    put(store, engine, draft(name="Alice", secret="s3cret"))
    assert run(engine, "SELECT aors, auth, context, callerid FROM ps_endpoints") == [
        ("200", "200", "from-internal", '"Alice" <200>')
    ]
    assert run(engine, "SELECT * FROM ps_auths") == [("200", "userpass", "200", "s3cret")]
    for field, value in (("webrtc", True), ("dtmf_mode", "info"), ("call_group", "1")):
        with pytest.raises(Invalid) as caught:
            store.plan("200", None, draft(**{field: value}))
        assert list(caught.value.fields) == [field]


def test_what_a_column_cannot_hold_is_refused_and_not_cut(store: RealtimeStore) -> None:
    with pytest.raises(Invalid) as caught:
        store.plan("200", None, draft(name="Bartholomew the Elder"))
    assert caught.value.fields == {"name": ["Longer than 20 characters."]}


def test_what_asterisk_would_take_for_an_escape_is_escaped(store: RealtimeStore, engine: Engine) -> None:
    objects = draft(name="Alice", caller_id="5551234", secret="a^41b^zz")
    put(store, engine, objects)
    assert run(engine, "SELECT password FROM ps_auths") == [("a^5E41b^zz",)]
    found = store.read(["200"])["200"].objects
    assert found["auth"]["password"] == "a^41b^zz"
    assert found["endpoint"]["set_var"] == "PBXAPI_NAME=Alice"


def test_a_change_touches_the_columns_that_change_and_a_delete_all_rows(store: RealtimeStore, engine: Engine) -> None:
    put(store, engine, draft(name="Alice", secret="s3cret"))
    run(engine, "UPDATE ps_endpoints SET language = 'es'")
    old = store.read(["200"])["200"]
    new = {**old.objects, "aor": {**old.objects["aor"], "max_contacts": "2"}}
    [row] = store.plan("200", old, new).rows
    assert (row.table, row.before, row.after) == ("ps_aors", {"max_contacts": 1}, {"max_contacts": "2"})
    put(store, engine, new)
    assert run(engine, "SELECT language FROM ps_endpoints") == [("es",)]
    put(store, engine, None)
    assert [run(engine, f"SELECT * FROM {name}") for name in ("ps_endpoints", "ps_auths", "ps_aors")] == [[], [], []]


def test_no_plan_shows_a_secret(store: RealtimeStore) -> None:
    assert "s3cret" not in repr(store.plan("200", None, draft(secret="s3cret")))


def test_a_permit_that_the_table_would_have_overruled_is_refused(store: RealtimeStore) -> None:
    with pytest.raises(Invalid) as caught:
        store.plan("200", None, draft(deny="0.0.0.0/0", permit="10.0.0.0/8"))
    assert list(caught.value.fields) == ["permit"]
    store.plan("200", None, draft(permit="10.0.0.0/8"))


def test_tables_that_are_not_there_are_a_reason(engine: Engine) -> None:
    store = RealtimeStore(engine, SchemaLook(engine))
    assert "ps_endpoints.id" in (store.why_not() or "")
    with pytest.raises(NotSupported):
        store.prepare(only_look=True)
