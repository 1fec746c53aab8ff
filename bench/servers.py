"""What is put under load, each from a process of its own: `python -m bench.servers NAME PORT`.

All Python ones run under the same gunicorn, with the options that `pbxapi serve` has. PHP runs as it is run: php-fpm
behind nginx.
"""

from __future__ import annotations

import contextlib
import getpass
import http.client
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, Response

from bench.exchange import SECRET, USERNAME
from pbxapi.serve import Server
from pbxapi.settings import Settings
from tests.real.ports import free_ports

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

KEY = "a-key-for-benchmarks-only"
WORKERS, THREADS = 2, 16
# More would knock at the manager's door at once than its queue for connections has places for (10), and then stall.
PHP_CHILDREN = 8
START_SECONDS = 20.0


def environment(folder: Path, ami_port: int) -> dict[str, str]:
    """The configuration of the API as in production, with all that it can be told to do in every request."""
    return {
        "API_SECRET_KEY": KEY,
        "AMI_PORT": str(ami_port),
        "AMI_USERNAME": USERNAME,
        "AMI_SECRET": SECRET,
        "STORE_URL": f"sqlite:///{folder}/store.db",
        "LOG_PATH": str(folder / "access.log"),
        "REST_CORS_ORIGINS": "https://wallboard.example",
        "TRUSTED_PROXIES": "127.0.0.1",
    }


def bare(_: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """The least that gunicorn can be asked for."""
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "15")])
    return [b'{"status":"ok"}']


def bare_flask() -> Flask:
    """An application with one view and nothing else."""
    app = Flask("bare")
    app.add_url_rule("/", view_func=lambda: Response(b'{"status":"ok"}', content_type="application/json"))
    return app


class Other(Server):
    """The same gunicorn, another application."""

    def __init__(self, name: str, **options: Any) -> None:
        self._name = name
        super().__init__(Settings(api_secret_key=KEY), **options)

    def load(self) -> Any:
        if self._name == "bare":
            return bare
        if self._name == "flask":
            return bare_flask()
        return import_module(f"bench.{self._name}_way").application


def main(name: str, port: int) -> None:
    Other(name, bind=f"127.0.0.1:{port}", workers=WORKERS, threads=THREADS).run()


@contextlib.contextmanager
def gunicorn(name: str, environ: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """Start one of the others and wait until it answers: its port, and the process id of gunicorn's master."""
    [port] = free_ports(1)
    command = [sys.executable, "-m", "bench.servers", name, str(port)]
    with _running(command, port, os.environ | environ) as process:
        yield port, process.pid


@contextlib.contextmanager
def api(environ: Mapping[str, str], python: str = sys.executable) -> Iterator[tuple[int, int]]:
    """Start `pbxapi serve` as people do, by this Python: its port, and the process id of gunicorn's master."""
    [port] = free_ports(1)
    command = [python, "-m", "pbxapi", "serve", f"--bind=127.0.0.1:{port}", f"--workers={WORKERS}"]
    with _running([*command, f"--threads={THREADS}"], port, os.environ | environ) as process:
        yield port, process.pid


@contextlib.contextmanager
def php(folder: Path, script: str, parameters: Mapping[str, str]) -> Iterator[int]:
    """Start nginx and php-fpm with a script. Raises LookupError when one of them is not installed."""
    fpm = _program("php-fpm")
    folder.mkdir(exist_ok=True)
    (folder / "fpm.conf").write_text(
        f"[global]\nerror_log = {folder}/fpm.log\n[www]\nlisten = {folder}/fpm.sock\n"
        f"user = {getpass.getuser()}\npm = static\npm.max_children = {PHP_CHILDREN}\n"
    )
    told = {
        "SCRIPT_FILENAME": str(Path(__file__).with_name(script)),
        "REQUEST_METHOD": "$request_method",
        "QUERY_STRING": "$query_string",
        **parameters,
    }
    lines = [f"fastcgi_pass unix:{folder}/fpm.sock;", "fastcgi_buffers 64 16k;"]
    lines += [f'fastcgi_param {name} "{value}";' for name, value in told.items()]
    as_root = ["--allow-to-run-as-root"] if os.geteuid() == 0 else []
    command = [fpm, "--nodaemonize", *as_root, "--fpm-config", str(folder / "fpm.conf")]
    with _running(command, None, dict(os.environ)), nginx(folder, f"location / {{ {' '.join(lines)} }}") as port:
        yield port


@contextlib.contextmanager
def nginx(folder: Path, locations: str, upstream: int | None = None) -> Iterator[int]:
    """Start nginx with these locations, and before an HTTP server when `upstream` is its port; the port.

    Raises LookupError when it is not installed.
    """
    program = _program("nginx")
    folder.mkdir(exist_ok=True)
    [port] = free_ports(1)
    (folder / "nginx.conf").write_text(_NGINX.format(
        folder=folder, port=port, root="user root;" if os.geteuid() == 0 else "",
        upstream=_UPSTREAM.format(port=upstream) if upstream else "",
        locations=locations + (_PROXY if upstream else ""),
    ))  # fmt: skip
    command = [program, "-p", str(folder), "-e", "error.log", "-c", str(folder / "nginx.conf")]
    with _running(command, port, dict(os.environ)):
        yield port


_UPSTREAM = "upstream served {{ server 127.0.0.1:{port}; keepalive 64; }}"
_PROXY = """
        location / {
            proxy_pass http://served;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_buffers 64 16k;
        }
"""
_NGINX = """\
{root}
daemon off;
pid {folder}/nginx.pid;
worker_processes 2;
events {{ worker_connections 256; }}
http {{
    access_log {folder}/nginx.log;
    client_body_temp_path {folder}/body;
    fastcgi_temp_path {folder}/fastcgi;
    proxy_temp_path {folder}/proxy;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 1000000;
    sendfile on;
    {upstream}
    server {{
        listen 127.0.0.1:{port} backlog=256;
        {locations}
    }}
}}
"""


@contextlib.contextmanager
def _running(command: list[str], port: int | None, environ: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    try:
        if port is not None:
            _wait(process, port)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/health/live")
            if connection.getresponse().status < 500:
                return
        time.sleep(0.05)
    raise RuntimeError(f"{process.args!r} does not answer")


def _program(name: str) -> str:
    folders = [*os.environ.get("PATH", os.defpath).split(os.pathsep), "/usr/sbin", "/sbin"]
    path = os.pathsep.join(folders)
    # Debian's php-fpm has its version in its name.
    names = [name, *sorted({file.name for folder in folders for file in Path(folder).glob(f"{name}[0-9]*")})]
    found = next(filter(None, (shutil.which(each, path=path) for each in names)), None)
    if found is None:
        raise LookupError(f"{name} is not installed (apt install {name})")
    return found


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
