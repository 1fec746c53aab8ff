"""A client of HTTP that measures, keeps one connection, and gives up at a deadline."""

from __future__ import annotations

import http.client
import json
import select
from dataclasses import dataclass
from time import monotonic
from typing import Any

from tests.real.api import KEY

DEADLINE = 58.0
"""Seconds after which an answer counts as never given; nginx gives up after 60."""


@dataclass(frozen=True)
class Answer:
    """What came back. `status` 0 is no answer; `problem` its type's last word, or what the connection met with."""

    op: str
    status: int
    problem: str
    detail: str
    body: Any
    began: float
    seconds: float

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def ended(self) -> float:
        return self.began + self.seconds


class Client:
    """Asks one server over one connection, made anew after each failure."""

    def __init__(self, port: int, prefix: str = "") -> None:
        self._port = port
        self._prefix = prefix
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, op: str, method: str, path: str, body: object = None) -> Answer:
        """Send one request; raises nothing that the network does."""
        began = monotonic()
        try:
            status, problem, detail, found = self._ask(method, path, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            status, problem, detail, found = 0, type(error).__name__, str(error), None
        return Answer(op, status, problem, detail, found, began, monotonic() - began)

    def _ask(self, method: str, path: str, body: object) -> tuple[int, str, str, Any]:
        if self._connection is not None and _closed(self._connection):
            self.close()
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=DEADLINE)
        headers = {"Authorization": f"Bearer {KEY}"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        sent = None if body is None else json.dumps(body).encode()
        self._connection.request(method, self._prefix + path, sent, headers)
        response = self._connection.getresponse()
        data = response.read()
        if response.will_close:
            self.close()
        if "json" not in (response.getheader("Content-Type") or ""):
            return response.status, "not JSON", "", None
        found = json.loads(data)
        if response.status < 400:
            return response.status, "", "", found
        return response.status, str(found.get("type", "")).rpartition("/")[2], str(found.get("detail", "")), found

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _closed(connection: http.client.HTTPConnection) -> bool:
    """Whether the server closed it while it was idle: the usual clients (urllib3) look before they send."""
    return connection.sock is None or bool(select.select([connection.sock], [], [], 0)[0])
