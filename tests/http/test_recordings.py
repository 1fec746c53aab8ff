from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from email.parser import BytesParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pbxapi.app import build_store, create_app
from pbxapi.http import audit_often, recording_files
from pbxapi.settings import Settings
from pbxapi.store.migrate import migrate
from tests.http.queued import audited, entries
from tests.things_cdr import CdrFile, row
from tests.things_recordings import EMPTY, NAME, PATH, SOUND, put, unclosed

KEY = "a-key-for-tests-of-32-characters"
SIZE = len(SOUND)

Start = Callable[..., FlaskClient]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "monitor"
    folder.mkdir()
    return folder


@pytest.fixture
def database(tmp_path: Path) -> Iterator[CdrFile]:
    made = CdrFile(tmp_path / "cdr.db")
    yield made
    made.close()


@pytest.fixture
def start(tmp_path: Path, root: Path, database: CdrFile) -> Iterator[Start]:
    closing = []

    def started(**environ: str) -> FlaskClient:
        base = {
            "API_SECRET_KEY": KEY, "CDR_DATABASE_URL": f"sqlite:///{database.path}", "CDR_ROLL_UP": "false",
            "STORE_URL": f"sqlite:///{tmp_path}/store.db", "PBX_TIMEZONE": "Europe/Berlin",
            "RECORDINGS_PATH": str(root), "ACCESS_LOG": "false",
        }  # fmt: skip
        settings = Settings.from_environ(base | environ)
        store = build_store(settings)
        migrate(store)
        app = create_app(settings, store=store)
        closing.append(app.extensions["pbxapi"])
        client = app.test_client()
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {settings.api_secret_key}"
        return client

    yield started
    for state in closing:
        state.pbx.close()
        state.store.close()


@pytest.fixture
def client(start: Start) -> FlaskClient:
    return start()


def id_of(client: FlaskClient, path: str = NAME) -> str:
    app: Flask = client.application
    found: str = app.extensions["pbxapi"].pbx.recordings.id_of(path, "", "")
    return found


def ask(client: FlaskClient, path: str, status: int = 200, method: str = "GET", **headers: str) -> TestResponse:
    answer = client.open(
        path, method=method, buffered=True, headers={n.replace("_", "-"): v for n, v in headers.items()}
    )
    assert answer.status_code == status, answer.text
    return answer


def problem(client: FlaskClient, path: str, status: int, method: str = "GET", **headers: str) -> str:
    """The kind of problem that it is answered with."""
    answer = ask(client, path, status, method, **headers)
    assert answer.mimetype == "application/problem+json"
    kind: str = answer.get_json()["type"]
    return kind.removeprefix("/problems/")


@pytest.fixture
def sound(client: FlaskClient, root: Path) -> str:
    """The path of a recording's resource."""
    put(root)
    return f"/recordings/{id_of(client)}"


# The whole of it


def test_a_recording_is_sent_with_all_that_a_player_needs(client: FlaskClient, sound: str) -> None:
    answer = ask(client, sound)
    assert answer.data == SOUND
    headers = answer.headers
    assert headers["Content-Type"] == "audio/wav"
    assert headers["Content-Length"] == str(SIZE)
    assert headers["Accept-Ranges"] == "bytes"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Disposition"] == f'inline; filename="{NAME}"'
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["ETag"].startswith('"')
    assert "Last-Modified" in headers


def test_a_head_has_the_headers_of_the_whole_and_no_body(client: FlaskClient, sound: str) -> None:
    whole, head = ask(client, sound), ask(client, sound, method="HEAD")
    assert head.data == b""
    ours = {"Content-Type", "Content-Length", "Accept-Ranges", "ETag", "Last-Modified", "Content-Disposition"}
    assert {n: v for n, v in head.headers if n in ours} == {n: v for n, v in whole.headers if n in ours}
    assert ask(client, sound, 206, "HEAD", Range="bytes=0-9").headers["Content-Length"] == "10"


