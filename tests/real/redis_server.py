"""Start, freeze, kill and stop a Redis of our own: memory only, loopback only, with a password."""

from __future__ import annotations

import signal
import socket
import subprocess
from pathlib import Path

from tests.real.deadline import eventually
from tests.real.ports import free_ports
from tests.real.required import program

PASSWORD = "redis-password"


class RedisServer:
    """One private server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        [self.port] = free_ports(1)
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"--port {self.port} --bind 127.0.0.1 --save --appendonly no --requirepass {PASSWORD}".split()
        with (self._folder / "redis.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program("redis-server"), *options, "--dir", str(self._folder)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        eventually(lambda: self.ask("PING") == b"+PONG\r\n", "Redis answers", 20)

    def ask(self, line: str) -> bytes:
        """Send one command in a session of its own; give the bytes of the answer."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 2) as session:
                session.sendall(f"AUTH {PASSWORD}\r\n".encode())
                assert session.recv(100) == b"+OK\r\n"
                session.sendall(f"{line}\r\n".encode())
                return session.recv(10_000)
        except ConnectionError:
            return b""

    def signal(self, number: signal.Signals) -> None:
        """Stop it in its tracks, let it go on, kill it."""
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """Kill it."""
        self.signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(10)

    def stop(self) -> None:
        """End it, whatever it is doing."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
