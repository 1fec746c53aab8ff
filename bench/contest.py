"""Contestants, each a process of its own: nobody's event loop, threads or garbage disturb another's measurement.

The parent sends a line of JSON (what to do), the child does it and answers with its time and its processor time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any, Protocol, Self

PATIENCE = 120.0  # seconds for one thing to do
# What somebody who lists endpoints wants of each.
HEADERS = ("ObjectName", "Aor", "Contacts", "DeviceState", "ActiveChannels")


class Contestant(Protocol):
    """A logged-in client of the manager, that does a number of things and returns when they are done."""

    def serial(self, count: int) -> None:
        """Ping so many times, one after the other."""

    def threads(self, count: int, threads: int) -> None:
        """Ping so many times in all, in so many threads (or tasks) at once."""

    def pipelined(self, count: int, depth: int) -> None:
        """Ping in batches of ``depth``: send all of one, then take all of its answers."""

    def listing(self) -> int:
        """List the endpoints as message objects and read HEADERS of each; return how many they are."""


CONTESTANTS = {
    "pbxapi": "bench.clients:Pbxapi",
    "raw": "bench.clients:Raw",
    "raw, one write": "bench.clients:RawOneWrite",
    "asterisk-ami": "bench.rivals:AsteriskAmi",
    "panoramisk": "bench.rivals:Panoramisk",
    "pyst2": "bench.rivals:Pyst2",
    "records": "bench.cdr_clients:Records",
    "driver": "bench.cdr_clients:Driver",
}


class Process:
    """A contestant's process, seen from the parent."""

    def __init__(
        self, name: str, port: int, *, python: str = sys.executable, environ: Mapping[str, str] | None = None
    ) -> None:
        """Start it and wait until it is logged in. Raises LookupError when its library is not installed.

        `environ` is added to the environment.
        """
        self.name = name
        self._child = subprocess.Popen(
            [python, "-W", "ignore", "-m", "bench.contest", name, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environ or {})},
        )
        greeting = self._answer()
        if "missing" in greeting:
            self.close()
            raise LookupError(greeting["missing"])

    def do(self, what: str, *arguments: object) -> dict[str, Any]:
        """Let it do one of its methods: ``seconds``, ``cpu`` (seconds of its processor time) and ``result``."""
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps([what, *arguments]) + "\n")
        self._child.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._child.stdout is not None
        watch = threading.Timer(PATIENCE, self._child.kill)
        watch.start()
        try:
            line = self._child.stdout.readline()
        finally:
            watch.cancel()
        if not line:
            raise RuntimeError(f"{self.name} ended, or did not answer in {PATIENCE:.0f} s")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()
        try:
            self._child.wait(5)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def run_threads(count: int, work: Callable[[int], None]) -> None:
    """Run ``work(number of the thread)`` in so many threads, and wait for all."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main(name: str, port: int) -> None:
    module, _, cls = CONTESTANTS[name].partition(":")
    try:
        contestant = getattr(import_module(module), cls)(port)
    except ModuleNotFoundError as error:
        print(json.dumps({"missing": f"{error.name} is not installed (pip install 'pbxapi[bench]')"}), flush=True)
        return
    print("{}", flush=True)
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        method = getattr(contestant, what)
        cpu, began = time.process_time(), time.perf_counter()
        result = method(*arguments)
        answer = {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "result": result}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
