"""`/system/apply`, over an applier with a command of the tests' own."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from pbxapi.app import build_pbx, create_app
from pbxapi.http import auth
from pbxapi.http.auth import Principal
from pbxapi.settings import Settings
from pbxapi.store import Store
from pbxapi.store.migrate import migrate
from tests.pbx.apply_desk import Desk

KEY = "a-key-for-tests-of-32-characters"


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    migrate(store)
    made = Desk(tmp_path, store)
    yield made
    made.close()


@pytest.fixture
def client(desk: Desk) -> FlaskClient:
    return serve(desk)


def serve(desk: Desk, *, applies: bool = True) -> FlaskClient:
    settings = Settings.from_environ({"API_SECRET_KEY": KEY, "STORE_URL": desk.store.url, "ACCESS_LOG": "false"})
    pbx = dataclasses.replace(build_pbx(settings, desk.store), applying=desk.applier if applies else None)
    made = create_app(settings, pbx, desk.store).test_client()
    made.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
    return made


def test_what_waits_and_how_the_last_run_ended_is_told(client: FlaskClient, desk: Desk) -> None:
    nothing = {"pending": False, "running": False, "since": None, "last": None, "method": "reload"}
    assert client.get("/system/apply").get_json() == nothing
    desk.write("200")
    since = desk.store.changes.open()[0].at.isoformat()
    assert client.get("/system/apply").get_json() == nothing | {"pending": True, "since": since}
    answer = client.post("/system/apply")
    assert answer.status_code == 200
    last = answer.get_json()
    assert (last["applied"], last["reason"]) == (True, None)
    assert isinstance(last["duration_ms"], int)
    assert client.get("/system/apply").get_json() == nothing | {"last": last}


def test_applying_when_nothing_waits_applies_all_the_same(client: FlaskClient, desk: Desk) -> None:
    assert client.post("/system/apply").get_json()["applied"]
    assert desk.runs() == [[]]


def test_one_that_fails_is_a_problem_and_what_waits_waits_still(client: FlaskClient, desk: Desk) -> None:
    desk.write("200")
    desk.command.reason = "fwconsole says that it failed"
    answer = client.post("/system/apply")
    problem = answer.get_json()
    assert (answer.status_code, problem["type"]) == (502, "/problems/apply-failed")
    assert problem["detail"] == "The configuration was not applied: fwconsole says that it failed"
    status = client.get("/system/apply").get_json()
    assert status["pending"]
    assert (status["last"]["applied"], status["last"]["reason"]) == (False, "fwconsole says that it failed")


def test_where_the_command_is_missing_it_is_not_supported(client: FlaskClient, desk: Desk) -> None:
    desk.command.missing = "fwconsole is not there"
    answer = client.post("/system/apply")
    assert (answer.status_code, answer.get_json()["type"]) == (501, "/problems/not-supported")
    assert "fwconsole is not there" in answer.get_json()["detail"]


def test_an_exchange_that_has_nothing_to_apply_says_so(desk: Desk) -> None:
    client = serve(desk, applies=False)
    for answer in (client.get("/system/apply"), client.post("/system/apply")):
        assert (answer.status_code, answer.get_json()["type"]) == (501, "/problems/not-supported")


def test_a_store_that_is_away_is_unavailable(client: FlaskClient, desk: Desk) -> None:
    desk.break_store()
    answer = client.post("/system/apply")
    assert (answer.status_code, answer.get_json()["type"]) == (503, "/problems/store-unavailable")
    assert answer.headers["Retry-After"]


def test_reading_needs_read_and_applying_needs_system(
    client: FlaskClient, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auth, "OWNER", Principal("x", frozenset({"read", "provision"})))
    assert client.get("/system/apply").status_code == 200
    assert client.post("/system/apply").status_code == 403
    monkeypatch.setattr(auth, "OWNER", Principal("x", frozenset({"system"})))
    assert client.get("/system/apply").status_code == 403
    assert desk.runs() == []
    assert client.post("/system/apply").status_code == 200


def test_who_applied_stands_in_the_audit_log(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "pbxapi.audit"):
        client.post("/system/apply")
    assert caplog.messages == ["API_SECRET_KEY from 127.0.0.1: configuration.apply configuration: done"]