def test_a_download_is_an_attachment(client: FlaskClient, sound: str) -> None:
    assert ask(client, f"{sound}?download=1").headers["Content-Disposition"] == f'attachment; filename="{NAME}"'


def test_a_name_beyond_ascii_is_given_in_both_ways(client: FlaskClient, root: Path) -> None:
    put(root, 'Gespr"äch.gsm')
    answer = ask(client, "/recordings/" + id_of(client, 'Gespr"äch.gsm'))
    assert (
        answer.headers["Content-Disposition"]
        == "inline; filename=\"Gespr__ch.gsm\"; filename*=UTF-8''Gespr%22%C3%A4ch.gsm"
    )
    assert answer.headers["Content-Type"] == "audio/x-gsm"


# Parts of it


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-", 0, SIZE - 1), ("bytes=0-0", 0, 0), ("bytes=100-199", 100, 199), ("bytes=-10", SIZE - 10, SIZE - 1),
        ("bytes=10-99999999", 10, SIZE - 1), (f"bytes=-{SIZE + 5}", 0, SIZE - 1),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE - 1), (f"bytes=5-6, {SIZE}-", 5, 6),
    ],
)  # fmt: skip
def test_a_part_is_sent_as_asked_for(client: FlaskClient, sound: str, asked: str, first: int, last: int) -> None:
    answer = ask(client, sound, 206, Range=asked)
    assert answer.data == SOUND[first : last + 1]
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{SIZE}"
    assert answer.headers["Content-Length"] == str(last - first + 1)
    assert answer.headers["Content-Type"] == "audio/wav"


def test_several_parts_come_as_multipart(client: FlaskClient, sound: str) -> None:
    answer = ask(client, sound, 206, Range="bytes=0-43, 1000-1999, -5")
    assert "Content-Range" not in answer.headers
    assert answer.headers["Content-Length"] == str(len(answer.data))
    message = BytesParser().parsebytes(f"Content-Type: {answer.headers['Content-Type']}\r\n\r\n".encode() + answer.data)
    assert message.get_content_type() == "multipart/byteranges"
    parts: list[Any] = message.get_payload()  # type: ignore[assignment]
    assert [part["Content-Range"] for part in parts] == [
        f"bytes 0-43/{SIZE}", f"bytes 1000-1999/{SIZE}", f"bytes {SIZE - 5}-{SIZE - 1}/{SIZE}",
    ]  # fmt: skip
    boundary = message.get_boundary()
    assert boundary is not None
    for span, piece in zip(
        (SOUND[:44], SOUND[1000:2000], SOUND[-5:]), answer.data.split(f"--{boundary}".encode())[1:-1], strict=True
    ):
        head, _, body = piece.partition(b"\r\n\r\n")
        assert b"Content-Type: audio/wav" in head
        assert body == span + b"\r\n"


@pytest.mark.parametrize(
    "asked",
    ["bytes=5-3", "bytes", "bytes=", "bytes=x-y", "items=0-5", "bytes=0-5,3-8", "bytes=10-20,0-5", "bytes=0-10,-999999",
     "bytes=" + ",".join(f"{n * 10}-{n * 10}" for n in range(40))],
)  # fmt: skip
def test_ranges_that_are_none_overlap_or_are_too_many_are_ignored(client: FlaskClient, sound: str, asked: str) -> None:
    assert ask(client, sound, Range=asked).data == SOUND


@pytest.mark.parametrize("asked", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}"])
def test_a_range_behind_the_end_says_where_the_end_is(client: FlaskClient, sound: str, asked: str) -> None:
    assert problem(client, sound, 416, Range=asked) == "range-not-satisfiable"
    assert ask(client, sound, 416, Range=asked).headers["Content-Range"] == f"bytes */{SIZE}"


