"""`pbxapi serve`, several workers of gunicorn, behind nginx and under a path, as it runs on an exchange."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from tests.real.api import KEY
from tests.real.asterisk import Asterisk
from tests.real.deadline import eventually
from tests.real.ports import free_ports
from tests.real.sip_phone import Phone

NGINX = """\
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream api {{ server 127.0.0.1:{api}; keepalive 8; }}
  server {{
    listen 127.0.0.1:{port};
    location /pbx/ {{
      proxy_pass http://api/;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Prefix /pbx;
    }}
  }}
}}
"""


@dataclass(frozen=True)
class Served:
    """Where it is reached, directly and through nginx, and its log."""

    direct: str
    url: str
    log: Path

    def get(self, path: str, **headers: str) -> requests.Response:
        return requests.get(self.url + path, headers={"Authorization": f"Bearer {KEY}", **headers}, timeout=10)

    def worker(self, path: str) -> tuple[object, int]:
        """Ask over a connection of its own, so that either worker may answer."""
        answer = requests.get(
            self.direct + path, headers={"Authorization": f"Bearer {KEY}", "Connection": "close"}, timeout=10
        )
        return answer.json(), answer.status_code


@pytest.fixture(scope="module")
def served(asterisk22: Asterisk, nginx: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    api, port = free_ports(2)
    (folder / ".env").write_text(
        f"API_SECRET_KEY={KEY}\nAMI_PORT={asterisk22.ports.ami}\nAMI_USERNAME=least\nAMI_SECRET=least-secret\n"
        f"STORE_URL=sqlite:///{folder}/store.db\nTRUSTED_PROXIES=127.0.0.1\nLOG_PATH={folder}/log\nLOG_LEVEL=debug\n"
    )
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, api=api, port=port))
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("AMI_", "API_", "PBX_"))}
    pbxapi = [sys.executable, "-m", "pbxapi"]
    subprocess.run([*pbxapi, "migrate"], cwd=folder, env=environ, check=True, timeout=30)
    options = ["--bind", f"127.0.0.1:{api}", "--workers", "4", "--threads", "4"]
    with (
        subprocess.Popen([*pbxapi, "serve", *options], cwd=folder, env=environ) as gunicorn,
        subprocess.Popen([nginx, "-p", folder, "-c", folder / "nginx.conf"]) as proxy,
    ):
        found = Served(f"http://127.0.0.1:{api}", f"http://127.0.0.1:{port}/pbx", folder / "log")
        try:
            eventually(lambda: answers(found.url + "/health/live"), "it serves", seconds=20)
            yield found
        finally:
            proxy.terminate()
            gunicorn.terminate()
            proxy.wait(15)
            gunicorn.wait(15)


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except (requests.ConnectionError, requests.Timeout):
        return False


def test_it_knows_that_it_lives_under_a_path(served: Served) -> None:
    assert served.get("/openapi.json").json()["servers"] == [{"url": "/pbx"}]
    assert served.get("/docs").ok
    assert served.get("/docs/swagger-ui.css").ok
    assert requests.get(served.direct + "/openapi.json", timeout=10).json()["servers"] == [{"url": "/"}]


def test_every_worker_tells_the_same_fate_of_a_call(served: Served, asterisk22: Asterisk) -> None:
    caller, callee = (Phone(n, f"pw{n}", asterisk22.ports.sip) for n in ("100", "102"))
    callee.reject = 486
    try:
        assert (caller.register(), callee.register()) == (200, 200)
        body = {"from": "100", "to": "102", "external_id": "crm-1"}
        placed = requests.post(served.url + "/calls", json=body, headers={"Authorization": f"Bearer {KEY}"}, timeout=10)
        assert placed.status_code == 202
        assert placed.headers["Location"].startswith("/pbx/calls/")
        path = placed.headers["Location"].removeprefix("/pbx")
        eventually(lambda: served.get(path).json()["status"] == "busy", "the call has ended")
        told = {json.dumps(served.worker(path)) for _ in range(40)}
        assert len(told) == 1
    finally:
        for phone in (caller, callee):
            phone.unregister()
            phone.close()


def test_sessions_with_the_manager_are_few_however_many_ask(served: Served, asterisk22: Asterisk) -> None:
    for _ in range(40):
        served.worker("/peers?fresh=1")
    sessions = asterisk22.command("manager show connected").count("least")
    assert 1 <= sessions <= 4 * 3


def test_the_log_has_the_callers_address_and_the_request_id_down_to_the_action(served: Served) -> None:
    served.get("/system/info", **{"X-Request-ID": "find-me-1"})

    def lines() -> list[dict[str, object]]:
        return [line for line in map(json.loads, served.log.read_text().splitlines()) if "find-me-1" in str(line)]

    eventually(lambda: any("remote" in line for line in lines()), "the request is logged")
    (access,) = [line for line in lines() if "remote" in line]
    assert (access["remote"], access["path"], access["status"]) == ("127.0.0.1", "/system/info", 200)
    assert {str(line["message"]).split()[0] for line in lines() if line.get("logger") == "pbxapi.ami"} >= {
        "CoreSettings"
    }
    assert KEY not in served.log.read_text()
    assert "least-secret" not in served.log.read_text()


def test_a_dead_worker_is_replaced(served: Served) -> None:
    def workers() -> list[int]:
        bound = served.direct.rpartition("//")[2]
        found = subprocess.run(["pgrep", "-f", bound], capture_output=True, text=True, check=True)
        return [int(pid) for pid in found.stdout.split()]

    before = workers()
    os.kill(max(before), 9)
    eventually(lambda: len(workers()) == len(before) and max(workers()) not in before, "there is a new worker")
    assert served.worker("/health/ready") == ({"status": "ok", "parts": {"ami": "ok", "store": "ok"}}, 200)
