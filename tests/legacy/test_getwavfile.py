"""`getwavfile`, against what the first generation answered from the same files."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.legacy.conftest import WITH_KEY, Start
from tests.things_recordings import put

RECORDED = Path(__file__).parent / "recorded"
NOT_FOUND = {"status": "File not found", "code": 404}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "monitor"
    put(folder, "2024/01/05/a.wav", b"RIFFdata", age=0)
    put(tmp_path, "manager.conf", b"secret")
    put(tmp_path, "monitor2/x.wav", b"x")
    return folder


@pytest.fixture(params=["strict", "classic"])
def mode(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(params=["asterisk", "issabel", "freepbx"])
def client(request: pytest.FixtureRequest, start: Start, root: Path, mode: str) -> FlaskClient:
    return start(RECORDINGS_PATH=str(root), LEGACY_MODE=mode, PBX_DRIVER=request.param)


def ask(client: FlaskClient, name: str, method: str = "GET", **headers: str) -> TestResponse:
    query = {"cmd": "getwavfile", "name": name}
    return client.open("/api.php", method=method, query_string=query, headers=WITH_KEY | headers, buffered=True)


def recorded(number: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of a recording."""
    [path] = RECORDED.glob(f"{number}-*.txt")
    head, _, body = path.read_text().partition("\n\n")
    lines = head.splitlines()
    status = next(int(line.split()[1]) for line in lines if line.startswith("HTTP/"))
    headers = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith("#"))
    return status, headers, body.strip()


def same_as_recorded(answer: TestResponse, number: str) -> None:
    status, headers, body = recorded(number)
    assert answer.status_code == status
    assert answer.mimetype == headers["Content-Type"].rstrip(";")
    if status == 404:
        assert answer.get_json() == json.loads(body)
    else:
        assert answer.text == body
        for name in ("Content-Disposition", "Content-Length"):
            assert answer.headers[name] == headers[name]


@pytest.mark.parametrize(
    ("number", "name", "method"),
    [
        ("29", "/2024/01/05/a.wav", "GET"),
        ("32", "/nope.wav", "GET"),
        ("33", "/2024", "GET"),
        ("34", "/../manager.conf", "GET"),
        ("37", "/2024/01/05/a.wav", "HEAD"),
    ],
)
def test_answers_as_recorded_in_both_modes(client: FlaskClient, number: str, name: str, method: str) -> None:
    same_as_recorded(ask(client, name, method), number)


def test_a_range_is_not_looked_at_as_recorded(client: FlaskClient) -> None:
    same_as_recorded(ask(client, "/2024/01/05/a.wav", Range="bytes=0-3"), "36")


def test_a_name_without_its_slash_is_below_the_folder_and_not_beside_it(client: FlaskClient) -> None:
    # The first generation put the two together as text: 30 was refused, and 35 read the folder monitor2.
    assert recorded("30")[0] == 404
    assert ask(client, "2024/01/05/a.wav").data == b"RIFFdata"
    assert recorded("35")[0] == 200
    assert ask(client, "2/x.wav").get_json() == NOT_FOUND


def test_a_name_in_the_body_counts_where_the_query_has_none(client: FlaskClient) -> None:
    # Refused by the first generation (31), which looked for it in the query alone.
    assert recorded("31")[0] == 404
    for body in ({"data": {"name": "/2024/01/05/a.wav"}}, {"json": {"name": "/2024/01/05/a.wav"}}):
        answer = client.post("/api.php?cmd=getwavfile", headers=WITH_KEY, buffered=True, **body)
        assert answer.data == b"RIFFdata"


@pytest.mark.parametrize(
    "name",
    ["", "/", "..", "../manager.conf", "/etc/passwd", "%2e%2e/manager.conf", "%252e%252e/manager.conf",
     "..%2fmanager.conf", "/2024/../../manager.conf", "../monitor2/x.wav", "link.wav", "folder/manager.conf", "fifo",
     "x" * 5000],
)  # fmt: skip
def test_nothing_outside_of_the_folder_is_read(client: FlaskClient, root: Path, name: str) -> None:
    (root / "link.wav").symlink_to(root.parent / "manager.conf")
    (root / "folder").symlink_to(root.parent)
    os.mkfifo(root / "fifo")
    answer = ask(client, name)
    assert (answer.status_code, answer.get_json()) == (404, NOT_FOUND)
    assert answer.headers["Deprecation"] == "true"


def test_any_kind_of_file_in_any_state_is_sent(client: FlaskClient, root: Path) -> None:
    put(root, "notes.txt", b"", age=0)
    put(root, 'Gespr"äch.wav', b"new", age=0)
    empty = ask(client, "/notes.txt")
    assert (empty.status_code, empty.data, empty.headers["Content-Length"]) == (200, b"", "0")
    named = ask(client, '/Gespr"äch.wav')
    assert named.data == b"new"
    assert named.headers["Content-Disposition"].startswith('attachment; filename="Gespr__ch.wav"')


def test_nginx_sends_it_where_there_is_one(start: Start, root: Path, mode: str) -> None:
    client = start(RECORDINGS_PATH=str(root), LEGACY_MODE=mode, RECORDINGS_ACCEL="/_recordings/")
    answer = ask(client, "/2024/01/05/a.wav")
    assert answer.data == b""
    assert answer.headers["X-Accel-Redirect"] == "/_recordings/2024/01/05/a.wav"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="a.wav"'
    assert ask(client, "/../manager.conf").get_json() == NOT_FOUND
