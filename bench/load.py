"""Put load on a server: `python -m bench.load PORT PATH CONNECTIONS SECONDS [HEADER ...]` prints JSON.

Keep-alive connections of one process, each with one request under way, over epoll and bare sockets: what it costs is
a small part of what the cheapest server costs.
"""

from __future__ import annotations

import json
import re
import select
import socket
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field

PATIENCE = 30.0  # seconds without any answer
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


@dataclass
class Load:
    """What came back. ``latencies`` in seconds, of every request that was answered in the time."""

    seconds: float = 0.0
    cpu: float = 0.0
    latencies: list[float] = field(default_factory=list)
    bytes: int = 0
    statuses: dict[str, int] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        """Good answers a second."""
        return self.statuses.get("200", 0) / self.seconds


def put(port: int, path: str, connections: int, seconds: float, *headers: str) -> Load:
    """Run it in a process of its own. Raises RuntimeError when anything but 200 came back."""
    command = [sys.executable, "-m", "bench.load", str(port), path, str(connections), str(seconds), *headers]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 2 * PATIENCE, check=False)
    if done.returncode:
        raise RuntimeError(f"load on {path}: {done.stderr.strip()[-500:]}")
    load = Load(**json.loads(done.stdout))
    if set(load.statuses) != {"200"}:
        raise RuntimeError(f"{path} answered {load.statuses}")
    return load


class _Connection:
    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.head = b""
        self.missing = -1  # bytes of the body; -1 while the head is not whole
        self.sent = 0.0
        self.status = ""

    def ask(self, request: bytes) -> None:
        self.head, self.missing, self.sent = b"", -1, time.perf_counter()
        self.sock.sendall(request)

    def receive(self, buffer: bytearray) -> int:
        """Take what has come; how many bytes. ``missing`` is 0 at the end of an answer."""
        count = self.sock.recv_into(buffer)
        if count == 0:
            raise ConnectionError("the server closed a connection")
        if self.missing < 0:
            self.head += buffer[:count]
            end = self.head.find(b"\r\n\r\n")
            if end >= 0:
                length = _LENGTH.search(self.head, 0, end + 2)
                if length is None:
                    raise ValueError("an answer with no Content-Length")
                self.status = self.head[9:12].decode()
                self.missing = int(length[1]) - (len(self.head) - end - 4)
        else:
            self.missing -= count
        return count


def run(port: int, path: str, count: int, seconds: float, headers: list[str]) -> Load:
    lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", *headers]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    connections = {connection.sock.fileno(): connection for connection in (_Connection(port) for _ in range(count))}
    buffer = bytearray(1 << 20)
    load = Load()
    _rounds(connections, request, buffer, load, 0.0)  # each worker has served each connection once
    load = Load()
    cpu, began = time.process_time(), time.perf_counter()
    _rounds(connections, request, buffer, load, seconds)
    load.seconds, load.cpu = time.perf_counter() - began, time.process_time() - cpu
    return load


def _rounds(
    connections: dict[int, _Connection], request: bytes, buffer: bytearray, load: Load, seconds: float
) -> None:
    """Ask on every connection again and again for so many seconds, then wait for the last answers."""
    deadline = time.perf_counter() + seconds
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
                load.bytes += connection.receive(buffer)
                if connection.missing == 0:
                    now = time.perf_counter()
                    load.latencies.append(now - connection.sent)
                    load.statuses[connection.status] = load.statuses.get(connection.status, 0) + 1
                    if now < deadline:
                        connection.ask(request)
                    else:
                        busy -= 1


if __name__ == "__main__":
    found = run(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5:])
    print(json.dumps(asdict(found)))
