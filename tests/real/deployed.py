"""pbxapi as an administrator has it: the wheel in an environment of its own, behind nginx, from the files of deploy/.

What is changed in those files is in `Layout.moved` and nothing else: where things are, and the ports. There is no
systemd here: `Service` does what its socket unit does, holds the socket and hands it to the process (sd_listen_fds(3)).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from requests import Response
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse
from werkzeug.wrappers import Request

from tests.real.api import KEY
from tests.real.deadline import eventually
from tests.real.deployed_load import Load
from tests.real.ports import free_ports
from tests.real.required import missing

ROOT = Path(__file__).parents[2]
MAIN = """\
daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/nginx.log; {user}
events {{ worker_connections 512; }}
http {{
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/spooled;
  fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  include conf.d/*.conf;
  include sites-available/*.conf;
}}
"""
# A site as it is on an exchange, with pages in PHP, that takes pbxapi in.
THEIRS = """\
server {{
    listen 127.0.0.1:{port};
    location / {{ return 200 "theirs"; }}
    location ~ \\.php$ {{ return 403; }}
    include snippets/pbxapi-prefix.conf;
}}
"""
# sd_listen_fds(3): the process that gets the socket is named, and `exec` keeps its id.
ACTIVATE = 'export LISTEN_PID=$$ LISTEN_FDS=1; fd=$1; shift; exec "$@" 3<&"$fd"'


def install(folder: Path) -> Path:
    """Build the wheel, and install it with what it needs in an environment of its own; return its `bin`."""
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "-qq"]
    source = shutil.copytree(ROOT, folder / "source", ignore=_not_source, symlinks=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True, timeout=60)
    build = [*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source)]
    try:
        # Not from here: pip would take this folder for what is installed.
        subprocess.run(build, check=True, timeout=120, cwd=folder)
        (wheel,) = folder.glob("*.whl")
        subprocess.run(
            [*pip, "--python", folder / "venv/bin/python", "install", wheel], check=True, timeout=120, cwd=folder
        )
    except subprocess.CalledProcessError:
        missing("a package index, or its cache", "pip has to fetch what the wheel needs")
    return folder / "venv/bin"


def _not_source(folder: str, names: list[str]) -> set[str]:
    kept = {"pbxapi", "migrations", "deploy", "docs", "setup.cfg", "pyproject.toml", "README.md", "LICENSE"}
    return {name for name in names if name not in kept | {".env.example"}} if Path(folder) == ROOT else {"__pycache__"}


@dataclass(frozen=True)
class Layout:
    """Where things are in a test, and the ports."""

    folder: Path
    bin: Path
    recordings: Path
    ports: tuple[int, ...] = field(default_factory=lambda: tuple(free_ports(3)))

    @property
    def moved(self) -> Mapping[str, str]:
        """All that is changed in the files of deploy/."""
        http, https, _ = self.ports
        return {
            "/run/pbxapi.sock": f"{self.folder}/pbxapi.sock",
            "/var/spool/asterisk/monitor/": f"{self.recordings}/",
            "/etc/ssl/pbxapi/fullchain.pem": f"{self.folder}/server.pem",
            "/etc/ssl/pbxapi/privkey.pem": f"{self.folder}/server.pem",
            "pbxapi.example.com": "localhost",
            "listen 80;": f"listen 127.0.0.1:{http};",
            "listen 443 ssl;": f"listen 127.0.0.1:{https} ssl;",
            "listen [::]:80;": "",
            "listen [::]:443 ssl;": "",
            "/var/lib/pbxapi/": f"{self.folder}/lib/",
            "/var/log/pbxapi/": f"{self.folder}/log/",
        }

    def write(self, key: str, **more: str) -> None:
        """Write the files out as `pbxapi deploy-files` does, moved, with .env of its `env` and `more`."""
        files = self.folder / "files"
        subprocess.run([self.bin / "pbxapi", "deploy-files", files], check=True, timeout=30, stdout=subprocess.DEVNULL)
        for file in [*files.rglob("*.conf"), files / "env"]:
            text = file.read_text()
            for before, after in self.moved.items():
                text = text.replace(before, after)
            file.write_text(text)
        for name in ("lib", "log"):
            (self.folder / name).mkdir()
        given = {"API_SECRET_KEY": key, **more}
        lines = [line for line in (files / "env").read_text().splitlines() if line.partition("=")[0] not in given]
        (self.folder / ".env").write_text("\n".join(lines + [f"{name}={value}" for name, value in given.items()]))


class Service:
    """`pbxapi serve` as pbxapi.socket and pbxapi.service run it."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._process: subprocess.Popen[bytes] | None = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path = layout.folder / "pbxapi.sock"
        path.unlink(missing_ok=True)
        self._socket.bind(str(path))
        self._socket.listen(2048)

    def run(self, *arguments: str) -> None:
        """Run another command of pbxapi to its end, in the folder of the service."""
        command = [str(self._layout.bin / "pbxapi"), *arguments]
        subprocess.run(command, cwd=self._layout.folder, env=_plain(), check=True, timeout=60)

    def start(self) -> None:
        conf = self._layout.folder / "files/gunicorn.conf.py"
        command = [str(self._layout.bin / "pbxapi"), "serve", "--config", str(conf)]
        handed = str(self._socket.fileno())
        with (self._layout.folder / "gunicorn.log").open("ab") as log:
            self._process = subprocess.Popen(
                ["/bin/bash", "-c", ACTIVATE, "sh", handed, *command],
                cwd=self._layout.folder, env=_plain(), pass_fds=[self._socket.fileno()], stderr=log,
            )  # fmt: skip
        eventually(lambda: len(self.workers()) >= 2, "there are workers", seconds=20)

    def stop(self) -> None:
        """As `systemctl stop`: the socket stays, and connections wait on it."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(45)
            self._process = None

    def reload(self) -> None:
        """As `systemctl reload`, and wait until the workers are others."""
        before = self.workers()
        self.signal(signal.SIGHUP)
        eventually(lambda: len(self.workers()) == len(before) and not set(before) & set(self.workers()), "reloaded", 60)

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def workers(self) -> list[int]:
        """Process ids; those of workers that end are among them."""
        assert self._process is not None
        pid = self._process.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def close(self) -> None:
        self.stop()
        self._socket.close()


class Nginx:
    """nginx with the site, and with one of others that has pbxapi below /pbx/."""

    def __init__(self, program: Path, layout: Layout) -> None:
        self._program = program
        self._layout = layout
        folder, conf = layout.folder, layout.folder / "files/nginx"
        # The tests' folder is readable by its owner alone, whom nginx started by root would not be.
        user = "user root;" if os.getuid() == 0 else ""
        (conf / "nginx.conf").write_text(MAIN.format(folder=folder, user=user))
        (conf / "sites-available/theirs.conf").write_text(THEIRS.format(port=layout.ports[2]))
        self.command = [str(program), "-p", str(folder), "-c", str(conf / "nginx.conf")]
        self._process = subprocess.Popen(self.command)

    def reload(self) -> None:
        self._process.send_signal(signal.SIGHUP)

    def close(self) -> None:
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(15)


@dataclass
class Deployed:
    """The site by its own name, the one below a path of another, and what serves them."""

    layout: Layout
    service: Service
    nginx: Nginx

    @property
    def own(self) -> str:
        return f"https://localhost:{self.layout.ports[1]}"

    @property
    def below(self) -> str:
        return f"http://localhost:{self.layout.ports[2]}/pbx"

    def ask(self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None, **more: Any) -> Response:
        sent = {"Authorization": f"Bearer {KEY}", **(headers or {})}
        verify = str(self.layout.folder / "ca.pem")
        return requests.request(method, url, headers=sent, verify=verify, timeout=20, allow_redirects=False, **more)

    def answers(self) -> bool:
        try:
            return self.ask(f"{self.own}/health/ready").ok
        except requests.ConnectionError:
            return False

    def load(self) -> Load:
        return Load(self.layout.ports[1], self.layout.folder / "ca.pem")

    def logged(self) -> list[dict[str, object]]:
        lines = map(json.loads, (self.layout.folder / "log/pbxapi.log").read_text().splitlines())
        return [line for line in lines if "remote" in line]


class Through:
    """What `tests.real.api.Api` takes for an application: its requests go through nginx."""

    def __init__(self, deployed: Deployed, base: str) -> None:
        self._deployed = deployed
        self._base = base

    def test_client(self) -> Self:
        return self

    def open(self, path: str, *, method: str = "GET", query_string: Any = None, **options: Any) -> TestResponse:
        answer = self._deployed.ask(self._base + path, method, params=query_string, **options)
        headers = Headers(list(answer.headers.items()))
        for name in ("Transfer-Encoding", "Content-Encoding"):
            headers.remove(name)
        if "Location" in headers:
            # What the tests ask for next is below the same path again.
            headers["Location"] = headers["Location"].removeprefix(urlsplit(self._base).path)
        request = Request(EnvironBuilder(path, method=method).get_environ())
        return TestResponse([answer.content], f"{answer.status_code} {answer.reason}", headers, request)

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.open(path, **options)

    def post(self, path: str, **options: Any) -> TestResponse:
        return self.open(path, method="POST", **options)


def _plain() -> dict[str, str]:
    """The environment of a service, which has none of ours."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"}
