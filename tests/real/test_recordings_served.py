"""Recordings over `pbxapi serve` (gunicorn), directly and behind nginx, which sends the files by itself."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.real.api import KEY
from tests.real.deadline import eventually
from tests.real.ports import free_ports
from tests.real.required import missing
from tests.things_recordings import NAME, PATH, put, wav

NGINX = """\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log; {user}
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    location /pbx/ {{
      proxy_pass http://127.0.0.1:{api}/;
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Prefix /pbx;
    }}
    location /_recordings/ {{
      internal;
      alias {root}/;
      disable_symlinks on from={root}/;
      add_header X-Content-Type-Options nosniff always;
      add_header X-Request-ID $upstream_http_x_request_id always;
    }}
  }}
}}
"""
SOUND = wav(120)
SIZE = len(SOUND)
ODD = "Gespräch 100%?.wav"
FORWARDED = ("AMI_", "API_", "PBX_", "RECORDINGS_", "CDR_", "STORE_")


@dataclass(frozen=True)
class Served:
    """Where it is reached, and its folder of recordings."""

    url: str
    root: Path
    accelerated: bool

    def get(self, path: str, method: str = "GET", **headers: str) -> requests.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(
            method, self.url + path, headers={"Authorization": f"Bearer {KEY}", **named}, timeout=20
        )

    def id_of(self, name: str = NAME) -> str:
        found = {item["name"]: item["id"] for item in self.get("/recordings?scan=true").json()["items"]}
        return f"/recordings/{found[name]}"


@pytest.fixture(scope="module", params=["gunicorn", "nginx"])
def served(request: pytest.FixtureRequest, nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    root = folder / "monitor"
    put(root, data=SOUND)
    put(root, ODD, data=SOUND)
    put(folder, "outside/x.wav", data=b"not for anybody" * 10)
    api, port = free_ports(2)
    accelerated = request.param == "nginx"
    (folder / ".env").write_text(
        f"API_SECRET_KEY={KEY}\nAMI_PORT=1\nSTORE_URL=sqlite:///{folder}/store.db\nTRUSTED_PROXIES=127.0.0.1\n"
        f"LOG_PATH={folder}/log\nRECORDINGS_PATH={root}\nPBX_TIMEZONE=Europe/Berlin\n"
        + ("RECORDINGS_ACCEL=/_recordings/\n" if accelerated else "")
    )
    # The tests' folder is readable by its owner alone, whom nginx started by root would not be.
    user = "user root;" if os.getuid() == 0 else ""
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, api=api, port=port, root=root, user=user))
    environ = {name: value for name, value in os.environ.items() if not name.startswith(FORWARDED)}
    pbxapi = [sys.executable, "-m", "pbxapi"]
    subprocess.run([*pbxapi, "migrate"], cwd=folder, env=environ, check=True, timeout=30)
    options = ["--bind", f"127.0.0.1:{api}", "--workers", "2", "--threads", "16"]
    with (
        subprocess.Popen([*pbxapi, "serve", *options], cwd=folder, env=environ) as gunicorn,
        subprocess.Popen([nginx, "-p", folder, "-c", folder / "nginx.conf"]) as proxy,
    ):
        url = f"http://127.0.0.1:{port}/pbx" if accelerated else f"http://127.0.0.1:{api}"
        try:
            eventually(lambda: answers(url + "/health/live"), "it serves", seconds=20)
            yield Served(url, root, accelerated)
        finally:
            proxy.terminate()
            gunicorn.terminate()
            proxy.wait(15)
            gunicorn.wait(40)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except (requests.ConnectionError, requests.Timeout):
        return False


def test_a_recording_comes_whole_with_its_headers(served: Served) -> None:
    answer = served.get(served.id_of())
    assert answer.status_code == 200
    assert answer.content == SOUND
    for name, value in {
        "Content-Type": "audio/wav",
        "Content-Length": str(SIZE),
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'inline; filename="{NAME}"',
        "X-Content-Type-Options": "nosniff",
    }.items():
        assert answer.headers[name] == value
    assert "X-Accel-Redirect" not in answer.headers
    assert "X-Request-ID" in answer.headers
    assert served.get(f"{served.id_of(ODD)}?download=1").content == SOUND


def test_the_etag_is_the_same_whoever_sends_the_file(served: Served) -> None:
    known = (served.root / PATH).stat()
    assert served.get(served.id_of()).headers["ETag"] == f'"{int(known.st_mtime):x}-{known.st_size:x}"'


def test_parts_come_as_asked_for(served: Served) -> None:
    path = served.id_of()
    for asked, first, last in (
        ("bytes=0-0", 0, 0),
        ("bytes=1000-70000", 1000, 70000),
        ("bytes=-100", SIZE - 100, SIZE - 1),
    ):
        answer = served.get(path, Range=asked)
        assert (answer.status_code, answer.headers["Content-Range"]) == (206, f"bytes {first}-{last}/{SIZE}")
        assert answer.content == SOUND[first : last + 1]
    several = served.get(path, Range="bytes=0-43,100000-100099")
    assert several.status_code == 206
    assert several.headers["Content-Type"].startswith("multipart/byteranges; boundary=")
    assert SOUND[:44] in several.content
    assert SOUND[100000:100100] in several.content
    beyond = served.get(path, Range=f"bytes={SIZE}-")
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{SIZE}")


def test_conditions_are_kept(served: Served) -> None:
    path = served.id_of()
    known = served.get(path, "HEAD").headers
    assert known["Content-Length"] == str(SIZE)
    assert served.get(path, If_None_Match=known["ETag"]).status_code == 304
    assert served.get(path, If_Modified_Since=known["Last-Modified"]).status_code == 304
    assert served.get(path, Range="bytes=0-1", If_Range=known["ETag"]).status_code == 206
    assert served.get(path, Range="bytes=0-1", If_Range='"other"').status_code == 200


def test_a_connection_goes_on_after_each_kind_of_answer(served: Served) -> None:
    path = served.id_of()
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {KEY}"
        for headers, status in (({}, 200), ({"Range": "bytes=5-9"}, 206), ({"Range": "bytes=0-1,5-6"}, 206), ({}, 200)):
            answer = session.get(served.url + path, headers=headers, timeout=10)
            assert answer.status_code == status
        assert session.get(served.url + "/health/live", timeout=10).json()["status"] == "ok"


def test_a_link_made_behind_a_proxy_works_from_outside_without_a_key(served: Served) -> None:
    made = requests.post(
        f"{served.url}{served.id_of()}/links", json={}, headers={"Authorization": f"Bearer {KEY}"}, timeout=10
    )
    url = made.json()["url"]
    assert url.startswith(served.url + "/recordings/links?token=")
    assert requests.get(url, headers={"Range": "bytes=0-3"}, timeout=10).content == b"RIFF"


def test_the_location_of_nginx_cannot_be_asked_for(served: Served) -> None:
    if served.accelerated:
        assert requests.get(served.url.replace("/pbx", f"/_recordings/{PATH}"), timeout=10).status_code == 404


def test_no_path_leads_out(served: Served) -> None:
    link = served.root / "link.wav"
    link.symlink_to(served.root.parent / "outside" / "x.wav")
    try:
        for name in ("link.wav", "/../outside/x.wav", "..%2foutside/x.wav", "../outside/x.wav"):
            answer = served.get(f"/api.php?cmd=getwavfile&name={name}")
            assert (answer.status_code, answer.json()["status"]) == (404, "File not found")
    finally:
        link.unlink()
    assert served.get(f"/api.php?cmd=getwavfile&name=/{PATH}").content == SOUND


def test_slow_listeners_leave_the_rest_alone_and_those_who_leave_are_forgotten(served: Served) -> None:
    host, port = served.url.split("/")[2].split(":")
    # More than what the sockets between the two hold.
    with put(served.root, "long.wav").open("ab") as long:
        long.truncate(64 << 20)
    os.utime(served.root / "long.wav", (1, 1))
    path = served.url.partition(f":{port}")[2] + served.id_of("long.wav")
    ask = f"GET {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n\r\n".encode()
    listeners = []
    for _ in range(24):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        listener.settimeout(10)
        listener.connect((host, int(port)))
        listener.sendall(ask)
        listeners.append(listener)
    try:
        first = [listener.recv(12) for listener in listeners]
        assert {head[9:] for head in first} <= {b"200", b"503"}
        assert served.accelerated == (b"503" not in {head[9:] for head in first})
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(lambda _: served.get("/recordings?scan=true").ok, range(8)))
    finally:
        for listener in listeners:
            listener.close()
        (served.root / "long.wav").unlink()
    eventually(lambda: all(served.get(served.id_of()).status_code == 200 for _ in range(4)), "the slots are free")


@pytest.mark.parametrize("form", ["mp3", "ogg"])
def test_a_real_program_converts(served: Served, form: str) -> None:
    if not shutil.which("ffmpeg") and not shutil.which("sox"):
        missing("ffmpeg", "apt install ffmpeg")
    answer = served.get(f"{served.id_of()}?format={form}")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == {"mp3": "audio/mpeg", "ogg": "audio/ogg"}[form]
    assert answer.content[:4] == b"OggS" if form == "ogg" else answer.content[:3] == b"ID3" or answer.content[0] == 0xFF
    assert 10_000 < len(answer.content) < SIZE


def test_what_is_written_meanwhile_is_sent_as_long_as_it_was(served: Served) -> None:
    file = put(served.root, "cut.wav", data=SOUND)
    path = served.id_of("cut.wav")
    answer = requests.get(served.url + path, headers={"Authorization": f"Bearer {KEY}"}, stream=True, timeout=10)
    with file.open("ab") as more:
        more.write(b"x" * 100_000)
    assert len(answer.content) == SIZE
    file.unlink()
