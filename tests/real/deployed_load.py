"""Clients that keep their connections open, ask again and again, and count what was not answered as it should be."""

from __future__ import annotations

import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPSConnection
from pathlib import Path

from tests.real.api import KEY

GET, POST = ("GET", "/system/info"), ("POST", "/calls")


class Load:
    """What was answered: (method, status) -> how often; a status of 0 is no answer at all."""

    def __init__(self, port: int, ca: Path) -> None:
        self.seen: Counter[tuple[str, int]] = Counter()
        self.faults: list[str] = []
        self._port = port
        self._context = ssl.create_default_context(cafile=str(ca))
        self._ends = threading.Event()
        self._lock = threading.Lock()

    def failed(self, method: str | None = None) -> int:
        """Count the answers that no client should get: none at all, and 5xx."""
        return sum(n for (verb, status), n in self.seen.items() if method in {None, verb} and not 200 <= status < 500)

    def answered(self) -> int:
        return sum(self.seen.values())

    @contextmanager
    def running(self, clients: int) -> Iterator[None]:
        threads = [threading.Thread(target=self._client, args=(POST if n % 4 == 0 else GET,)) for n in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._ends.set()
            for thread in threads:
                thread.join(60)

    def _client(self, asked: tuple[str, str]) -> None:
        connection = HTTPSConnection("localhost", self._port, context=self._context, timeout=30)
        while not self._ends.is_set():
            status = self._ask(connection, *asked)
            with self._lock:
                self.seen[asked[0], status] += 1
        connection.close()

    def _ask(self, connection: HTTPSConnection, method: str, path: str) -> int:
        # An empty object is refused by what serves it (422): nothing rings, and yet it was served.
        body = b"{}" if method == "POST" else None
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            answer.read()
        except (OSError, HTTPException) as error:
            self.faults.append(f"{method}: {error!r}")
            connection.close()
            return 0
        return answer.status