def test_a_part_comes_only_when_it_fits_the_parts_that_the_client_has(client: FlaskClient, sound: str) -> None:
    headers = ask(client, sound).headers
    for same in (headers["ETag"], headers["Last-Modified"]):
        ask(client, sound, 206, Range="bytes=0-1", If_Range=same)
    for other in ('"other"', f"W/{headers['ETag']}", "Sun, 22 Nov 2020 18:31:52 GMT", "nonsense"):
        assert ask(client, sound, Range="bytes=0-1", If_Range=other).data == SOUND


def test_who_has_it_already_is_told_so(client: FlaskClient, sound: str) -> None:
    headers = ask(client, sound).headers
    for condition in (
        {"If_None_Match": headers["ETag"]},
        {"If_None_Match": f'"x", W/{headers["ETag"]}'},
        {"If_None_Match": "*"},
        {"If_Modified_Since": headers["Last-Modified"]},
    ):
        answer = ask(client, sound, 304, **condition)
        assert answer.data == b""
        assert answer.headers["ETag"] == headers["ETag"]
    ask(client, sound, If_None_Match='"x"', If_Modified_Since=headers["Last-Modified"])
    ask(client, sound, If_Modified_Since="Sun, 22 Nov 2020 18:31:52 GMT")


# What is wrong with one


