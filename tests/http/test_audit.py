"""The audit log of an application: whatever is done or refused, who, what and how it ended stand there."""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask, Response
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from pbxapi import logs
from pbxapi.app import create_app
from pbxapi.errors import Inconsistent, Refused, Timeout
from pbxapi.http import audit, audit_often, audit_text, audit_trail, auth
from pbxapi.http.audit_actions import ACTS
from pbxapi.http.auth import Principal, require
from pbxapi.settings import Settings, SettingsError
from tests.http.audited import Audited
from tests.http.provisioned import KEY, PIN, SECRET, alice, limited

BEARER = {"Authorization": f"Bearer {KEY}"}
SECRETS = st.text(
    st.sampled_from("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789"), min_size=12, max_size=20
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    found = Audited(tmp_path_factory.mktemp("audited"))
    yield found
    found.close()


@pytest.fixture
def audited(made: Audited) -> Audited:
    """As at first: nothing is written, nobody was refused."""
    logging.getLogger("pbxapi.audit").setLevel(logging.INFO)
    made.forget()
    made.file.write_text("")
    made.extensions.stored = {"200": alice()}
    made.app.extensions[audit.AUDIT] = audit.Auditor(Settings(api_secret_key=KEY).audit)
    return made


def unsafe(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Every operation that may change something: its endpoint, method and path."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - audit.READS):
            if not rule.endpoint.startswith("legacy."):
                path = rule.rule
                for argument in rule.arguments:
                    path = path.replace(f"<path:{argument}>", "200").replace(f"<{argument}>", "200")
                yield rule.endpoint, method, path


# -- what a change leaves --------------------------------------------------------------------------------------------


def test_an_entry_tells_who_what_whereto_and_how_it_ended(audited: Audited) -> None:
    headers = {**BEARER, "X-Request-ID": "mine-1"}
    answer = audited.client.patch("/extensions/200", json={"name": "Al"}, headers=headers)
    assert answer.status_code == 200
    [entry] = audited.entries
    assert (entry.key, entry.remote, entry.request_id) == ("API_SECRET_KEY", "127.0.0.1", "mine-1")
    assert (entry.action, entry.target, entry.outcome) == ("extension.update", "extension 200", "done")
    assert (entry.status, entry.before, entry.after) == (200, {"name": "Alice"}, {"name": "Al"})
    [line] = audited.lines
    assert line.pop("time")
    assert line == {
        "level": "info", "logger": "pbxapi.audit", "request_id": "mine-1", "key": "API_SECRET_KEY",
        "remote": "127.0.0.1", "action": "extension.update", "target": "extension 200", "outcome": "done",
        "status": 200, "detail": "applied; its secrets were shown", "before": {"name": "Alice"},
        "after": {"name": "Al"},
    }  # fmt: skip


def test_only_what_changed_is_shown_of_what_is_inside_too(audited: Audited) -> None:
    body = {"password": "5678", "email": "new@example.com"}
    assert audited.ask("PATCH", "/extensions/200", {"voicemail": body}) == 200
    [entry] = audited.entries
    assert entry.before == {"voicemail": {"password": "***", "email": "alice@example.com"}}
    assert entry.after == {"voicemail": {"password": "***", "email": "new@example.com"}}


def test_what_was_and_what_is_of_features_and_follow_me(audited: Audited) -> None:
    audited.ask("PUT", "/extensions/200/follow-me", {"numbers": ["201"], "enabled": True})
    audited.ask("PATCH", "/extensions/200/follow-me", {"numbers": ["202"]})
    audited.ask("PATCH", "/extensions/200/features", {"do_not_disturb": True})
    first, second, third = audited.entries
    assert (first.action, first.before) == ("follow_me.set", None)
    assert (second.before, second.after) == ({"numbers": ["201"]}, {"numbers": ["202"]})
    assert (third.action, third.before) == ("features.update", {"do_not_disturb": False})
    assert third.after == {"do_not_disturb": True}


def test_a_dry_run_and_what_cannot_be_used_are_no_changes(audited: Audited) -> None:
    assert audited.ask("PATCH", "/extensions/200?dry_run=true", {"name": "Al"}) == 200
    assert audited.ask("PATCH", "/extensions/200?dry_run=1", {"name": "Al"}) == 200
    assert audited.ask("PATCH", "/extensions/200", {"name": 7}) == 422
    assert audited.ask("DELETE", "/extensions/999") == 404
    assert audited.ask("GET", "/extensions/999") == 404
    assert audited.ask("GET", "/queues") == 200
    assert audited.told == []


def test_an_answer_that_is_given_again_says_that_nothing_was_done(audited: Audited) -> None:
    headers = {**BEARER, "Idempotency-Key": "once"}
    for _ in range(2):
        answer = audited.client.post("/extensions", json={"extension": "777", "name": "S"}, headers=headers)
        assert answer.status_code == 201
    first, again = audited.entries
    assert (first.action, first.target) == (again.action, again.target) == ("extension.create", "extension 777")
    assert again.detail == "The answer of before was given again, and nothing was done."


def test_every_operation_that_changes_something_has_a_name(audited: Audited) -> None:
    named = {endpoint for endpoint, _, _ in unsafe(audited.app)}
    assert named - set(ACTS) == set()


def test_every_operation_leaves_an_entry_though_it_says_nothing(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    for endpoint, method, path in list(unsafe(audited.app)):
        view = require("admin")(lambda **_: Response(status=204))
        monkeypatch.setitem(audited.app.view_functions, endpoint, view)
        audited.forget()
        assert audited.ask(method, path) == 204, endpoint
        [entry] = audited.entries
        assert (entry.action, entry.outcome, entry.status) == (ACTS[endpoint].action, "done", 204)


def test_every_operation_that_breaks_leaves_an_entry(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> Response:
        raise Inconsistent("It is half done", ["row users 200 is still there"])

    for endpoint, method, path in list(unsafe(audited.app)):
        monkeypatch.setitem(audited.app.view_functions, endpoint, require("admin")(broken))
        audited.forget()
        assert audited.ask(method, path) == 500, endpoint
        [entry] = audited.entries
        assert (entry.action, entry.outcome, entry.status) == (ACTS[endpoint].action, "failed", 500)
        assert entry.detail == "It is half done; row users 200 is still there"


def test_every_operation_that_is_refused_leaves_an_entry(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "OWNER", Principal("limited", frozenset()))
    for endpoint, method, path in list(unsafe(audited.app)):
        audited.app.extensions[audit.AUDIT] = audit.Auditor(Settings(api_secret_key=KEY).audit)
        audited.forget()
        assert audited.ask(method, path) == 403, endpoint
        assert audited.ask(method, path, key="another-key-than-that-of-tests") == 401, endpoint
        known, stranger = audited.entries
        assert (known.key, known.action, known.outcome, known.status) == (
            "limited", ACTS[endpoint].action, "refused", 403,
        )  # fmt: skip
        assert (stranger.key, stranger.action, stranger.outcome) == (None, ACTS[endpoint].action, "refused")


@pytest.mark.parametrize("error", [Timeout("no answer"), Refused("no"), ValueError("a bug"), OSError("disk")])
def test_a_change_that_may_have_happened_is_recorded_as_failed(
    audited: Audited, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def write(*_: object) -> None:
        raise error

    monkeypatch.setattr(audited.extensions, "write", write)
    status = audited.ask("POST", "/extensions", {"extension": "333", "name": "C"})
    assert audited.told == [("API_SECRET_KEY", "extension.create", "extension 333", "failed", status)]
    assert "a bug" not in str(audited.entries)


def test_a_call_shows_whom_it_was_for_and_from_where_also_when_it_is_refused(audited: Audited) -> None:
    body = {"from": "200", "to": "0088123", "variables": {"PIN": "9876"}}
    assert audited.ask("POST", "/calls", body) == 503  # no manager is there
    [entry] = audited.entries
    assert (entry.action, entry.target, entry.outcome) == ("call.place", "call to 0088123", "failed")
    assert entry.after == {"from": "200", "to": "0088123"}


def test_digits_that_are_played_may_be_a_pin(audited: Audited) -> None:
    assert audited.ask("POST", "/channels/1.1/dtmf", {"digits": "9876"}) == 503
    assert [each.action for each in audited.entries] == ["channel.dtmf"]
    assert "9876" not in audited.file.read_text()


# -- secrets ---------------------------------------------------------------------------------------------------------


def everything(audited: Audited) -> str:
    with audited.store.begin() as connection:
        rows = str(connection.execute(text("SELECT * FROM audit")).all())
    return rows + audited.file.read_text() + audited.log.read_text()


# Not to be shrunk: each example is an application that is asked thirteen times.
@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(secret=SECRETS, pin=st.integers(10**11, 10**12))
def test_no_secret_is_ever_written_down(audited: Audited, secret: str, pin: int) -> None:
    audited.extensions.stored = {"200": alice()}
    audited.app.extensions[audit.AUDIT] = audit.Auditor(Settings(api_secret_key=KEY).audit)
    box = {"password": str(pin)}
    body = {"name": "S", "secret": secret, "voicemail": box}
    unfit = {"extension": "201", "name": "S", "secret": f"\n{secret}"}
    operations = [{"op": "create", "extension": {"extension": "202", **body}}]
    requests: list[tuple[str, str, object]] = [
        ("POST", "/extensions", {"extension": "201", **body}),
        ("POST", "/extensions", unfit),
        ("PUT", "/extensions/200", body),
        ("PATCH", "/extensions/200", {"secret": secret[::-1] + secret, "voicemail": {"password": f"{pin}1"}}),
        ("POST", "/extensions/batch", {"operations": operations}),
        ("GET", "/extensions/200", None),
        ("GET", "/extensions", None),
        ("PATCH", "/queues/400", {"password": str(pin)}),
        ("GET", "/queues/400", None),
        ("DELETE", "/extensions/200", None),
        ("POST", f"/api.php?cmd=addextension&account=299&name=S&secret={secret}&context=x&type=friend", None),
        ("POST", f"/api.php?cmd=updateextension&account=299&secret={secret}", None),
        ("GET", "/api.php?cmd=sipextensions", None),
    ]
    for method, path, sent in requests:
        audited.ask(method, path, sent)
    audited.ask("GET", "/extensions", key=secret)
    audited.ask("GET", f"/extensions?key={secret}", key=None)
    written = everything(audited)
    assert "secret.read" in written
    assert not [each for each in (secret, str(pin), SECRET, f'"{PIN}"', KEY) if each in written]


def test_a_look_at_secrets_costs_an_entry_and_another_look_none(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in ("/extensions/200", "/extensions", "/queues/400"):
        assert audited.ask("GET", path) == 200
    limited(monkeypatch, "read")
    for path in ("/extensions/200", "/extensions", "/queues/400"):
        assert audited.ask("GET", path) == 200
    assert [(each.action, each.target) for each in audited.entries] == [
        ("secret.read", "extension 200"), ("secret.read", "extensions"), ("secret.read", "queue 400"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "hidden"),
    [("secret", True), ("vmpwd", True), ("auth_password", True), ("PIN", True), ("user_pin", True), ("api_key", True),
     ("accessToken", True), ("md5_cred", True), ("digits", True), ("pickup_group", False), ("keys", False),
     ("spinner", False), ("passage", False), ("name", False)],
)  # fmt: skip
def test_secrets_are_known_by_their_names(name: str, hidden: bool) -> None:
    _, after = audit_text.changes(None, {"options": {name: "x"}, name: "x"})
    assert after == ({"options": {name: "***"}, name: "***"} if hidden else {"options": {name: "x"}, name: "x"})


@given(st.text())
def test_nothing_that_is_sent_can_break_a_line_or_fail_to_be_written(sent: str) -> None:
    made = audit_trail.entry(
        sent, sent, key="crm", remote=sent, request_id="r", detail=sent, before={sent: sent}, after={sent: [sent]}
    )
    record = logging.LogRecord(logs.AUDIT, logging.INFO, "", 0, "%s", ("x",), None)
    record.audit_entry = made
    line = logs.JsonLines().format(record)
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert json.loads(line)["target"] == made.target
    assert all(each.isprintable() for each in (made.action, made.target, made.detail or ""))


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.fixture
def minute(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let a minute go by."""
    now = [1000.0]
    monkeypatch.setattr(audit_often, "time", SimpleNamespace(monotonic=lambda: now[0]))

    def passes() -> None:
        now[0] += 61

    return passes


def test_a_flood_of_bad_keys_is_an_entry_a_minute_with_their_number(
    audited: Audited, minute: Callable[[], None]
) -> None:
    for _ in range(15):
        assert audited.ask("GET", "/peers", key="guessed-key-of-somebody") == 401
    [first] = audited.entries
    assert (first.key, first.action, first.target) == (None, "request", "GET /peers")
    assert (first.outcome, first.status, first.detail) == ("refused", 401, "the key is not known here")
    minute()
    assert audited.ask("GET", "/health/live", key=None) == 200  # whatever comes next
    assert [each.detail for each in audited.entries][1:] == ["14 more like it in the same minute"]
    assert not audited.app.extensions[audit.AUDIT].of_strangers.windows


def test_a_flood_from_many_addresses_is_bounded(audited: Audited, minute: Callable[[], None]) -> None:
    auditor = audited.app.extensions[audit.AUDIT]
    auditor.of_strangers = audit_often.Refusals(most=3)
    for number in range(10):
        address = {"REMOTE_ADDR": f"198.51.100.{number}"}
        audited.ask("GET", "/peers", key="guessed-key-of-somebody", environ_base=address)
    assert len(audited.entries) == 4
    minute()
    audited.ask("GET", "/health/live", key=None)
    assert [each.detail for each in audited.entries][4:] == ["6 more of others in the same minute"]


def test_a_network_of_ipv6_counts_as_one_address(audited: Audited) -> None:
    for number in range(5):
        address = {"REMOTE_ADDR": f"2001:db8::{number + 1}"}
        audited.ask("GET", "/peers", key="guessed-key-of-somebody", environ_base=address)
    assert [each.remote for each in audited.entries] == ["2001:db8::1"]


def test_a_flood_of_strangers_hides_no_known_key(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    audited.app.extensions[audit.AUDIT].of_strangers = audit_often.Refusals(most=1)
    for number in range(4):
        address = {"REMOTE_ADDR": f"198.51.100.{number}"}
        audited.ask("GET", "/peers", key="guessed-key-of-somebody", environ_base=address)
    limited(monkeypatch, "read")
    audited.ask("DELETE", "/extensions/200")
    audited.ask("DELETE", "/extensions/200")
    audited.ask("DELETE", "/extensions/201")
    assert audited.told[2:] == [
        ("provisioner", "extension.delete", "extension 200", "refused", 403),
        ("provisioner", "extension.delete", "extension 201", "refused", 403),
    ]


def test_the_body_of_a_stranger_is_not_looked_at(audited: Audited) -> None:
    audited.ask("POST", "/calls", {"from": "200", "to": "0088123"}, key="guessed-key-of-somebody")
    assert [(each.target, each.after) for each in audited.entries] == [("call to ?", None)]


# -- the older interface ---------------------------------------------------------------------------------------------


def test_older_commands_leave_the_same_entries(audited: Audited) -> None:
    base = "/api.php?cmd="
    audited.ask("POST", f"{base}addextension&account=299&name=S&secret=Kq7-wie4zo&context=from-internal&type=friend")
    audited.ask("POST", f"{base}addextension&account=299&name=S&secret=Kq7-wie4zo&context=from-internal&type=friend")
    audited.ask("GET", f"{base}updateextension&account=299&name=T")
    audited.ask("GET", f"{base}addfollowmeextension&grpnum=299&grplist=201")
    audited.ask("GET", f"{base}deletefollowmeextension&grpnum=299")
    audited.ask("GET", f"{base}queueaddmember&queue=400&device=299")
    audited.ask("GET", f"{base}queueremovemember&queue=400&device=299")
    audited.ask("POST", f"{base}deleteextension&account=299")
    audited.ask("POST", f"{base}deleteextension&account=299")
    audited.ask("POST", f"{base}getqueues")
    assert [each.action for each in audited.entries] == [
        "extension.create", "extension.update", "follow_me.set", "follow_me.delete", "member.add", "member.remove",
        "extension.delete",
    ]  # fmt: skip
    updated = audited.entries[1]
    assert (updated.target, updated.before, updated.after) == ("extension 299", {"name": "S"}, {"name": "T"})


def test_older_commands_that_fail_or_are_refused_leave_entries(
    audited: Audited, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audited.extensions, "write", lambda *_: 1 / 0)
    audited.ask("GET", "/api.php?cmd=deleteextension&account=200")
    limited(monkeypatch, "read")
    audited.ask("GET", "/api.php?cmd=deleteextension&account=200")
    audited.ask("GET", "/?cmd=auth")
    audited.ask("GET", "/?cmd=sippeers", key="guessed-key-of-somebody")
    assert audited.told == [
        ("API_SECRET_KEY", "extension.delete", "extension 200", "failed", 500),
        ("provisioner", "extension.delete", "extension 200", "refused", 403),
        ("provisioner", "secret.read", "manager user", "refused", 403),
        (None, "request", "GET /", "refused", 401),
    ]


# -- the store -------------------------------------------------------------------------------------------------------


def test_a_store_that_is_down_costs_the_entry_there_and_nothing_else(
    audited: Audited, caplog: pytest.LogCaptureFixture
) -> None:
    with audited.store.begin() as connection:
        connection.execute(text("ALTER TABLE audit RENAME TO elsewhere"))
    try:
        for name in ("A", "B", "C"):
            assert audited.ask("PATCH", "/extensions/200", {"name": name}) == 200
    finally:
        with audited.store.begin() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO audit"))
    assert [each["after"]["name"] for each in audited.lines] == ["A", "B", "C"]
    said = [each for each in caplog.records if each.name == "pbxapi.http"]
    assert len(said) == 1  # it is not asked again for a while
    assert said[0].levelno == logging.ERROR
    assert audited.entries == []


def test_a_fault_of_the_audit_log_fails_no_request(
    audited: Audited, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(audit, "_entries", lambda *_: 1 / 0)
    assert audited.ask("PATCH", "/extensions/200", {"name": "A"}) == 200
    assert "has no entry in the audit log" in caplog.text


# -- the file --------------------------------------------------------------------------------------------------------


def test_the_file_is_not_for_everybody_and_may_be_rotated(audited: Audited) -> None:
    assert stat.S_IMODE(audited.file.stat().st_mode) & 0o137 == 0
    moved = audited.file.rename(audited.file.with_suffix(".1"))
    assert audited.ask("PATCH", "/extensions/200", {"name": "A"}) == 200
    assert [each["after"]["name"] for each in audited.lines] == ["A"]
    assert moved.read_text() == ""
    assert stat.S_IMODE(audited.file.stat().st_mode) & 0o137 == 0


def test_a_file_that_cannot_be_written_is_said_at_start(tmp_path: Path) -> None:
    environ = {"API_SECRET_KEY": KEY, "AUDIT_LOG_PATH": str(tmp_path / "nowhere" / "audit.log")}
    with pytest.raises(SettingsError, match=r"AUDIT_LOG_PATH .* cannot be written: No such file"):
        create_app(Settings.from_environ(environ))


def test_a_command_writes_by_the_user_who_runs_it(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "nightly")
    audit_trail.record_command(audited.store, "extension.import", "extensions", detail="2 were created")
    [entry] = audited.entries
    assert (entry.key, entry.remote, entry.action, entry.outcome) == ("cli:nightly", None, "extension.import", "done")
    assert entry.request_id.startswith("cli-")
