"""What the application costs before it does anything: its import, its memory, and what surrounds each request.

`python -m bench.footprint` is the child in which the middleware is timed, with the configuration in its environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench.servers import KEY, bare_flask

BURSTS, CALLS = 40, 100

# Each prints the processor time that its import took.
_IMPORT = "import time; began = time.process_time(); {}; print(time.process_time() - began)"
IMPORTS = {
    "flask": _IMPORT.format("import flask"),
    "pbxapi": _IMPORT.format("import pbxapi.app, pbxapi.drivers.asterisk"),
}


def import_times(rounds: int) -> dict[str, list[float]]:
    """Processor seconds of the imports, round by round; the first round, which fills the caches, is left out."""
    times: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for _ in range(rounds + 1):
        for name, code in IMPORTS.items():
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
            times[name].append(float(done.stdout))
    return {name: found[1:] for name, found in times.items()}


def workers_memory(master: int) -> list[dict[str, float]]:
    """Resident and proportional memory of a gunicorn's workers, in MB."""
    children = Path(f"/proc/{master}/task/{master}/children").read_text().split()
    return [_memory(int(child)) for child in children]


def _memory(process: int) -> dict[str, float]:
    lines = Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines}
    return {"rss": sizes["Rss"], "pss": sizes["Pss"]}


def request_times(environ: dict[str, str]) -> dict[str, list[float]]:
    """Processor seconds of one request inside the application, no server around it; one number a burst."""
    command = [sys.executable, "-m", "bench.footprint"]
    environ = os.environ | environ
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True, timeout=120)
    times: dict[str, list[float]] = json.loads(done.stdout)
    return times


def main() -> None:
    from pbxapi.app import create_app  # noqa: PLC0415
    from pbxapi.settings import Settings  # noqa: PLC0415

    app, bare = create_app(Settings.from_environ(os.environ)), bare_flask()
    requests: dict[str, tuple[Callable[..., Iterable[bytes]], str]] = {
        "bare Flask": (bare.wsgi_app, "/"),
        "/health/live": (app.wsgi_app, "/health/live"),
        "/peers": (app.wsgi_app, "/peers"),
    }
    times: dict[str, list[float]] = {name: [] for name in requests}
    for _ in range(BURSTS + 1):
        for name, (application, path) in requests.items():
            environ = _environ(path)
            _call(application, dict(environ))  # takes /peers anew when it has grown old
            began = time.process_time()
            for _ in range(CALLS):
                _call(application, dict(environ))
            times[name].append((time.process_time() - began) / CALLS)
    print(json.dumps({name: found[1:] for name, found in times.items()}))


def _environ(path: str) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "8080",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": "127.0.0.1:8080",
        "HTTP_USER_AGENT": "benchmark",
        "HTTP_ACCEPT": "*/*",
        "HTTP_AUTHORIZATION": f"Bearer {KEY}",
        "wsgi.url_scheme": "http",
        "wsgi.input": None,
        "wsgi.errors": sys.stderr,
        "wsgi.version": (1, 0),
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


def _call(application: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> None:
    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> None:
        if not status.startswith("200"):
            raise RuntimeError(f"{environ['PATH_INFO']} answered {status}")

    for _ in application(environ, start_response):
        pass


if __name__ == "__main__":
    main()
