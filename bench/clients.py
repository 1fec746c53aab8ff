"""Contestants: this project's client, and bare sockets with no parsing at all."""

from __future__ import annotations

import socket
import sys
import threading
import time

from bench.contest import HEADERS, run_threads
from bench.exchange import SECRET, USERNAME
from pbxapi.ami import Client, ClientConfig, Message
from pbxapi.pbx.peers_pjsip import make_peer
from pbxapi.serve import SWITCH_INTERVAL

LIST_TIMEOUT = 60.0


class Pbxapi:
    """`pbxapi.ami`, as the API uses it: one client, shared by all threads."""

    def __init__(self, port: int) -> None:
        sys.setswitchinterval(SWITCH_INTERVAL)  # as pbxapi.serve does
        self._client = Client(ClientConfig(port=port, username=USERNAME, secret=SECRET))
        self._client.request("Ping")

    def serial(self, count: int) -> None:
        for _ in range(count):
            self._client.request("Ping")

    def threads(self, count: int, threads: int) -> None:
        run_threads(threads, lambda _: self.serial(count // threads))

    def pipelined(self, count: int, depth: int) -> None:
        for _ in range(count // depth):
            for pending in [self._client.start("Ping") for _ in range(depth)]:
                pending.result()

    def listing(self) -> int:
        return len([[event[header] for header in HEADERS] for event in self._list()])

    def peers(self) -> int:
        """List the endpoints as what the API works with: `Peer` objects."""
        return len([make_peer(event, {}) for event in self._list()])

    def _list(self) -> tuple[Message, ...]:
        return self._client.request("PJSIPShowEndpoints", until="EndpointListComplete", timeout=LIST_TIMEOUT).events

    def latency(self, count: int, listing: int) -> list[float]:
        """The time of each of ``count`` Pings, 1 ms apart, while ``listing`` threads list the endpoints."""
        ending = threading.Event()
        lists = [threading.Thread(target=self._list_until, args=(ending,)) for _ in range(listing)]
        for thread in lists:
            thread.start()
        times = []
        try:
            for _ in range(count):
                began = time.perf_counter()
                self._client.request("Ping")
                times.append(time.perf_counter() - began)
                time.sleep(0.001)
        finally:
            ending.set()
            for thread in lists:
                thread.join()
        return times

    def _list_until(self, ending: threading.Event) -> None:
        while not ending.is_set():
            self.peers()


class _Session:
    """A logged-in socket that counts messages and looks at nothing else."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), LIST_TIMEOUT)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = bytearray()
        self.sock.sendall(_action("Login", Username=USERNAME, Secret=SECRET, Events="off"))
        self.read_to(b"Authentication accepted\r\n\r\n")

    def read_to(self, end: bytes) -> None:
        received = b""
        while end not in received[-4096:]:
            received = received[-4096:] + self._receive()

    def messages(self, count: int) -> None:
        """Read so many messages. No more than these are on their way."""
        tail = b""
        while count > 0:
            received = tail + self._receive()
            count -= received.count(b"\r\n\r\n")
            tail = received[-3:] if not received.endswith(b"\r\n\r\n") else b""

    def _receive(self) -> bytes:
        received = self.sock.recv(262_144)
        if not received:
            raise ConnectionError("the server closed the session")
        return received


class Raw:
    """Bare sockets: an action is one `send`. With threads, each has a session of its own."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._session = _Session(port)
        self._sessions: list[_Session] = []

    def serial(self, count: int) -> None:
        self._serial(self._session, count)

    def threads(self, count: int, threads: int) -> None:
        while len(self._sessions) < threads:
            self._sessions.append(_Session(self._port))
        run_threads(threads, lambda number: self._serial(self._sessions[number], count // threads))

    def pipelined(self, count: int, depth: int) -> None:
        for batch in range(count // depth):
            for number in range(depth):
                self._session.sock.sendall(_action("Ping", ActionID=f"raw-{batch}.{number}"))
            self._session.messages(depth)

    def listing(self) -> None:
        """The server's own time for its list: read on until it ends, and parse nothing."""
        self._session.sock.sendall(_action("PJSIPShowEndpoints", ActionID="raw-list"))
        self._session.read_to(b"\r\nEventList: Complete\r\nListItems: ")

    def queues(self) -> None:
        """The same for its queues."""
        self._session.sock.sendall(_action("QueueStatus", ActionID="raw-queues"))
        self._session.read_to(b"\r\nEventList: Complete\r\nListItems: ")

    def _serial(self, session: _Session, count: int) -> None:
        for number in range(count):
            session.sock.sendall(_action("Ping", ActionID=f"raw-{number}"))
            session.messages(1)


class RawOneWrite(Raw):
    """The fastest that a pipeline can be: the whole batch, made beforehand, in one `send`."""

    def pipelined(self, count: int, depth: int) -> None:
        batch = b"".join(_action("Ping", ActionID=f"raw-{number}") for number in range(depth))
        for _ in range(count // depth):
            self._session.sock.sendall(batch)
            self._session.messages(depth)


def _action(name: str, **fields: str) -> bytes:
    lines = [f"Action: {name}\r\n", *(f"{field}: {value}\r\n" for field, value in fields.items())]
    return "".join(lines).encode() + b"\r\n"
