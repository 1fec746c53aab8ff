"""What every command shares: where it is, who may, how parameters come, and how answers and refusals look."""

from __future__ import annotations

import io
import logging
from collections.abc import Mapping
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pbxapi.http.auth import Principal
from pbxapi.legacy.blueprint import USAGE
from pbxapi.legacy.commands import COMMANDS
from tests.legacy.conftest import KEY, NO_CONTACTS, PHONES, WITH_KEY, Start
from tests.legacy.scripted import ScriptedManager

ORIGINATED = "Response: Success\nMessage: Originate successfully queued"


def failed(answer: TestResponse, status: int) -> str:
    """The error of an answer that has this status, in HTTP and in the body alike."""
    document = answer.get_json()
    assert (answer.status_code, answer.mimetype, document["code"]) == (status, "application/json", status), answer.text
    assert list(document) == ["error", "code"]
    error: str = document["error"]
    return error


# -- where it is -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api.php", "/api/api.php", "/"])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_path_answers_every_method(client: FlaskClient, path: str, method: str) -> None:
    answer = client.open(f"{path}?cmd=auth", method=method, headers=WITH_KEY)

    assert (answer.status_code, list(answer.get_json())) == (200, ["lordword"])


@pytest.mark.parametrize("mode", ["strict", "classic"])
@pytest.mark.parametrize("path", ["/", "/peers.php?cmd=auth", "/api?cmd=auth"])
def test_other_paths_and_the_bare_root_are_not_taken(start: Start, mode: str, path: str) -> None:
    answer = start(LEGACY_MODE=mode).get(path, headers=WITH_KEY)

    assert "Deprecation" not in answer.headers
    assert answer.mimetype != "text/html"


def test_classic_answers_at_the_root_too(start: Start) -> None:
    answer = start(LEGACY_MODE="classic").get("/?cmd=nope", headers=WITH_KEY)

    assert (answer.status_code, answer.text) == (200, "cmd not matched")


# -- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": KEY},
        {"Authorization": f"Bearer {KEY}"},
        {"Authorization": f"bearer  {KEY}"},
        {"authorization": KEY},
        {"X-API-Key": KEY},
    ],
)
@pytest.mark.parametrize("mode", ["strict", "classic"])
def test_the_key_may_come_bare_or_as_bearer(start: Start, mode: str, headers: dict[str, str]) -> None:
    answer = start(LEGACY_MODE=mode).get("/api.php?cmd=auth", headers=headers)

    assert list(answer.get_json()) == ["lordword"]


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "there is no header Authorization"),
        ({"Authorization": "Bearer"}, "brings no key"),
        ({"Authorization": "x"}, "not known"),
        ({"Authorization": f"Bearer {KEY}x"}, "not known"),
        ({"Authorization": f"Basic {KEY}"}, "scheme must be Bearer"),
    ],
)
def test_a_refused_key_is_told_why_and_the_log_too(
    start: Start, caplog: pytest.LogCaptureFixture, headers: dict[str, str], reason: str
) -> None:
    answer = start(LOG_LEVEL="error").get("/api.php?cmd=auth", headers=headers)

    assert failed(answer, 401) == "Unauthorized"
    assert reason in answer.headers["WWW-Authenticate"]
    assert reason in caplog.text


@pytest.mark.parametrize("name", ["Authorization", "key", "api_key"])
def test_a_key_in_the_url_or_body_is_no_key(client: FlaskClient, name: str) -> None:
    assert failed(client.get("/api.php", query_string={"cmd": "auth", name: KEY}), 401)
    assert failed(client.post("/api.php?cmd=auth", data={name: KEY}), 401)


def test_without_a_key_nothing_is_told_of_commands(client: FlaskClient, manager: ScriptedManager) -> None:
    for query in ("", "?cmd=", "?cmd=nope", "?cmd=sippeers"):
        assert failed(client.get(f"/api.php{query}"), 401) == "Unauthorized"
    assert manager.received == []


