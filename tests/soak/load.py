"""Many clients at once through nginx: nobody is failed, nobody waits out of proportion, and sessions stay few."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

from tests.soak.settled import Settling, Verdict
from tests.soak.traffic import Traffic, failed
from tests.soak.world import WORKERS, Figures, Served, World, rest

SLOWEST = 10.0
"""Times the median that the slowest of a hundred may take, by operation."""
NOTHING = 0.050
"""Seconds below which that says nothing: on two cores a process waits so long for its turn."""
LANES = 3
POOLED = 15
ENGINES = 3
"""The platform's tables, call records, statistics: each with a pool of its own (SQLAlchemy's 5, and 10 more)."""
FEW = 100
"""Answers of an operation below which there is no slowest of a hundred."""
SAMPLE = 20.0
FLAT = 8.0
"""Megabytes that a worker may grow by in the second half of a run of ten minutes."""


@dataclass
class Operation:
    """Seconds of its good answers."""

    count: int
    half: float
    most: float


@dataclass
class LoadFinding:
    """What a run came to."""

    clients: int
    seconds: float
    operations: dict[str, Operation] = field(default_factory=dict)
    answers: int = 0
    failures: dict[tuple[int, str], int] = field(default_factory=dict)
    manager_sessions: int = 0
    database_sessions: int = 0
    figures: list[Figures] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    broken: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        return self.answers / self.seconds


def put_load(
    world: World, clients: int, seconds: float, *, timed: bool = True, served: Served | None = None
) -> LoadFinding:
    """Let so many ask for so long, around the proxies, which would cost more than what is measured.

    `timed` holds the slowest against the median: on a machine that has nothing else to do.
    """
    finding = LoadFinding(clients, seconds)
    with contextlib.nullcontext(served) if served else world.served(direct=True) as running:
        traffic = Traffic(running.port, clients, pause=0.0, apply=0)
        with traffic.running():
            rest(min(5.0, seconds / 5))  # until everyone has been served once, and has a number
            warm = len(traffic.answers)
            ended = threading.Event()
            sampler = threading.Thread(target=_sample, args=(world, running.figures, finding, ended))
            sampler.start()
            rest(seconds)
            ended.set()
            sampler.join()
        del traffic.answers[:warm]
        finding.verdict = Settling(world, running.port).look(traffic.entries)
    _judge(finding, traffic, timed=timed)
    world.exchange.clear()
    return finding


def _sample(world: World, figures: Callable[[], Figures], finding: LoadFinding, ended: threading.Event) -> None:
    following = monotonic()
    while not ended.wait(0.5):
        finding.database_sessions = max(finding.database_sessions, world.database_sessions())
        if monotonic() >= following:
            following += SAMPLE
            finding.manager_sessions = max(finding.manager_sessions, world.manager_sessions())
            finding.figures.append(figures())


def _judge(finding: LoadFinding, traffic: Traffic, *, timed: bool) -> None:
    finding.answers = len(traffic.answers)
    for answer in filter(failed, traffic.answers):
        key = answer.status, answer.problem
        finding.failures[key] = finding.failures.get(key, 0) + 1
    broken = finding.broken
    broken += [f"{count} x {status} {problem}" for (status, problem), count in finding.failures.items()]
    broken += [f"wrong answer: {each}" for each in traffic.wrong] + finding.verdict.broken
    for op, seconds in traffic.latencies().items():
        half, most = seconds[len(seconds) // 2], seconds[int(len(seconds) * 0.99)]
        finding.operations[op] = Operation(len(seconds), half, most)
        if timed and len(seconds) >= FEW and most > max(SLOWEST * half, NOTHING):
            broken.append(f"{op}: p99 {most * 1000:.0f} ms, p50 {half * 1000:.0f} ms")
    if finding.manager_sessions > LANES * WORKERS:
        broken.append(f"{finding.manager_sessions} sessions with the manager")
    if finding.database_sessions > POOLED * ENGINES * WORKERS:
        broken.append(f"{finding.database_sessions} sessions with the database")
    some = finding.figures
    if len(some) >= 4 and some[-1].megabytes > some[len(some) // 2].megabytes + FLAT * WORKERS:
        broken.append(f"memory: {some[len(some) // 2].megabytes:.0f} MB at half time, {some[-1].megabytes:.0f} MB")
