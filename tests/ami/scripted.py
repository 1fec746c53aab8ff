"""A manager made of bytes: a TCP server that speaks AMI as a test tells it to."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from pbxapi.ami import Client, ClientConfig

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
USER, SECRET = "api", "s3cret-of-the-tests"


class Action:
    """An action as it came; headers by their own spelling, the last of a name."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.headers = dict(line.split(": ", 1) for line in raw.decode().split("\r\n"))
        self.name = self.headers["Action"]
        self.id = self.headers["ActionID"]


class Session:
    """The server's end of one connection."""

    def __init__(self, server: ScriptedManager, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.actions: list[Action] = []
        self._sending = threading.Lock()

    def send(self, data: bytes) -> None:
        with self._sending:
            self.sock.sendall(data)

    def answer(self, action: Action, *lines: str, response: str = "Success") -> None:
        text = "\r\n".join([f"Response: {response}", f"ActionID: {action.id}", *lines])
        self.send(text.encode() + b"\r\n\r\n")

    def event(self, name: str, *lines: str, action: Action | None = None) -> None:
        ids = [f"ActionID: {action.id}"] if action else []
        self.send("\r\n".join([f"Event: {name}", *ids, *lines]).encode() + b"\r\n\r\n")

    def hang_up(self) -> None:
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)

    def serve(self) -> None:
        self.send(self.server.banner)
        rest = b""
        while data := self.sock.recv(65536):
            *blocks, rest = (rest + data).split(b"\r\n\r\n")
            for block in blocks:
                action = Action(block)
                self.actions.append(action)
                self.server.dispatch(self, action)


Answer = Callable[[Session, Action], None]


class ScriptedManager:
    """Listens on a loopback port. `on` says what to do with an action; without it Success is the answer."""

    def __init__(self, *, context: ssl.SSLContext | None = None, port: int = 0) -> None:
        self.banner = BANNER
        self.secret = SECRET
        self.sessions: list[Session] = []
        self._answers: dict[str, Answer] = {"Challenge": self._challenge, "Login": self._login}
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept)]

    def on(self, name: str, answer: Answer) -> None:
        self._answers[name] = answer

    @property
    def actions(self) -> list[Action]:
        """Every action of every session but those of the login."""
        every = [action for session in self.sessions for action in session.actions]
        return [action for action in every if action.name not in ("Challenge", "Login")]

    def config(self, **changes: Any) -> ClientConfig:
        values: dict[str, Any] = {"port": self.port, "username": USER, "secret": SECRET}
        return ClientConfig(**(values | changes))

    def client(self, **changes: Any) -> Client:
        return Client(self.config(**changes))

    def dispatch(self, session: Session, action: Action) -> None:
        self._answers.get(action.name, Session.answer)(session, action)

    def stop_listening(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def __enter__(self) -> Self:
        self._threads[0].start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop_listening()
        for session in self.sessions:
            session.hang_up()
        for thread in self._threads:
            thread.join(5)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._serve, args=(sock,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.closing(sock):  # the client may leave at any time
            if self._context is not None:
                sock = self._context.wrap_socket(sock, server_side=True)
            with sock:
                session = Session(self, sock)
                self.sessions.append(session)
                session.serve()

    def _challenge(self, session: Session, action: Action) -> None:
        session.answer(action, "Challenge: 102569458")

    def _login(self, session: Session, action: Action) -> None:
        key = hashlib.md5(f"102569458{self.secret}".encode(), usedforsecurity=False).hexdigest()
        if action.headers.get("Key") == key or action.headers.get("Secret") == self.secret:
            session.answer(action, "Message: Authentication accepted")
        else:
            session.answer(action, "Message: Authentication failed", response="Error")
            session.hang_up()
