"""A manager that answers from a script, in bytes, and remembers what it was sent."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import Self

UNKNOWN = "Response: Error\nMessage: Invalid/unknown command: {}. Use Action: ListCommands to show available commands."


class ScriptedManager(contextlib.AbstractContextManager["ScriptedManager"]):
    """``answers`` holds what is sent for an action: messages parted by blank lines, without their ActionID.

    An action with an empty answer is left waiting.
    """

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.received: list[dict[str, str]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sessions: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Refuse new sessions and end those that are open."""
        for each in (self._listener, *self._sessions):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(5)

    def actions(self, name: str) -> list[dict[str, str]]:
        """What was received of an action, its headers by name."""
        return [action for action in self.received if action["Action"] == name]

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                session, _ = self._listener.accept()
                self._sessions.append(session)
                self._threads.append(threading.Thread(target=self._serve, args=(session,)))
                self._threads[-1].start()

    def _serve(self, session: socket.socket) -> None:
        with contextlib.suppress(OSError), session.makefile("rb") as lines:
            session.sendall(b"Asterisk Call Manager/11.0.0\r\n")
            fields: list[str] = []
            for line in lines:
                text = line.decode().rstrip("\r\n")
                if text:
                    fields.append(text)
                    continue
                action = {name: value.strip() for name, _, value in (field.partition(":") for field in fields)}
                fields = []
                self.received.append(action)
                session.sendall(self._answer(action))

    def _answer(self, action: dict[str, str]) -> bytes:
        name = action["Action"]
        known = {"Challenge": "Response: Success\nChallenge: 4711", "Login": "Response: Success", **self.answers}
        found = known.get(name, UNKNOWN.format(name))
        if not found:
            return b""
        messages = (f"{message.strip()}\nActionID: {action['ActionID']}\n\n" for message in found.split("\n\n"))
        return "".join(messages).replace("\n", "\r\n").encode()