def test_a_key_of_few_scopes_may_do_only_what_they_cover(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pbxapi.http.auth.OWNER", Principal("wallboard", frozenset({"read"})))
    client = start()

    for cmd in ("auth", "sipextensions", "originatecall"):
        answer = client.get(f"/api.php?cmd={cmd}", headers=WITH_KEY)
        assert COMMANDS[cmd].scope in failed(answer, 403)
        assert "insufficient_scope" in answer.headers["WWW-Authenticate"]
    assert client.get("/api.php?cmd=sippeers", headers=WITH_KEY).status_code == 200


# -- how parameters come ---------------------------------------------------------------------------------------------


@pytest.fixture
def caller(start: Start, manager: ScriptedManager) -> FlaskClient:
    """A client whose calls get through: PJSIP/100 is a device."""
    manager.answers |= {"PJSIPShowEndpoints": PHONES, "PJSIPShowContacts": NO_CONTACTS, "Originate": ORIGINATED}
    return start()


CALL = {"channel": "PJSIP/100", "extension": "200"}
MULTIPART = "multipart/form-data"


@pytest.mark.parametrize(
    "options",
    [
        {"data": CALL},
        {"data": CALL, "content_type": MULTIPART},
        {"json": CALL},
        {"json": {"channel": "PJSIP/100", "extension": 200, "callerid": None}},
        {"query_string": {"cmd": "originatecall", **CALL}},
        {
            "query_string": {"cmd": "originatecall", "extension": "200"},
            "data": {"channel": "PJSIP/100", "extension": ""},
        },
        {"query_string": {"cmd": "originatecall", "extension": "999"}, "data": CALL},
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_parameters_come_in_the_body_and_else_in_the_query(
    caller: FlaskClient, manager: ScriptedManager, method: str, options: dict[str, Any]
) -> None:
    options = {"query_string": {"cmd": "originatecall"}} | options

    answer = caller.open("/api.php", method=method, headers=WITH_KEY, **options)

    assert answer.status_code == 200, answer.text
    assert [(sent["Channel"], sent["Exten"]) for sent in manager.actions("Originate")] == [("PJSIP/100", "200")]


@pytest.mark.parametrize("end", ["\r", "\n", "\0", "\r\nApplication: System\r\nData: true"])
@pytest.mark.parametrize("where", ["data", "json", "query_string", "multipart"])
@pytest.mark.parametrize("name", ["callerid", "channel", "nobody-reads-this"])
def test_a_line_end_in_any_parameter_is_refused_before_anything_is_sent(
    caller: FlaskClient, manager: ScriptedManager, end: str, where: str, name: str
) -> None:
    sent = CALL | {name: f"a{end}b"}
    options: dict[str, Any] = {"data": sent, "content_type": MULTIPART} if where == "multipart" else {where: sent}
    options["query_string"] = {"cmd": "originatecall", **options.get("query_string", {})}

    assert name in failed(caller.post("/api.php", headers=WITH_KEY, **options), 400)
    assert manager.received == []


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"{", "not JSON"),
        (b"[]", "must be an object"),
        (b'"text"', "must be an object"),
        (b'{"channel": ["PJSIP/100"]}', "channel must be a string"),
        (b'{"channel": "\\ud800"}', "not JSON"),
        (b'{"channel": "\xff"}', "not JSON"),
        (b'{"timeout": NaN}', "not JSON"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_a_json_body_that_is_no_object_of_texts_is_refused(caller: FlaskClient, body: bytes, words: str) -> None:
    answer = caller.post("/api.php?cmd=originatecall", data=body, content_type="application/json", headers=WITH_KEY)

    assert words in failed(answer, 400)


def test_an_empty_json_body_is_none(client: FlaskClient) -> None:
    answer = client.post("/api.php?cmd=auth", data=b"", content_type="application/json", headers=WITH_KEY)

    assert answer.status_code == 200


def test_a_file_in_a_form_is_not_looked_at(client: FlaskClient) -> None:
    answer = client.post("/api.php?cmd=auth", data={"name": (io.BytesIO(b"a\r\nb"), "x")}, headers=WITH_KEY)

    assert answer.status_code == 200


# -- how refusals look -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "?cmd=", "?CMD=auth"])
def test_no_command_is_a_bad_request(client: FlaskClient, query: str) -> None:
    assert failed(client.get(f"/api.php{query}", headers=WITH_KEY), 400) == "cmd parameter is required"


def test_an_unknown_command_is_not_found(client: FlaskClient) -> None:
    assert failed(client.get("/api.php?cmd=nope", headers=WITH_KEY), 404) == "Unknown command: nope"
    assert failed(client.get("/api.php?cmd=Auth", headers=WITH_KEY), 404) == "Unknown command: Auth"


def test_an_exchange_that_is_down_is_unavailable(client: FlaskClient, manager: ScriptedManager) -> None:
    manager.stop()

    words = failed(client.get("/api.php?cmd=sippeers", headers=WITH_KEY), 503)

    assert "AMI" in words
    assert "127.0.0.1" not in words


def test_a_login_that_is_refused_is_unavailable(client: FlaskClient, manager: ScriptedManager) -> None:
    manager.answers["Login"] = "Response: Error\nMessage: Authentication failed"

    assert "login" in failed(client.get("/api.php?cmd=parkedcalls", headers=WITH_KEY), 503)


def test_an_exchange_that_does_not_answer_is_unavailable(start: Start, manager: ScriptedManager) -> None:
    manager.answers["ParkedCalls"] = ""

    words = failed(start(AMI_TIMEOUT="0.2").get("/api.php?cmd=parkedcalls", headers=WITH_KEY), 503)

    assert "did not answer in time" in words


def test_what_nobody_meant_is_told_to_the_log_alone(
    start: Start, manager: ScriptedManager, caplog: pytest.LogCaptureFixture
) -> None:
    manager.answers["Status"] = (
        "Response: Success\nEventList: start\n\nEvent: Status\nSeconds: 1\n\nEvent: StatusComplete\nEventList: Complete"
    )

    answer = start(LOG_LEVEL="error").get("/api.php?cmd=activecall", headers=WITH_KEY)

    assert failed(answer, 500) == "Internal server error"
    assert "KeyError" in caplog.text


def test_a_body_that_is_too_large_is_refused(client: FlaskClient) -> None:
    answer = client.post("/api.php?cmd=originatecall", data={"callerid": "x" * 5_000_000}, headers=WITH_KEY)

    failed(answer, 413)


@pytest.mark.parametrize(
    ("query", "code"),
    [("?cmd=originatecall", 400), ("?cmd=arichannels", 503), ("?cmd=auth&x=%0A", 400)],
)
def test_classic_knows_no_status_but_200(start: Start, query: str, code: int) -> None:
    answer = start(LEGACY_MODE="classic").get(f"/api.php{query}", headers=WITH_KEY)

    assert (answer.status_code, answer.get_json()["code"]) == (200, code)


# -- what stands on every answer -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "headers", "successor"),
    [
        ("?cmd=auth", WITH_KEY, "/keys"),
        ("?cmd=sippeers", WITH_KEY, "/peers"),
        ("?cmd=sipextensions", WITH_KEY, "/extensions"),
        ("?cmd=activecall", WITH_KEY, "/channels"),
        ("?cmd=channelstatus", WITH_KEY, "/channels"),
        ("?cmd=parkedcalls", WITH_KEY, "/parking"),
        ("?cmd=originatecall", WITH_KEY, "/calls"),
        ("?cmd=arichannels", WITH_KEY, "/ari/channels"),
        ("?cmd=getwavfile", WITH_KEY, "/recordings"),
        ("?cmd=sippeers", {}, "/peers"),
        ("?cmd=nope", WITH_KEY, "/docs"),
        ("", {}, "/docs"),
    ],
)
@pytest.mark.parametrize("mode", ["strict", "classic"])
def test_every_answer_says_that_it_is_deprecated_and_what_is_next(
    start: Start, mode: str, query: str, headers: Mapping[str, str], successor: str
) -> None:
    answer = start(LEGACY_MODE=mode).get(f"/api.php{query}", headers=headers)

    assert answer.headers["Deprecation"] == "true"
    assert answer.headers["Link"] == f'<{successor}>; rel="successor-version"'
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_successor_is_where_a_proxy_mounts_it(start: Start) -> None:
    client = start(TRUSTED_PROXIES="127.0.0.1")

    answer = client.get("/api.php?cmd=auth", headers=WITH_KEY | {"X-Forwarded-Prefix": "/pbx <1>"})

    assert answer.headers["Link"] == '</pbx%20%3C1%3E/keys>; rel="successor-version"'


@pytest.mark.parametrize(
    ("configured", "origin", "expected"),
    [
        (None, "https://crm.example.com", "*"),
        (None, None, "*"),
        ("https://crm.example.com", "https://other.example.com", "https://crm.example.com"),
        ("https://a.example.com, https://b.example.com", "https://b.example.com", "https://b.example.com"),
        ("https://a.example.com, https://b.example.com", "https://c.example.com", None),
        ("https://a.example.com, https://b.example.com", None, None),
    ],
)
def test_origins_are_allowed_as_configured(
    start: Start, configured: str | None, origin: str | None, expected: str | None
) -> None:
    client = start(**({"CORS_ALLOWED_ORIGINS": configured} if configured else {}))

    for key in (WITH_KEY, {}):
        answer = client.get("/api.php?cmd=auth", headers=key | ({"Origin": origin} if origin else {}))
        assert answer.headers.getlist("Access-Control-Allow-Origin") == ([expected] if expected else [])


@pytest.mark.parametrize("path", ["/api.php", "/?cmd=sippeers"])
def test_a_browser_may_ask_beforehand_and_needs_no_key_for_it(
    client: FlaskClient, manager: ScriptedManager, path: str
) -> None:
    headers = {"Origin": "https://crm.example.com", "Access-Control-Request-Method": "POST"}

    answer = client.options(path, headers=headers)

    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert "Authorization" in answer.headers["Access-Control-Allow-Headers"]
    assert manager.received == []


# -- who still calls what --------------------------------------------------------------------------------------------


def test_uses_are_counted_by_key_and_command(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    client = start(LOG_LEVEL="error")

    for _ in range(11):
        client.get("/api.php?cmd=sipextensions", headers=WITH_KEY)
    for query, headers in (("?cmd=getqueues", WITH_KEY), ("?cmd=nope", WITH_KEY), ("?cmd=auth", {}), ("", WITH_KEY)):
        client.get(f"/api.php{query}", headers=headers)

    counts = client.application.extensions[USAGE].counts()
    assert counts == {("API_SECRET_KEY", "sipextensions"): 11, ("API_SECRET_KEY", "getqueues"): 1}
    logged = [m for m in caplog.messages if "cmd=sipextensions" in m]
    assert [number in m for number, m in zip((": 1;", ": 10;"), logged, strict=True)] == [True, True]
    assert all("/extensions" in message for message in logged)
    assert logging.getLogger("pbxapi").level == logging.ERROR