@pytest.mark.parametrize(
    ("data", "age", "status", "kind"),
    [
        (None, 0, 404, "recording-gone"),
        (EMPTY, 100, 404, "recording-empty"),
        (unclosed(), 1, 409, "recording-in-progress"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_each_reason_has_a_kind_of_its_own(
    client: FlaskClient, root: Path, method: str, data: bytes | None, age: float, status: int, kind: str
) -> None:
    if data is not None:
        put(root, data=data, age=age)
    answer = ask(client, f"/recordings/{id_of(client)}", status, method)
    assert ("Retry-After" in answer.headers) == (status == 409)
    if method == "GET":
        assert answer.get_json()["type"] == f"/problems/{kind}"
        assert str(root) not in answer.text


@pytest.mark.parametrize("path", ["x", "..", "%2e%2e%2fsecret", "%252e%252e", "a" * 3000, "%00", "links2"])
def test_an_id_that_was_not_made_here_is_not_found(client: FlaskClient, path: str) -> None:
    answer = ask(client, f"/recordings/{path}", 404)
    assert answer.get_json()["type"] in {"/problems/not-found", "/problems/no-such-path"}


def test_a_folder_that_is_not_mounted_is_not_a_recording_that_is_gone(start: Start, tmp_path: Path) -> None:
    client = start(RECORDINGS_PATH=str(tmp_path / "nowhere"))
    assert problem(client, f"/recordings/{id_of(client)}", 503) == "recordings-unavailable"


def test_a_key_is_needed(client: FlaskClient, sound: str) -> None:
    del client.environ_base["HTTP_AUTHORIZATION"]
    for method, path in (("GET", sound), ("DELETE", sound), ("GET", "/recordings"), ("POST", f"{sound}/links")):
        assert problem(client, path, 401, method) == "unauthorized"


def test_an_id_stays_the_same_when_the_key_of_the_api_is_changed(client: FlaskClient, start: Start, sound: str) -> None:
    other = start(API_SECRET_KEY="another-key-of-tests-0123456789")
    assert ask(other, sound).data == SOUND
    assert id_of(other) == id_of(client)


# Files that are held open


def is_open(root: Path) -> bool:
    found = []
    for each in Path("/proc/self/fd").iterdir():
        try:
            found.append(str(each.readlink()))
        except FileNotFoundError:
            continue
    return any(path.startswith(str(root)) for path in found)


@pytest.mark.parametrize("asked", ["", "bytes=0-9", "bytes=0-9,20-29"])
def test_who_goes_away_lets_go_of_the_file(client: FlaskClient, root: Path, sound: str, asked: str) -> None:
    answer = client.get(sound, headers={"Range": asked} if asked else {}, buffered=False)
    assert is_open(root)
    answer.close()
    assert not is_open(root)
    for condition in (
        {"method": "HEAD"},
        {"If_None_Match": "*", "status": 304},
        {"Range": "bytes=999999-", "status": 416},
    ):
        ask(client, sound, **condition)
        assert not is_open(root)


def test_no_more_are_sent_at_once_than_leave_threads_for_others(
    client: FlaskClient, sound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording_files, "PATIENCE", 0.01)
    held = [client.get(sound, buffered=False) for _ in range(recording_files.STREAMS)]
    assert problem(client, sound, 503) == "streams-unavailable"
    assert "Retry-After" in ask(client, sound, 503, Range="bytes=0-1,5-6").headers
    ask(client, sound, method="HEAD")
    for answer in held:
        answer.close()
    for _ in range(recording_files.STREAMS + 1):
        assert ask(client, sound).data == SOUND


# Deleting


def test_deleting_takes_the_file_away(client: FlaskClient, root: Path, sound: str) -> None:
    etag = ask(client, sound).headers["ETag"]
    assert problem(client, sound, 412, "DELETE", If_Match='"other"') == "precondition-failed"
    assert (root / PATH).exists()
    assert ask(client, sound, 204, "DELETE", If_Match=etag).data == b""
    assert not (root / PATH).exists()
    assert problem(client, sound, 404, "DELETE") == "recording-gone"


def test_one_that_is_still_written_is_not_deleted(client: FlaskClient, root: Path) -> None:
    file = put(root, data=unclosed(), age=1)
    assert problem(client, f"/recordings/{id_of(client)}", 409, "DELETE") == "recording-in-progress"
    assert file.exists()


# By call records


def test_recordings_are_listed_with_their_calls(client: FlaskClient, root: Path, database: CdrFile) -> None:
    put(root)
    database.add(
        row(n=1, calldate="2026-11-22 19:31:44", recordingfile=NAME),
        row(n=2, calldate="2026-11-22 19:31:45", recordingfile=""),
        row(n=3, calldate="2026-11-22 19:31:46", recordingfile="deleted"),
        row(n=4, calldate="2026-11-22 19:31:47", recordingfile="q-400-205-20261122-193147-1.4.wav", src="205"),
        row(n=5, calldate="2026-11-22 19:31:48", recordingfile="/etc/passwd"),
    )
    gone, there = ask(client, "/recordings").get_json()["items"]
    assert there == {
        "id": id_of(client), "uniqueid": "1795376941.1", "linkedid": "1795376941.1",
        "calldate": "2026-11-22T19:31:44+01:00", "src": "200", "dst": "201", "duration": 7, "name": NAME,
        "format": "wav", "state": "available", "size": SIZE, "modified_at": there["modified_at"],
    }  # fmt: skip
    assert (gone["state"], gone["size"], gone["modified_at"], gone["src"]) == ("gone", None, None, "205")
    assert ask(client, f"/recordings/{there['id']}").data == SOUND

    def listed(query: str) -> list[str]:
        return [item["uniqueid"].rpartition(".")[2] for item in ask(client, f"/recordings?{query}").get_json()["items"]]

    assert listed("number=205") == ["4"]
    assert listed("uniqueid=1795376941.1") == ["1"]
    assert listed("linkedid=1795376941.4") == ["4"]
    assert listed("start=2026-11-22T19:31:45&end=2026-11-23") == ["4"]
    first = ask(client, "/recordings?limit=1")
    assert listed(f"limit=4&cursor={first.get_json()['next']}") == ["4", "1"] or listed("limit=4") == ["4", "1"]
    assert 'rel="next"' in first.headers["Link"]


def test_the_folders_are_listed_when_asked_for(client: FlaskClient, root: Path) -> None:
    put(root)
    put(root, "z.mp3")
    body = ask(client, "/recordings?scan=true&limit=1").get_json()
    assert [item["name"] for item in body["items"]] == [NAME]
    more = ask(client, f"/recordings?scan=true&limit=1&cursor={body['next']}").get_json()
    assert [item["name"] for item in more["items"]] == ["z.mp3"]
    assert more["next"] is None
    assert body["items"][0]["linkedid"] is None
    assert problem(client, "/recordings?scan=true&linkedid=1.1", 422) == "invalid"
    assert problem(client, "/recordings?scan=true&cursor=x", 422) == "invalid"


def test_names_that_are_no_utf8_leave_as_json(client: FlaskClient, root: Path) -> None:
    Path(os.fsdecode(os.fsencode(root) + b"/a\xff.wav")).write_bytes(SOUND)
    [item] = ask(client, "/recordings?scan=true").get_json()["items"]
    assert item["name"] == "a�.wav"
    assert ask(client, f"/recordings/{item['id']}").data == SOUND


def test_the_sound_of_a_call_is_the_first_that_its_records_have(
    client: FlaskClient, root: Path, database: CdrFile
) -> None:
    put(root)
    database.add(
        row(n=1, uniqueid="1.1", recordingfile="gone.wav"),
        row(n=2, uniqueid="1.1", recordingfile=NAME),
        row(n=3, uniqueid="1.3", recordingfile="gone.wav"),
        row(n=4, uniqueid="1.4", recordingfile="deleted"),
        row(n=5, uniqueid="1.5"),
    )
    answer = ask(client, "/cdr/1.1/recording?download=1")
    assert answer.data == SOUND
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert ask(client, "/cdr/1.1/recording", 206, Range="bytes=0-3").data == b"RIFF"
    assert problem(client, "/cdr/1.3/recording", 404) == "recording-gone"
    assert problem(client, "/cdr/1.4/recording", 410) == "recording-deleted"
    assert problem(client, "/cdr/1.5/recording", 404) == "not-found"
    assert problem(client, "/cdr/1.6/recording", 404) == "not-found"


# Links


def link(client: FlaskClient, path: str, **body: object) -> Any:
    answer = client.post(f"{path}/links", json=body)
    assert answer.status_code == 201, answer.text
    return answer.get_json()


def test_a_link_plays_without_a_key_until_it_expires(
    client: FlaskClient, sound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = link(client, sound, expires_in=60, download=True)
    del client.environ_base["HTTP_AUTHORIZATION"]
    assert made["url"].startswith("http://localhost/recordings/links?token=")
    answer = ask(client, made["url"])
    assert answer.data == SOUND
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert ask(client, made["url"], 206, Range="bytes=-4").data == SOUND[-4:]
    now = time.time()
    monkeypatch.setattr("pbxapi.http.recording_links.time.time", lambda: now + 61)
    assert problem(client, made["url"], 410) == "link-expired"


def test_a_link_that_was_altered_is_refused(client: FlaskClient, sound: str, start: Start) -> None:
    url = link(client, sound)["url"]
    for altered in (
        url + "x",
        url[:-1] + ("A" if url[-1] != "A" else "B"),
        url.replace("token=", "token=A"),
        url[:-20],
    ):
        assert problem(client, altered, 403) == "link-refused"
    assert problem(client, "/recordings/links?token=x", 403) == "link-refused"
    assert problem(client, "/recordings/links", 422) == "invalid"
    other = start(API_SECRET_KEY="another-key-of-tests-0123456789")
    assert problem(other, url, 403) == "link-refused"


def test_a_link_knows_where_the_application_is_mounted(client: FlaskClient, sound: str) -> None:
    made = client.post(
        f"{sound}/links", json={}, environ_overrides={"SCRIPT_NAME": "/pbx", "HTTP_HOST": "pbx.example.com"}
    )
    assert made.get_json()["url"].startswith("http://pbx.example.com/pbx/recordings/links?token=")


@pytest.mark.parametrize("body", [{"expires_in": 59}, {"expires_in": 604801}, {"format": "exe"}, {"x": 1}])
def test_a_link_is_made_of_what_can_be_used(client: FlaskClient, sound: str, body: dict[str, object]) -> None:
    assert client.post(f"{sound}/links", json=body).status_code == 422
    assert client.post("/recordings/made-up/links", json={}).status_code == 404


def test_a_link_does_not_stand_in_the_log(start: Start, root: Path, tmp_path: Path) -> None:
    client = start(ACCESS_LOG="true", LOG_PATH=str(tmp_path / "log"))
    put(root)
    url = link(client, f"/recordings/{id_of(client)}")["url"]
    ask(client, url)
    log = (tmp_path / "log").read_text()
    assert "/recordings/links" in log
    assert url.partition("token=")[2] not in log


# Through nginx


def test_nginx_is_told_what_to_send_once_it_was_looked_at(start: Start, root: Path) -> None:
    client = start(RECORDINGS_ACCEL="/_recordings/")
    name = "Gespräch 100%.wav"
    put(root, name)
    for method in ("GET", "HEAD"):
        answer = ask(client, f"/recordings/{id_of(client, name)}", 200, method, Range="bytes=0-1", If_None_Match="*")
        assert answer.data == b""
        assert answer.headers["X-Accel-Redirect"] == "/_recordings/Gespr%C3%A4ch%20100%25.wav"
        assert answer.headers["Content-Type"] == "audio/wav"
        assert "Content-Range" not in answer.headers
    assert not is_open(root)
    (root / "link.wav").symlink_to(root / name)
    assert problem(client, f"/recordings/{id_of(client, 'link.wav')}", 404) == "recording-gone"


# In another format

STAND_IN = """#!/bin/sh
echo "$@" > {folder}/words
echo $$ > {folder}/pid
{body}
"""


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Put a stand-in for a program where it is looked for, and nothing else; the folder that it writes to."""
    folder = tmp_path / "bin"
    folder.mkdir()
    before = os.environ["PATH"]
    monkeypatch.setenv("PATH", str(folder))

    def stand_in(name: str, body: str) -> Path:
        script = folder / name
        script.write_text(STAND_IN.format(folder=folder, body=f"PATH={before}\n{body}"))
        script.chmod(0o755)
        return folder

    return stand_in


def is_running(folder: Path) -> bool:
    return Path(f"/proc/{(folder / 'pid').read_text().strip()}").exists()


def test_no_program_is_a_clear_word(client: FlaskClient, sound: str, program: Callable[..., Path]) -> None:
    for method in ("GET", "HEAD"):
        answer = ask(client, f"{sound}?format=mp3", 501, method)
        assert method == "HEAD" or "neither ffmpeg nor sox is installed" in answer.get_json()["detail"]


@pytest.mark.parametrize("name", ["ffmpeg", "sox"])
def test_another_format_is_streamed_from_the_open_file(
    client: FlaskClient, root: Path, sound: str, program: Callable[..., Path], name: str
) -> None:
    folder = program(name, "exec cat")
    answer = ask(client, f"{sound}?format=mp3&download=1")
    assert answer.data == SOUND
    assert answer.headers["Content-Type"] == "audio/mpeg"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{NAME.replace(".wav", ".mp3")}"'
    assert answer.headers["Accept-Ranges"] == "none"
    assert "wav" in (folder / "words").read_text().split()
    assert str(root) not in (folder / "words").read_text()
    assert not is_running(folder)
    assert not is_open(root)
    (folder / "pid").unlink()
    assert ask(client, f"{sound}?format=ogg", method="HEAD").headers["Content-Type"] == "audio/ogg"
    assert not (folder / "pid").exists()


def test_what_is_in_that_format_already_is_sent_as_it_is(
    client: FlaskClient, root: Path, program: Callable[..., Path]
) -> None:
    put(root, "a.mp3")
    assert ask(client, f"/recordings/{id_of(client, 'a.mp3')}?format=mp3", 206, Range="bytes=0-3").data == b"RIFF"


@pytest.mark.parametrize("body", ["exit 1", "exit 0", "kill -9 $$"])
def test_a_program_that_makes_nothing_is_said_so(
    client: FlaskClient, sound: str, program: Callable[..., Path], body: str
) -> None:
    folder = program("ffmpeg", body)
    for _ in range(5):
        assert problem(client, f"{sound}?format=mp3", 502) == "not-converted"
    assert not is_running(folder)


def test_a_program_that_fails_in_the_middle_cuts_the_answer(
    client: FlaskClient, sound: str, program: Callable[..., Path]
) -> None:
    folder = program("ffmpeg", "echo beginning; exit 3")
    with pytest.raises(Exception, match="failed, or took too long"):
        client.get(f"{sound}?format=mp3").get_data()
    assert not is_running(folder)


def test_a_client_that_goes_away_ends_the_program(
    client: FlaskClient, sound: str, program: Callable[..., Path]
) -> None:
    folder = program("ffmpeg", "echo beginning; sleep 60 & sleep 60")
    answer = client.get(f"{sound}?format=mp3", buffered=False)
    assert is_running(folder)
    answer.close()
    assert not is_running(folder)


def test_no_more_are_converted_at_once_than_two(client: FlaskClient, sound: str, program: Callable[..., Path]) -> None:
    program("ffmpeg", "echo beginning; exec sleep 60")
    held = [client.get(f"{sound}?format=mp3", buffered=False) for _ in range(2)]
    assert problem(client, f"{sound}?format=mp3", 503) == "streams-unavailable"
    for answer in held:
        answer.close()
    client.get(f"{sound}?format=mp3", buffered=False).close()


# -- who listened ----------------------------------------------------------------------------------------------------


def test_who_plays_a_recording_stands_in_the_audit_log_once(
    client: FlaskClient, root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    now = [1000.0]
    monkeypatch.setattr(audit_often, "time", SimpleNamespace(monotonic=lambda: now[0]))
    caplog.set_level(logging.INFO, "pbxapi.audit")
    recording = only_id(client, root)
    target = f"recording.play recording {recording}: {NAME}"
    client.head(f"/recordings/{recording}")
    assert audited(caplog) == []
    for wanted in ("bytes=1-", "bytes=0-99", "bytes=100-"):
        assert client.get(f"/recordings/{recording}", headers={"Range": wanted}, buffered=True).status_code == 206
    assert audited(caplog) == [target]
    client.get(f"/recordings/{recording}", environ_base={"REMOTE_ADDR": "192.0.2.9"}, buffered=True)
    assert audited(caplog) == [target] * 2
    tag = client.get(f"/recordings/{recording}", buffered=True).headers["ETag"]
    now[0] += 601
    client.get(f"/recordings/{recording}", headers={"If-None-Match": tag}, buffered=True)
    assert audited(caplog) == [target] * 2
    client.get(f"/recordings/{recording}", buffered=True)
    assert audited(caplog) == [target] * 3


def test_a_link_and_a_play_by_it_and_a_delete_stand_in_the_audit_log(
    client: FlaskClient, root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pbxapi.audit")
    recording = only_id(client, root)
    link = client.post(f"/recordings/{recording}/links", json={"expires_in": 60}).get_json()["url"]
    assert client.get(link, headers={"Authorization": ""}, buffered=True).status_code == 200
    assert client.get(f"{link}x", headers={"Authorization": ""}).status_code == 403
    assert client.delete(f"/recordings/{recording}").status_code == 204
    made, played, refused, deleted = entries(caplog)
    assert [each.action for each in (made, played, refused, deleted)] == [
        "recording.link", "recording.play", "request", "recording.delete",
    ]  # fmt: skip
    assert made.after["expires_at"] in played.detail
    assert (played.key, refused.key, refused.outcome) == (None, None, "refused")
    assert NAME in played.detail
    assert made.target == played.target == deleted.target == f"recording {recording}"
    assert link.partition("token=")[2] not in caplog.text


def only_id(client: FlaskClient, root: Path) -> str:
    put(root)
    [item] = client.get("/recordings?scan=true").get_json()["items"]
    found: str = item["id"]
    return found
