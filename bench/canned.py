"""A server that knows one list by heart: it replays recorded bytes as fast as the socket takes them.

So a client's own part of the time is seen, which a real Asterisk hides behind its own.
"""

from __future__ import annotations

import contextlib
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from bench.exchange import SECRET, USERNAME

ID = b"recorded-action-id"
END = b"\r\n\r\n"
BANNER = b"Asterisk Call Manager/11.0.0\r\n"


def record(port: int) -> bytes:
    """What a real server answers to PJSIPShowEndpoints, to the end of the closing event."""
    with socket.create_connection(("127.0.0.1", port), 60) as sock:
        login = f"Action: Login\r\nUsername: {USERNAME}\r\nSecret: {SECRET}\r\nEvents: off\r\n\r\n"
        sock.sendall(login.encode() + b"Action: PJSIPShowEndpoints\r\nActionID: " + ID + END)
        received = bytearray()
        while not (b"EventList: Complete" in received[-200:] and received.endswith(END)):
            data = sock.recv(262_144)
            if not data:
                raise ConnectionError("the server closed the session")
            received += data
    answer = re.search(b"Response: Success\r\nActionID: " + ID, received)
    if answer is None:
        raise RuntimeError("the server does not answer to PJSIPShowEndpoints")
    return bytes(received[answer.start() :])


def times(recorded: bytes, count: int) -> bytes:
    """The same list with its items ``count`` times over."""
    response, *items, closing = recorded.removesuffix(END).split(END)
    return END.join([response, *items * count, closing]) + END


@contextlib.contextmanager
def serving(recorded: bytes, folder: Path) -> Iterator[int]:
    """Serve it from another process; its port."""
    path = folder / f"list-{len(recorded)}"
    path.write_bytes(recorded)
    command = [sys.executable, "-m", "bench.canned", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            yield int(server.stdout.readline())
        finally:
            server.stdin.close()  # which ends it
            server.wait(5)


def main(path: Path) -> None:
    parts = path.read_bytes().split(ID)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        threading.Thread(target=_accept, args=(listener, parts), daemon=True).start()
        sys.stdin.read()


def _accept(listener: socket.socket, parts: list[bytes]) -> None:
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=_serve, args=(sock, parts), daemon=True).start()


def _serve(sock: socket.socket, parts: list[bytes]) -> None:
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with sock, contextlib.suppress(ConnectionError):
        sock.sendall(BANNER)
        buffer = b""
        while data := sock.recv(65_536):
            *actions, buffer = (buffer + data).split(END)
            for action in actions:
                fields = dict(line.split(b": ", 1) for line in action.split(b"\r\n"))
                action_id = fields.get(b"ActionID", b"")
                if fields[b"Action"] == b"PJSIPShowEndpoints":
                    sock.sendall(action_id.join(parts))
                else:
                    said = b"Challenge: 1" if fields[b"Action"] == b"Challenge" else b"Message: Authentication accepted"
                    sock.sendall(b"Response: Success\r\nActionID: " + action_id + b"\r\n" + said + END)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
