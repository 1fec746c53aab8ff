from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pbxapi.app import build_store, create_app
from pbxapi.http.voicemail_schemas import VoicemailBoxSchema, VoicemailMessageSchema
from pbxapi.settings import Settings
from pbxapi.store.migrate import migrate
from tests.ami.scripted import SECRET, USER
from tests.http.provisioned import limited
from tests.http.queued import audited, entries
from tests.things_recordings import SOUND
from tests.things_voicemail import VoicemailManager, put_message

KEY = "a-key-for-tests-of-32-characters"
MESSAGES = "/voicemail/100/messages"


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "voicemail"


@pytest.fixture
def manager(spool: Path) -> Iterator[VoicemailManager]:
    with VoicemailManager(spool) as manager:
        yield manager


@pytest.fixture
def client(tmp_path: Path, spool: Path, manager: VoicemailManager) -> Iterator[FlaskClient]:
    settings = Settings.from_environ({
        "API_SECRET_KEY": KEY, "STORE_URL": f"sqlite:///{tmp_path}/store.db", "ACCESS_LOG": "false", "LIVE_TTL": "0",
        "AMI_PORT": str(manager.port), "AMI_USERNAME": USER, "AMI_SECRET": SECRET, "VOICEMAIL_PATH": str(spool),
        "PBX_TIMEZONE": "Europe/Berlin", "RECORDINGS_ACCEL": "/_recordings/", "LOG_LEVEL": "info",
    })  # fmt: skip
    store = build_store(settings)
    migrate(store)
    app = create_app(settings, store=store)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
    yield client
    app.extensions["pbxapi"].pbx.close()
    store.close()


def ask(
    client: FlaskClient, method: str, path: str, status: int = 200, body: object = None, **headers: str
) -> TestResponse:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = client.open(path, method=method, json=body, headers=sent, buffered=True)
    assert answer.status_code == status, answer.text
    return answer


def got(client: FlaskClient, path: str, status: int = 200) -> Any:
    return ask(client, "GET", path, status).get_json()


def test_mailboxes_are_listed_and_told_one_by_one(client: FlaskClient, spool: Path) -> None:
    put_message(spool / "default/100/INBOX", 0)
    listed = got(client, "/voicemail")["items"]
    assert [(each["context"], each["new"]) for each in listed] == [("default", 1), ("sales", 0)]
    assert VoicemailBoxSchema(many=True).validate(listed) == {}
    assert got(client, "/voicemail/100") == listed[0]
    assert got(client, "/voicemail/100@sales") == listed[1]
    assert set(listed[0]) == {"mailbox", "context", "name", "email", "new", "old", "urgent", "folders"}
    page = ask(client, "GET", "/voicemail?limit=1")
    assert page.get_json()["next"] and 'rel="next"' in page.headers["Link"]


@pytest.mark.parametrize("mailbox", ["999", "100@..", "..%2F..", "100@default%2F..", "100%00"])
def test_a_mailbox_that_is_none_is_404(client: FlaskClient, mailbox: str) -> None:
    for path in ("", "/messages", "/messages/x", "/messages/x/audio"):
        got(client, f"/voicemail/{mailbox}{path}", 404)


def test_messages_are_listed_newest_first_by_folder_and_in_pages(client: FlaskClient, spool: Path) -> None:
    old, new = (put_message(spool / f"default/100/{folder}", n) for n, folder in enumerate(("Old", "INBOX")))
    listed = got(client, MESSAGES)["items"]
    assert [each["id"] for each in listed] == [new, old]
    assert VoicemailMessageSchema(many=True).validate(listed) == {}
    assert listed[1]["received_at"] == "2026-11-23T09:00:33+01:00"
    assert listed[1]["caller"] == {"number": "101", "name": "Bruno"}
    assert [each["id"] for each in got(client, f"{MESSAGES}?folder=Old")["items"]] == [old]
    first = got(client, f"{MESSAGES}?limit=1")
    assert [each["id"] for each in first["items"]] == [new]
    rest = got(client, f"{MESSAGES}?limit=1&cursor={first['next']}")
    assert ([each["id"] for each in rest["items"]], rest["next"]) == ([old], None)
    assert got(client, f"{MESSAGES}/{old}") == listed[1]
    got(client, f"{MESSAGES}/nothing", 404)
    got(client, f"{MESSAGES}?folder=../INBOX", 422)


