"""Recordings, beside nginx's own static files: through `X-Accel-Redirect`, and sent by the API itself.

    python -m bench.recordings [--rounds 5] [--seconds 1]

All three send the same files, under the same load in turn, round after round; what the API sends goes through no nginx.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import load, servers
from bench.report import Report, percentile, ratio, say

CONNECTIONS = (1, 8)
SIZES = {"50 MB": 50_000_000, "500 kB": 500_000}
RANGE = "Range: bytes=20000000-20999999"
GOALS = {"50 MB": 0.9, "500 kB": 0.4, "1 MB of 50 MB": 0.6}
SLOW_GOAL = 3.0
SLOW = 8  # downloads
DAY = "2026/11/05"
WAYS = {"static": "nginx alone", "accel": "X-Accel-Redirect", "direct": "sent by the API"}
NO_EXCHANGE = 9
KEY_HEADER = f"Authorization: Bearer {servers.KEY}"


@dataclass(frozen=True)
class Served:
    """Ports: of nginx, with an API behind it that tells it what to send, and of an API that sends by itself."""

    nginx: int
    alone: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.recordings", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (%(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="of load at a time (%(default)s)")
    args = parser.parse_args()
    report = Report("recordings", vars(args))
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-recordings-")))
        try:
            served = _served(folder, stack)
        except LookupError as error:
            sys.exit(str(error))
        wanted = _wanted(served)
        for connections in CONNECTIONS:
            for name, targets in wanted.items():
                say(f"{name}, {connections} connections ...")
                _measure(report, name, connections, load.put_in_turn(targets, connections, args.rounds, args.seconds))
        for way in ("accel", "direct"):
            say(f"{SLOW} slow downloads, {WAYS[way]} ...")
            _slow(report, wanted["50 MB"][way], way, args)
    report.finish()


def _served(folder: Path, stack: contextlib.ExitStack) -> Served:
    """Raises LookupError when there is no nginx."""
    _write(folder / "monitor")
    environ = {
        **servers.environment(folder, NO_EXCHANGE),
        "RECORDINGS_PATH": str(folder / "monitor"),
        "PBX_TIMEZONE": "UTC",
    }
    migrate = [sys.executable, "-m", "pbxapi", "migrate"]
    subprocess.run(migrate, env=os.environ | environ, check=True, capture_output=True, timeout=60)
    accelerated, _ = stack.enter_context(servers.api({**environ, "RECORDINGS_ACCEL": "/_recordings/"}))
    alone, _ = stack.enter_context(servers.api(environ))
    locations = _LOCATIONS.format(monitor=folder / "monitor")
    return Served(stack.enter_context(servers.nginx(folder / "nginx", locations, accelerated)), alone)


# As pbxapi.http.recording_files wants its location to be.
_LOCATIONS = """
        location /static/ {{ alias {monitor}/; }}
        location /_recordings/ {{
            internal;
            alias {monitor}/;
            disable_symlinks on from={monitor}/;
            add_header X-Content-Type-Options nosniff always;
            add_header X-Request-ID $upstream_http_x_request_id always;
        }}
"""


def _write(monitor: Path) -> None:
    (monitor / DAY).mkdir(parents=True)
    for name, size in SIZES.items():
        file = monitor / DAY / _file(name)
        file.write_bytes((os.urandom(1 << 20) * (size // (1 << 20) + 1))[:size])
        # One that was written to just now may be of a call that goes on.
        os.utime(file, (time.time() - 3600,) * 2)


def _file(name: str) -> str:
    return f"out-0301234567-200-20261105-101500-1793873700.{SIZES[name]}.wav"


def _wanted(served: Served) -> dict[str, dict[str, load.Target]]:
    """What is asked for, of each way to have it."""
    ids = _ids(served.alone)
    found: dict[str, dict[str, load.Target]] = {}
    for name in SIZES:
        path = f"/recordings/{ids[_file(name)]}"
        found[name] = {
            "static": load.Target(served.nginx, f"/static/{DAY}/{_file(name)}"),
            "accel": load.Target(served.nginx, path, (KEY_HEADER,)),
            "direct": load.Target(served.alone, path, (KEY_HEADER,)),
        }
    found["1 MB of 50 MB"] = {
        way: load.Target(target.port, target.path, (*target.headers, RANGE)) for way, target in found["50 MB"].items()
    }
    return found


def _ids(port: int) -> dict[str, str]:
    """The ids of the files, by their names."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", "/recordings?scan=true", headers={"Authorization": f"Bearer {servers.KEY}"})
    response = connection.getresponse()
    document = json.loads(response.read())
    connection.close()
    return {item["name"]: item["id"] for item in document["items"]}


def _measure(report: Report, name: str, connections: int, loads: dict[str, list[load.Load]]) -> None:
    label = f"{name}, {connections} clients" if connections > 1 else f"{name}, 1 client"
    rates = {way: [each.rate for each in found] for way, found in loads.items()}
    what = f"{label}: rate beside nginx static"
    report.at_least(f"{what}, {WAYS['accel']}", ratio(rates["accel"], rates["static"]), GOALS[name])
    value = ratio(rates["direct"], rates["static"])
    report.note(f"{what}, {WAYS['direct']}", f"{value:.2f} x", value)
    for way, found in loads.items():
        report.note(f"{label}, {WAYS[way]}: requests/s, p50, p99", load.speed(found))
    report.samples[label] = load.samples(loads)


def _slow(report: Report, target: load.Target, way: str, args: argparse.Namespace) -> None:
    """How long others wait while some download as slowly as over a poor line."""
    health = load.Target(target.port, "/health/live")
    times: dict[str, list[float]] = {"idle": [], "slow": []}
    for _ in range(args.rounds):
        times["idle"].append(_p99(health, args.seconds))
        with _reading_slowly(target):
            times["slow"].append(_p99(health, args.seconds))
    report.samples[f"p99 of /health/live, {SLOW} slow downloads, {WAYS[way]}"] = times
    what = f"GET /health/live, p99 with {SLOW} slow downloads beside none, {WAYS[way]}"
    value = ratio(times["slow"], times["idle"])
    if way == "accel":
        report.at_most(what, value, SLOW_GOAL)
    else:
        report.note(what, f"{value:.2f} x", value)


def _p99(target: load.Target, seconds: float) -> float:
    return percentile(load.put(target.port, target.path, 1, seconds).latencies, 0.99)


@contextlib.contextmanager
def _reading_slowly(target: load.Target) -> Iterator[None]:
    """Keep some downloads going, each at 160 kB a second; returns when all of them have begun."""
    lines = [f"GET {target.path} HTTP/1.1", "Host: 127.0.0.1", *target.headers]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    ended = threading.Event()

    def read(sock: socket.socket) -> None:
        with sock:
            while not ended.wait(0.1) and sock.recv(16 << 10):
                pass

    threads = []
    for _ in range(SLOW):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)  # else loopback takes megabytes at once
        sock.settimeout(30)
        sock.connect(("127.0.0.1", target.port))
        sock.sendall(request)
        if not sock.recv(1 << 10).startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"{target.path} is not sent")
        threads.append(threading.Thread(target=read, args=(sock,)))
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


if __name__ == "__main__":
    main()
