"""Extensions and follow-me by the older interface, on a platform that really has them: the demo's FreePBX."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pbxapi.demo.command import demo_app
from pbxapi.demo.exchange import DemoExchange
from pbxapi.pbx.provisioning import Applied, Operation, Write
from tests.legacy.test_recorded import recorded_json

WITH_KEY = {"Authorization": "demo"}
ZOE = {"account": "250", "name": "Zoe", "secret": "s3cret-of-Zoe", "context": "from-internal", "type": "friend"}
FOLLOW_ME = {
    "grpnum": "250", "strategy": "ringallv2", "grptime": "20", "grppre": "", "grplist": "100,101,09001234567#",
    "annmsg_id": "0", "postdest": "", "dring": "", "remotealert_id": "0", "needsconf": "", "toolate_id": "0",
    "pre_ring": "0", "ringing": "Ring",
}  # fmt: skip

Ask = Callable[..., Any]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    with DemoExchange(background_calls=False) as exchange:
        made = demo_app(exchange, tmp_path_factory.mktemp("demo"), days=1)
        yield made
        made.extensions["pbxapi"].pbx.close()
        made.extensions["pbxapi"].store.close()


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    yield app.test_client()
    pbx = app.extensions["pbxapi"].pbx
    for each in pbx.extensions.all():
        if each.extension.startswith("2"):
            pbx.extensions.write([Operation("delete", each.extension)], Write(apply=False, force=True))


@pytest.fixture
def ask(client: FlaskClient) -> Ask:
    def ask(cmd: str, status: int = 200, **form: str) -> Any:
        answer = client.post(f"/api.php?cmd={cmd}", headers=WITH_KEY, data=form)
        assert answer.status_code == status, answer.text
        return answer.get_json()

    return ask


@pytest.fixture
def stored(app: Flask) -> Any:
    return app.extensions["pbxapi"].pbx.extensions.get


def added(ask: Ask, **more: str) -> None:
    assert ask("addextension", **{**ZOE, **more}) == {"status": "INSERT OK", "code": 200}


def test_an_extension_that_is_added_can_be_called(ask: Ask, client: FlaskClient, stored: Any) -> None:
    added(ask)
    assert (stored("250").name, stored("250").secret, stored("250").technology) == ("Zoe", "s3cret-of-Zoe", "pjsip")
    assert any(row["ObjectName"].startswith("250") for row in ask("sippeers"))
    assert ask("sipextensions")["250"]["secret"] == "s3cret-of-Zoe"


@pytest.mark.parametrize("name", list(ZOE))
def test_what_is_required_is_asked_for(ask: Ask, name: str) -> None:
    assert ask("addextension", 400, **{**ZOE, name: ""})["error"] == f"{name} parameter is required"


def test_what_exists_is_not_added_again_and_stays_as_it_is(ask: Ask, stored: Any) -> None:
    added(ask)
    before = stored("250")
    assert ask("addextension", **{**ZOE, "name": "Other"}) == {"status": "ALREADY EXISTS", "code": 200}
    assert stored("250") == before


def test_settings_of_the_device_are_taken_and_those_that_the_exchange_does_not_know_left_out(
    ask: Ask, stored: Any
) -> None:
    added(ask, trustrpid="no", callcounter="yes", faxdetect="no", accountcode="acc", dtmfmode="info", transport="udp")
    found = stored("250")
    assert (found.options["trustrpid"], found.account_code, found.dtmf_mode) == ("no", "acc", "info")
    assert found.transport is None


@pytest.mark.parametrize(
    ("name", "value"),
    [("secret", "1234"), ("secret", "abc;def-9"), ("name", "A;B"), ("context", "default"), ("account", "25a")],
)
def test_what_cannot_be_used_is_a_400_by_its_old_name_and_nothing_is_written(
    ask: Ask, app: Flask, name: str, value: str
) -> None:
    before = app.extensions["pbxapi"].pbx.extensions.all()
    assert name in ask("addextension", 400, **{**ZOE, name: value})["error"]
    assert app.extensions["pbxapi"].pbx.extensions.all() == before


def test_a_number_that_something_else_has_is_no_success(ask: Ask) -> None:
    assert "800" in ask("addextension", 409, **{**ZOE, "account": "800"})["error"]


def test_an_update_changes_what_was_sent_and_nothing_else(ask: Ask, stored: Any) -> None:
    added(ask, accountcode="acc")
    assert ask("updateextension", account="250", name="Zoë") == {"status": "UPDATE OK", "code": 200}
    found = stored("250")
    assert (found.name, found.secret, found.account_code) == ("Zoë", "s3cret-of-Zoe", "acc")


def test_an_update_of_what_is_not_there_is_a_404(ask: Ask) -> None:
    assert ask("updateextension", 404, account="299", name="X") == {"error": "Extension not found", "code": 404}


def test_a_delete_is_ok_also_where_there_was_nothing(ask: Ask, stored: Any) -> None:
    added(ask)
    for _ in range(2):
        assert ask("deleteextension", account="250") == {"status": "DELETE OK", "code": 200}
    assert "250" not in ask("sipextensions")


def test_ok_is_said_only_when_it_is_in_effect(ask: Ask, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    applying = app.extensions["pbxapi"].pbx.applying
    failed = Applied(False, 0.1, "the reload failed", _now())
    monkeypatch.setattr(applying, "settle", lambda change: failed)
    assert "written, and not in effect: the reload failed" in ask("addextension", 503, **ZOE)["error"]


def _now() -> Any:
    from datetime import UTC, datetime

    return datetime.now(UTC)


def test_follow_me_is_as_recorded(ask: Ask) -> None:
    added(ask)
    assert ask("addfollowmeextension", **FOLLOW_ME) == recorded_json("48-fm_add")
    assert ask("addfollowmeextension", **{**FOLLOW_ME, "grptime": "5"}) == {"status": "ALREADY EXISTS", "code": 200}
    [row] = ask("getfollowmeextension", grpnum="250")
    [expected] = recorded_json("50-fm_get")
    differs = {name: (row[name], value) for name, value in expected.items() if row[name] != value}
    assert differs == {
        "grpnum": ("250", "200"),
        "grplist": ("100,101,09001234567#", "201,202,09001234567#"),
        "postdest": ("ext-local,250,dest", ""),
    }
    assert all(isinstance(value, str) for value in row.values())
    assert ask("getfollowmeextension", grpnum="1") == recorded_json("52-fm_get_none")


def test_of_a_parameter_that_comes_twice_the_last_counts(ask: Ask, client: FlaskClient) -> None:
    added(ask)
    ask("addfollowmeextension", **FOLLOW_ME)
    body = "grpnum=250&grptime=20&grptime=30"
    answer = client.post(
        "/api.php?cmd=updatefollowmeextension", data=body, headers=WITH_KEY,
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert answer.get_json() == recorded_json("53-fm_upd")
    assert ask("getfollowmeextension", grpnum="250")[0]["grptime"] == "30"


def test_an_update_of_follow_me_changes_that_row_alone(ask: Ask) -> None:
    added(ask)
    ask("addfollowmeextension", **FOLLOW_ME)
    before = {row["grpnum"]: row for row in ask("getallfollowmeextensions")}
    ask("updatefollowmeextension", grpnum="250", grplist="102")
    after = {row["grpnum"]: row for row in ask("getallfollowmeextensions")}
    assert len(before) > 1
    assert after == {**before, "250": {**before["250"], "grplist": "102"}}


@pytest.mark.parametrize("given", ["100,101", "100-101", "100 101", "100\r\n101", "100, 101"])
def test_a_list_may_have_any_of_the_usual_marks_between_numbers(ask: Ask, given: str) -> None:
    added(ask)
    ask("addfollowmeextension", grpnum="250", grplist=given)
    assert ask("getfollowmeextension", grpnum="250")[0]["grplist"] == "100,101"


def test_follow_me_of_what_is_no_extension_is_no_success(ask: Ask) -> None:
    assert ask("addfollowmeextension", 404, grpnum="299", grplist="100")["code"] == 404


def test_follow_me_is_deleted_also_where_there_is_none(ask: Ask) -> None:
    added(ask)
    ask("addfollowmeextension", **FOLLOW_ME)
    for _ in range(2):
        assert ask("deletefollowmeextension", grpnum="250") == recorded_json("55-fm_del")
    assert ask("getfollowmeextension", grpnum="250") == []


def test_a_line_end_elsewhere_is_a_400(ask: Ask) -> None:
    assert "line end" in ask("addextension", 400, **{**ZOE, "name": "A\r\nB"})["error"]


def test_an_exchange_that_cannot_provision_says_so(tmp_path: Path) -> None:
    from tests.things import KEY, app_with_things

    answer = (
        app_with_things()
        .test_client()
        .post("/api.php?cmd=addextension", data=ZOE, headers={"Authorization": KEY.encode().decode("latin-1")})
    )
    assert answer.status_code == 501
