"""One manager session: a thread that reads requests, answers them in order and writes events in between."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pbxapi.demo.access import User
from pbxapi.demo.wire import BANNER, Message, Request, RequestReader, encode

WRITE_TIMEOUT = 1.0  # seconds a reader may stall before it is dropped (`writetimeout`)
MAX_WAITING = 8 << 20  # bytes of events that may wait for a session


@dataclass(frozen=True)
class Answer:
    """What is written for one request, and whether the session ends after it."""

    messages: list[Message]
    close: bool = False


@dataclass(frozen=True)
class Later:
    """An answer that must wait: `then` is asked for it once `ready` is set or `timeout` seconds have passed."""

    ready: threading.Event
    timeout: float
    then: Callable[[], Answer]


class Desk(Protocol):
    """What a session brings its requests to."""

    auth_timeout: float

    def answer(self, session: Session, request: Request) -> Answer | Later:
        """Run one request."""

    def left(self, session: Session) -> None:
        """The session has ended."""


class Session:
    """One connection. Only its own thread writes to the socket, so a slow reader holds up nobody else."""

    def __init__(self, sock: socket.socket, desk: Desk) -> None:
        self.user: User | None = None
        self.username = ""
        self.challenge = ""
        self.wanted: frozenset[str] = frozenset()
        self.remote: tuple[str, int] = sock.getpeername()
        self.local: tuple[str, int] = sock.getsockname()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sock = sock
        self._desk = desk
        self._reader = RequestReader()
        self._events: deque[bytes] = deque()
        self._waiting = 0
        self._open = True
        self._lock = threading.Lock()
        self._pause: threading.Event | None = None
        self._wake_in, self._wake_out = socket.socketpair()
        self._wake_out.setblocking(False)
        self._thread = threading.Thread(target=self._run, name="demo-session", daemon=True)

    def start(self) -> None:
        """Greet and begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Tell the session to end; it does so within WRITE_TIMEOUT."""
        with self._lock:
            self._close()
        self._wake()

    def discard(self) -> None:
        """Close a session that was never started."""
        for sock in (self._sock, self._wake_in, self._wake_out):
            sock.close()

    def join(self, timeout: float) -> None:
        """Wait for its thread."""
        self._thread.join(timeout)

    def hear(self, kind: str, data: bytes) -> None:
        """Queue an event of a class that the user may read and asked for; drop the session when too many wait."""
        if self.user is None or kind not in self.user.read or kind not in self.wanted:
            return
        with self._lock:
            first = not self._events
            self._events.append(data)
            self._waiting += len(data)
            if self._waiting > MAX_WAITING:
                self._close()
        if first:
            self._wake()

    def _close(self) -> None:
        self._open = False
        if self._pause is not None:
            self._pause.set()

    def _wake(self) -> None:
        try:
            self._wake_out.send(b"\0")
        except OSError:  # full (it will wake anyway) or closed
            return

    def _run(self) -> None:
        try:
            with self._sock, self._wake_in, self._wake_out, selectors.DefaultSelector() as selector:
                self._sock.settimeout(WRITE_TIMEOUT)
                selector.register(self._sock, selectors.EVENT_READ)
                selector.register(self._wake_in, selectors.EVENT_READ)
                self._serve(selector)
        except OSError:  # the client is gone, or reads too slowly: nobody is left to tell
            return
        finally:
            self._desk.left(self)

    def _serve(self, selector: selectors.BaseSelector) -> None:
        self._sock.sendall(BANNER)
        deadline = time.monotonic() + self._desk.auth_timeout
        while self._open:
            remaining = None if self.user else deadline - time.monotonic()
            if remaining is not None and remaining <= 0:
                return
            for key, _ in selector.select(remaining):
                if key.fileobj is self._wake_in:
                    self._wake_in.recv(4096)
                elif not self._read():
                    return
            self._write_events()

    def _read(self) -> bool:
        data = self._sock.recv(65536)
        for request in self._reader.feed(data):
            if not self._open or not self._run_one(request):
                return False
        return bool(data)

    def _run_one(self, request: Request) -> bool:
        answer = self._desk.answer(self, request)
        if isinstance(answer, Later):
            answer = self._wait_for(answer)
            if not self._open:
                return False
        self._sock.sendall(encode(answer.messages))
        if not answer.close:
            self._write_events()
        return not answer.close

    def _wait_for(self, later: Later) -> Answer:
        with self._lock:
            self._pause = later.ready
            if not self._open:
                later.ready.set()
        later.ready.wait(later.timeout)
        with self._lock:
            self._pause = None
        return later.then()

    def _write_events(self) -> None:
        with self._lock:
            data = b"".join(self._events)
            self._events.clear()
            self._waiting = 0
        if data:
            self._sock.sendall(data)
