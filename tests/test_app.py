from __future__ import annotations

import json
import logging
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pbxapi import logs
from pbxapi.app import create_app
from pbxapi.settings import Log, Settings, SettingsError
from tests.things import KEY, WITH_KEY, app_with_things


@pytest.fixture(autouse=True)
def _log_where_it_was() -> Iterator[None]:
    yield
    logs.configure(Log(access=False))


def written(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# Making it


def test_making_an_application_connects_to_nothing_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        port = str(listener.getsockname()[1])
        environ = {"API_SECRET_KEY": KEY, "AMI_PORT": port, "ARI_PORT": port, "ARI_ENABLED": "true", "DB_PORT": port}
        app = create_app(Settings.from_environ(environ))
        assert app.test_client().get("/health/live").status_code == 200
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert list(tmp_path.iterdir()) == []


def test_importing_it_does_nothing() -> None:
    code = (
        "import pbxapi.app, threading, logging; print(threading.active_count(), logging.getLogger('pbxapi').handlers)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert run.stdout.split() == ["1", "[]"]


def test_a_log_that_cannot_be_written_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="LOG_PATH"):
        app_with_things(LOG_PATH=str(tmp_path / "no" / "such" / "folder.log"))


# Request ids


def test_a_request_id_is_taken_where_it_can_be_used_and_made_elsewhere() -> None:
    client = app_with_things().test_client()
    for usable in ("a", "A-b_c.9", "x" * 64):
        assert client.get("/health/live", headers={"X-Request-ID": usable}).headers["X-Request-ID"] == usable
    for unusable in ("", "x" * 65, "a b", 'a"b', "ä", "a\tb"):
        made = client.get("/health/live", headers={"X-Request-ID": unusable}).headers["X-Request-ID"]
        assert re.fullmatch(r"[0-9a-f]{16}", made)


def test_a_request_id_is_known_to_what_runs_under_the_request() -> None:
    response = app_with_things().test_client().get("/whoami", headers={**WITH_KEY, "X-Request-ID": "mine"})
    assert response.json == {"name": "API_SECRET_KEY", "request_id": "mine"}


def test_there_is_no_request_id_outside_of_requests() -> None:
    code = "from pbxapi import request_id; print(repr(request_id.current()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "''\n"


def test_every_answer_carries_a_request_id_once() -> None:
    client = app_with_things(lambda: 1 / 0).test_client()
    for path, status in (("/health/live", 200), ("/whoami", 401), ("/nothing", 404), ("/raise", 500), ("/docs/", 308)):
        response = client.get(path)
        assert response.status_code == status
        assert len(response.headers.getlist("X-Request-ID")) == 1


# The log


def test_one_line_a_request_says_who_asked_what_and_how_it_went(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    client = app_with_things(LOG_PATH=str(path), ACCESS_LOG="true").test_client()
    client.get("/things/ä?x=1", headers={**WITH_KEY, "X-Request-ID": "id-1"}, environ_base={"REMOTE_ADDR": "192.0.2.7"})
    client.get("/whoami")
    first, second = [line for line in written(path) if "ms" in line]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", first.pop("time"))
    assert 0 <= first.pop("ms") < 60_000
    assert first == {
        "request_id": "id-1",
        "method": "GET",
        "path": "/things/ä",
        "status": 422,
        "key": "API_SECRET_KEY",
        "remote": "192.0.2.7",
        "query": "x=1",
    }
    assert (second["status"], second["key"]) == (401, None)
    assert "no header" in second["refused"]


def test_no_secret_reaches_the_log(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    client = app_with_things(LOG_PATH=str(path), ACCESS_LOG="true").test_client()
    for query in (
        "key=hunter2",
        "a=1&X-API-Key=hunter2",
        "%61pi_%6bey=hunter2",
        "PASSWORD=hunter2",
        "access_token=hunter2",
    ):
        client.get(f"/whoami?{query}", headers={"Authorization": "Bearer hunter2"})
    client.get("/whoami", headers=WITH_KEY)
    assert "hunter2" not in path.read_text()
    assert KEY not in path.read_text()
    assert "a=1&X-API-Key=***" in path.read_text()


def test_what_comes_from_outside_cannot_break_a_line(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    client = app_with_things(LOG_PATH=str(path), ACCESS_LOG="true").test_client()
    client.get('/a%0A{"status":200}%22%5C%00%1b', environ_overrides={"QUERY_STRING": 'a="\\\n', "REQUEST_METHOD": 'G"'})
    (line,) = written(path)
    assert line["path"] == '/a\n{"status":200}"\\\0\x1b'
    assert line["query"] == 'a="\\\n'


def test_the_log_level_is_not_the_access_logs(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    client = app_with_things(LOG_PATH=str(path), ACCESS_LOG="true", LOG_LEVEL="critical").test_client()
    client.get("/health/live")
    logging.getLogger("pbxapi.ami").error("not wanted")
    assert [line["path"] for line in written(path)] == ["/health/live"]


def test_the_access_log_can_be_switched_off(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    app_with_things(LOG_PATH=str(path), ACCESS_LOG="false").test_client().get("/health/live")
    assert written(path) == []


def test_an_unexpected_error_is_in_the_log_under_the_request_id(tmp_path: Path) -> None:
    path = tmp_path / "error.log"
    client = app_with_things(lambda: 1 / 0, LOG_PATH=str(path)).test_client()
    client.get("/raise", headers={"X-Request-ID": "id-1"})
    (entry,) = written(path)
    assert (entry["request_id"], entry["level"], entry["message"]) == ("id-1", "error", "GET /raise failed")
    assert "ZeroDivisionError" in entry["traceback"]


def test_a_folder_takes_a_file_of_our_name(tmp_path: Path) -> None:
    app_with_things(LOG_PATH=str(tmp_path), ACCESS_LOG="true").test_client().get("/health/live")
    assert len(written(tmp_path / "pbxapi.log")) == 1


def test_the_log_goes_on_in_a_new_file_when_the_old_one_is_rotated(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    client = app_with_things(LOG_PATH=str(path), ACCESS_LOG="true").test_client()
    client.get("/health/live")
    path.rename(tmp_path / "access.log.1")
    client.get("/health/ready2")
    assert [line["path"] for line in written(path)] == ["/health/ready2"]


def test_a_second_application_does_not_log_twice(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    for _ in range(2):
        client = app_with_things(LOG_PATH=str(path), ACCESS_LOG="true").test_client()
    client.get("/health/live")
    assert len(written(path)) == 1


# Proxies


FORWARDED = {
    "X-Forwarded-For": "203.0.113.9",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "pbx.example.com",
    "X-Forwarded-Prefix": "/pbx",
}


@pytest.mark.parametrize(
    ("trusted", "peer", "believed"),
    [
        ("", "127.0.0.1", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "::ffff:127.0.0.1", True),
        ("10.0.0.0/8", "10.255.0.1", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.0/8", "not an address", False),
        ("10.0.0.0/8", "", False),
        ("2001:db8::/32,unix", "2001:db8::1", True),
        ("unix", "", True),
        ("unix", "127.0.0.1", False),
    ],
)
def test_forwarded_headers_are_believed_from_trusted_proxies_alone(
    tmp_path: Path, trusted: str, peer: str, believed: bool
) -> None:
    path = tmp_path / "access.log"
    app = app_with_things(TRUSTED_PROXIES=trusted, LOG_PATH=str(path), ACCESS_LOG="true")
    response = app.test_client().get("/openapi.json", headers=FORWARDED, environ_base={"REMOTE_ADDR": peer})
    assert response.json is not None
    assert response.json["servers"] == [{"url": "/pbx" if believed else "/"}]
    assert written(path)[0]["remote"] == ("203.0.113.9" if believed else peer)


# Other origins


def preflight(app: Any, path: str, origin: str) -> Any:
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization, if-match, x-other",
    }
    return app.test_client().options(path, headers=headers)


def cors_headers(response: Any) -> dict[str, str]:
    return {name: value for name, value in response.headers.items() if name.startswith("Access-Control-")}


def test_other_origins_may_nothing_unless_they_are_named() -> None:
    app = app_with_things()
    assert cors_headers(preflight(app, "/things/x", "https://crm.example.com")) == {}
    assert cors_headers(app.test_client().get("/things", headers={"Origin": "https://crm.example.com"})) == {}


def test_a_named_origin_may_call_and_its_preflight_needs_no_key() -> None:
    app = app_with_things(REST_CORS_ORIGINS="https://crm.example.com,http://[::1]:3000")
    for origin in ("https://crm.example.com", "http://[::1]:3000"):
        asked = preflight(app, "/things/x", origin)
        assert asked.status_code == 200
        assert asked.headers["Access-Control-Allow-Origin"] == origin
        assert asked.headers["Access-Control-Allow-Headers"] == "authorization, if-match"
        assert "PUT" in asked.headers["Access-Control-Allow-Methods"]
        for path in ("/things", "/nothing", "/raise"):
            answer = app.test_client().get(path, headers={**WITH_KEY, "Origin": origin})
            assert answer.headers["Access-Control-Allow-Origin"] == origin
            assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
            assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.com",
        "https://crm.example.com.evil.org",
        "http://crm.example.com",
        "https://crmXexample.com",
        "null",
    ],
)
def test_an_origin_that_is_not_named_exactly_may_nothing(origin: str) -> None:
    app = app_with_things(REST_CORS_ORIGINS="https://crm.example.com")
    assert cors_headers(preflight(app, "/things/x", origin)) == {}


def test_who_is_no_browser_is_told_nothing_of_origins() -> None:
    for origins in ("https://crm.example.com", "*"):
        app = app_with_things(REST_CORS_ORIGINS=origins)
        assert cors_headers(app.test_client().get("/things", headers=WITH_KEY)) == {}


def test_all_origins_may_call_but_never_with_credentials() -> None:
    app = app_with_things(REST_CORS_ORIGINS="*")
    answer = app.test_client().get("/things", headers={**WITH_KEY, "Origin": "https://any.example.com"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer.headers


def test_the_older_interface_has_its_own_word_on_origins() -> None:
    client = app_with_things(
        REST_CORS_ORIGINS="https://crm.example.com", CORS_ALLOWED_ORIGINS="https://a.example,https://b.example"
    )
    for path in ("/?cmd=sippeers", "/api.php?cmd=sippeers", "/api/api.php?cmd=sippeers"):
        response = client.test_client().get(path, headers={"Origin": "https://crm.example.com"})
        assert cors_headers(response) == {}
