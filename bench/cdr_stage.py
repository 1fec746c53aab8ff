"""What all parts of `bench.cdr` measure with: the table, the processes that read it, and how long they took."""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.cdr_data import Table
from bench.contest import Process

LEAST = 0.1
"""Seconds that a measurement is to last: what is quick is done many times."""

COLUMNS = (
    "calldate, clid, src, dst, dcontext, channel, dstchannel, lastapp, lastdata, duration, billsec, disposition,"
    " amaflags, accountcode, uniqueid, userfield, did, recordingfile, cnum, cnam, outbound_cnum, outbound_cnam,"
    " dst_cnam, linkedid, peeraccount, sequence"
)
PYMYSQL, FAST = "PyMySQL", "mysqlclient"


@dataclass(frozen=True)
class Stage:
    """`pythons` are the drivers by name, each with a Python that has it. `environ` configures the API."""

    table: Table
    folder: Path
    environ: Mapping[str, str]
    pythons: Mapping[str, str]
    rounds: int
    seconds: float
    closing: contextlib.ExitStack = field(repr=False)

    def process(self, name: str, driver: str) -> Process:
        """Start a contestant, which ends with the benchmark."""
        return self.closing.enter_context(Process(name, 0, python=self.pythons[driver], environ=self.environ))


Turn = Callable[[int], Mapping[str, Any]]
"""Does something so many times and says how many `seconds` that took."""


def turns(contestants: Mapping[str, Turn], rounds: int, most: float = 60.0) -> dict[str, list[float]]:
    """Seconds for each to do it once, round by round, in turn.

    What takes long is done less often: no new round begins after `most` seconds, if there was one.
    """
    counts: dict[str, int] = {}
    for name, turn in contestants.items():
        counts[name] = max(1, round(LEAST / max(turn(1)["seconds"], 1e-4)))  # also fills the caches
    found: dict[str, list[float]] = {name: [] for name in contestants}
    spent = 0.0
    for _ in range(rounds):
        for name, turn in contestants.items():
            seconds = turn(counts[name])["seconds"]
            found[name].append(seconds / counts[name])
            spent += seconds
        if spent > most:
            break
    return found


def shown(samples: list[float]) -> str:
    """The median, in a unit that suits it."""
    seconds = statistics.median(samples)
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.{2 if seconds < 0.1 else 0}f} ms"
