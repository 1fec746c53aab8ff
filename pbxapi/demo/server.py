"""The listening socket: it accepts sessions and ends them all."""

from __future__ import annotations

import socket
import threading
import time

from pbxapi.demo.session import Desk, Session


class Server:
    """Listens on the loopback address; port 0 takes a free one."""

    def __init__(self, desk: Desk, port: int) -> None:
        self._desk = desk
        self._sessions: set[Session] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="demo-accept", daemon=True)

    def start(self) -> None:
        """Begin to accept."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """Close the listening socket, end every session and wait for their threads."""
        deadline = time.monotonic() + timeout
        with self._lock:
            self._stopped.set()
            sessions = list(self._sessions)
        if self._thread.ident is not None:
            self._knock()
            self._thread.join(max(0.0, deadline - time.monotonic()))
        self._socket.close()
        for session in sessions:
            session.stop()
        for session in sessions:
            session.join(max(0.0, deadline - time.monotonic()))

    def forget(self, session: Session) -> None:
        """The session has ended."""
        with self._lock:
            self._sessions.discard(session)

    def _knock(self) -> None:
        """Wake the accepting thread: closing a socket does not interrupt accept() on every system."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:  # it is not listening any more, which is all we want
            return

    def _accept(self) -> None:
        while not self._stopped.is_set():
            try:
                sock, _ = self._socket.accept()
            except OSError:  # out of file descriptors: some session will end
                self._stopped.wait(0.1)
                continue
            try:
                session = Session(sock, self._desk)
            except OSError:  # gone again already
                sock.close()
                continue
            with self._lock:
                stopped = self._stopped.is_set()
                if not stopped:
                    self._sessions.add(session)
            if stopped:
                session.discard()
            else:
                session.start()
