"""A manager session in plain bytes: the harness must not rest on the client that is under test."""

from __future__ import annotations

import contextlib
import itertools
import socket
import time
from typing import Self


class RawManager(contextlib.AbstractContextManager["RawManager"]):
    """One logged-in session on loopback. Every wait ends at ``timeout`` seconds, with TimeoutError."""

    def __init__(
        self,
        port: int,
        *,
        username: str = "api",
        secret: str = "api-secret",
        events: str = "off",
        timeout: float = 5.0,
    ) -> None:
        self._timeout = timeout
        self._buffer = b""
        self._numbers = itertools.count(1)
        self._socket = socket.create_connection(("127.0.0.1", port), timeout)
        try:
            self._read_to(b"\r\n", time.monotonic() + timeout)
            [self.login] = self.ask("Login", Username=username, Secret=secret, Events=events)
            if self.login["Response"] != "Success":
                raise ConnectionError(self.login["Message"])
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def ask(self, action: str, **fields: str) -> list[dict[str, str]]:
        """Send one action; return the messages that answer it: the response, then a list's items and its end."""
        action_id = f"raw-{next(self._numbers)}"
        lines = [("Action", action), ("ActionID", action_id), *fields.items()]
        self._socket.sendall("".join(f"{name}: {value}\r\n" for name, value in lines).encode() + b"\r\n")
        deadline = time.monotonic() + self._timeout
        answer: list[dict[str, str]] = []
        while True:
            message = self._message(deadline)
            if message.get("ActionID") != action_id:
                continue
            answer.append(message)
            kind = message.get("EventList", "").lower()
            if kind in ("complete", "cancelled") or ("Response" in message and kind != "start"):
                return answer

    def wait_event(self, name: str) -> dict[str, str]:
        """Read on to the next event of this name."""
        deadline = time.monotonic() + self._timeout
        while True:
            message = self._message(deadline)
            if message.get("Event") == name:
                return message

    def _message(self, deadline: float) -> dict[str, str]:
        lines = self._read_to(b"\r\n\r\n", deadline).decode("utf-8", "replace").split("\r\n")
        return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}

    def _read_to(self, end: bytes, deadline: float) -> bytes:
        while end not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("the manager has not answered in time")
            self._socket.settimeout(left)
            received = self._socket.recv(65536)
            if not received:
                raise ConnectionError("the manager closed the session")
            self._buffer += received
        head, _, self._buffer = self._buffer.partition(end)
        return head


def live_channels(manager: RawManager) -> set[str]:
    return {row["Channel"] for row in manager.ask("CoreShowChannels") if row.get("Event") == "CoreShowChannel"}


def hang_up_all(manager: RawManager, *, but: frozenset[str] = frozenset(), timeout: float = 5.0) -> None:
    """Hang up every channel but those named, and wait until they are gone."""
    deadline = time.monotonic() + timeout
    while channels := live_channels(manager) - but:
        if time.monotonic() > deadline:
            raise TimeoutError(f"channels outlive their hang-up: {sorted(channels)}")
        for channel in channels:
            manager.ask("Hangup", Channel=channel)
        time.sleep(0.02)
