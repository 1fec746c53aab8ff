"""Put load on a server: `python -m bench.load PORT PATH CONNECTIONS SECONDS [HEADER ...]` prints JSON.

Keep-alive connections of one process, each with one request under way, over epoll and bare sockets: what it costs is
a small part of what the cheapest server costs.
"""

from __future__ import annotations

import json
import re
import select
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from bench.report import percentile

PATIENCE = 30.0  # seconds without any answer
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Load:
    """What came back. ``latencies`` in seconds, of every good answer; ``seconds`` until the last of them."""

    seconds: float = 0.0
    cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return len(self.latencies) / self.seconds


def put(port: int, path: str, connections: int, seconds: float, *headers: str) -> Load:
    """Run it in a process of its own. Raises RuntimeError when no answer was good."""
    command = [sys.executable, "-m", "bench.load", str(port), path, str(connections), str(seconds), *headers]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 2 * PATIENCE, check=False)
    if done.returncode:
        raise RuntimeError(f"load on {path}: {done.stderr.strip()[-500:]}")
    load = Load(**json.loads(done.stdout))
    if not load.latencies:
        raise RuntimeError(f"{path}: none of {load.failed} answers was good")
    return load


@dataclass(frozen=True)
class Target:
    """Something to put load on."""

    port: int
    path: str
    headers: tuple[str, ...] = ()


def put_in_turn(targets: Mapping[str, Target], connections: int, rounds: int, seconds: float) -> dict[str, list[Load]]:
    """The same load on each, round after round."""
    found: dict[str, list[Load]] = {name: [] for name in targets}
    for _ in range(rounds):
        for name, target in targets.items():
            found[name].append(put(target.port, target.path, connections, seconds, *target.headers))
    return found


def speed(loads: Sequence[Load]) -> str:
    """The median rate, and how long one takes."""
    latencies = [latency for each in loads for latency in each.latencies]
    half, most = (percentile(latencies, share) * 1000 for share in (0.5, 0.99))
    failed = sum(each.failed for each in loads)
    words = f"{statistics.median(each.rate for each in loads):.0f}/s, {half:.1f}, {most:.1f} ms"
    return f"{words}, {failed} of {failed + len(latencies)} failed" if failed else words


def samples(loads: Mapping[str, Sequence[Load]]) -> dict[str, list[dict[str, Any]]]:
    """What a report is to keep of them."""
    return {
        name: [{"rate": each.rate, "failed": each.failed, "latencies": each.latencies} for each in found]
        for name, found in loads.items()
    }


class _Connection:
    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head = b""
        self.missing = -1  # bytes of the body; -1 while the head is not whole
        self.sent = 0.0
        self.good = False

    def ask(self, request: bytes) -> None:
        self.head, self.missing, self.sent = b"", -1, time.perf_counter()
        self.sock.sendall(request)

    def receive(self, buffer: bytearray) -> None:
        """Take what has come. ``missing`` is 0 at the end of an answer."""
        count = self.sock.recv_into(buffer)
        if count == 0:
            raise ConnectionError("the server closed a connection")
        if self.missing < 0:
            self.head += buffer[:count]
            end = self.head.find(b"\r\n\r\n")
            if end >= 0:
                length = _LENGTH.search(self.head, 0, end + 2)
                unchanged = self.head.startswith(b"HTTP/1.1 304 ")
                if length is None and not unchanged:
                    raise ValueError("an answer with no Content-Length")
                self.good = unchanged or self.head.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 206 "))
                whole = int(length[1]) if length and not unchanged else 0
                self.missing = whole - (len(self.head) - end - 4)
        else:
            self.missing -= count


def run(port: int, path: str, count: int, seconds: float, headers: list[str]) -> Load:
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    connections = {connection.sock.fileno(): connection for connection in (_Connection(port) for _ in range(count))}
    buffer = bytearray(1 << 20)
    load = Load()
    _rounds(connections, request, buffer, load, 0.0)  # each worker has served each connection once
    load = Load()
    cpu = time.process_time()
    _rounds(connections, request, buffer, load, seconds)
    load.cpu = time.process_time() - cpu
    return load


def _rounds(connections: dict[int, _Connection], request: bytes, buffer: bytearray, load: Load, seconds: float) -> None:
    """Ask on every connection again and again for so many seconds, then wait for the last answers."""
    began = time.perf_counter()
    deadline = began + seconds
    with select.epoll() as poll:
        for number, connection in connections.items():
            poll.register(number, select.EPOLLIN)
            connection.ask(request)
        busy = len(connections)
        while busy:
            events = poll.poll(PATIENCE)
            if not events:
                raise TimeoutError("no answer")
            for number, _ in events:
                connection = connections[number]
                connection.receive(buffer)
                if connection.missing == 0:
                    now = time.perf_counter()
                    if connection.good:
                        load.latencies.append(now - connection.sent)
                        load.seconds = now - began
                    else:
                        load.failed += 1
                    if now < deadline:
                        connection.ask(request)
                    else:
                        busy -= 1


if __name__ == "__main__":
    found = run(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5:])
    print(json.dumps(asdict(found)))