def test_a_message_is_played_whole_in_parts_and_saved(client: FlaskClient, spool: Path) -> None:
    path = f"{MESSAGES}/{put_message(spool / 'default/100/INBOX', 0)}/audio"
    whole = ask(client, "GET", path)
    assert (whole.data, whole.mimetype, whole.headers["Accept-Ranges"]) == (SOUND, "audio/wav", "bytes")
    assert "X-Accel-Redirect" not in whole.headers, "it is not below the folder of the recordings"
    part = ask(client, "GET", path, 206, Range="bytes=10-19")
    assert (part.data, part.headers["Content-Range"]) == (SOUND[10:20], f"bytes 10-19/{len(SOUND)}")
    head = ask(client, "HEAD", path)
    assert (head.data, head.headers["Content-Length"]) == (b"", str(len(SOUND)))
    ask(client, "GET", path, 304, If_None_Match=whole.headers["ETag"])
    ask(client, "GET", path, 416, Range=f"bytes={len(SOUND)}-")
    saved = ask(client, "GET", f"{path}?download=true")
    assert saved.headers["Content-Disposition"] == 'attachment; filename="voicemail-100-20261123-090033.wav"'


def test_a_message_without_sound_is_told_and_not_played(client: FlaskClient, spool: Path) -> None:
    path = f"{MESSAGES}/{put_message(spool / 'default/100/INBOX', 0, endings='')}"
    assert (got(client, path)["size"], got(client, path)["media_type"]) == (None, None)
    got(client, f"{path}/audio", 404)


def test_a_message_is_marked_moved_and_deleted(
    client: FlaskClient, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    name = put_message(spool / "default/100/INBOX", 0)
    path = f"{MESSAGES}/{name}"
    before = ask(client, "GET", path)
    read = ask(client, "PATCH", path, body={"read": True})
    assert (read.get_json()["folder"], read.get_json()["read"]) == ("Old", True)
    assert ask(client, "GET", path).headers["ETag"] == read.headers["ETag"] != before.headers["ETag"]
    assert ask(client, "PATCH", path, body={"read": False}).get_json() == before.get_json()
    assert ask(client, "PATCH", path, body={"folder": "Work"}).get_json()["folder"] == "Work"
    ask(client, "DELETE", path, 204)
    ask(client, "DELETE", path, 404)
    assert [each for each in spool.rglob("*") if not each.is_dir()] == []
    assert audited(caplog) == [
        *[f"message.update message {name} of mailbox 100"] * 3,
        f"message.delete message {name} of mailbox 100",
    ]
    assert [each.after["folder"] for each in entries(caplog)[:3]] == ["Old", "INBOX", "Work"]


def test_only_the_message_that_was_read_is_written_to(client: FlaskClient, spool: Path) -> None:
    path = f"{MESSAGES}/{put_message(spool / 'default/100/INBOX', 0)}"
    tag = ask(client, "GET", path).headers["ETag"]
    ask(client, "PATCH", path, 412, body={"read": True}, If_Match='"another"')
    ask(client, "DELETE", path, 412, If_Match='"another"')
    assert got(client, path)["folder"] == "INBOX"
    ask(client, "PATCH", path, body={"read": True}, If_Match=tag)
    ask(client, "DELETE", path, 412, If_Match=tag)
    ask(client, "DELETE", path, 204)


@pytest.mark.parametrize(
    "body",
    [{}, {"read": True, "folder": "Old"}, {"folder": "../Old"}, {"folder": "tmp"}, {"folder": None}, {"seen": 1}],
)
def test_a_change_that_is_none_is_refused(client: FlaskClient, spool: Path, body: dict[str, object]) -> None:
    path = f"{MESSAGES}/{put_message(spool / 'default/100/INBOX', 0)}"
    ask(client, "PATCH", path, 422, body=body)
    assert got(client, path)["folder"] == "INBOX"


def test_a_full_folder_is_a_conflict(client: FlaskClient, spool: Path, manager: VoicemailManager) -> None:
    manager.most = 1
    put_message(spool / "default/100/Old", 1, name=0)
    ask(client, "PATCH", f"{MESSAGES}/{put_message(spool / 'default/100/INBOX', 0)}", 409, body={"read": True})


def test_counts_are_for_who_may_read_and_messages_for_who_may_hear_recordings(
    client: FlaskClient, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{MESSAGES}/{put_message(spool / 'default/100/INBOX', 0)}"
    limited(monkeypatch, "read")
    got(client, "/voicemail")
    got(client, "/voicemail/100")
    for each in (MESSAGES, path, f"{path}/audio"):
        got(client, each, 403)
    ask(client, "PATCH", path, 403, body={"read": True})
    ask(client, "DELETE", path, 403)
    limited(monkeypatch, "recordings")
    got(client, "/voicemail", 403)
    got(client, path)


def test_an_exchange_without_voicemail_says_so(client: FlaskClient) -> None:
    app: Any = client.application
    before = app.extensions["pbxapi"]
    app.extensions["pbxapi"] = dataclasses.replace(before, pbx=dataclasses.replace(before.pbx, voicemail=None))
    assert got(client, "/voicemail", 501)["type"] == "/problems/not-supported"
    app.extensions["pbxapi"] = before
