"""Running a scenario: traffic, the fault, what came of it, and whether every promise was kept."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from tests.real.deadline import eventually
from tests.soak.clock import Clock
from tests.soak.scenarios import SCENARIOS, CannotError, Run, Scenario, small_disk
from tests.soak.settled import Settling, Verdict
from tests.soak.traffic import Traffic, failed
from tests.soak.world import WORKERS, Figures, Served, World, rest

CLIENTS = 40
SETTLE = 2.0
RECOVER = 45.0
MORE_FILES, MORE_THREADS, MORE_MEGABYTES = 8, 6, 12.0
"""How many more than after the round before, in each worker, are no leak yet."""

LIVE = 5.0
"""Seconds within which a worker says that it lives, whatever else hangs."""


@dataclass
class Finding:
    """One line of the table."""

    name: str
    what: str
    cannot: str = ""
    seen: Counter[tuple[int, str]] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)
    good: int = 0
    recovered: float = 0.0
    longest: float = 0.0
    live: float = 0.0
    figures: list[Figures] = field(default_factory=list)
    verdict: Verdict = field(default_factory=Verdict)
    errors: Counter[str] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)


def conduct(
    world: World, name: str, seconds: float, rounds: int = 2, *, clients: int = CLIENTS, served: Served | None = None
) -> Finding:
    """Let it happen `rounds` times; a leak shows from one to the next. Without `served` the API is started for it."""
    scenario = SCENARIOS[name]
    finding = Finding(name, scenario.what)
    try:
        clock = _clock(world.folder) if scenario.clock else None
        with contextlib.nullcontext(served) if served else _served(world, scenario, clock) as running:
            _rounds(world, running, clock, scenario, finding, seconds, rounds, clients)
    except CannotError as error:
        finding.cannot = str(error)
    finally:
        world.exchange.asterisk.ensure_running()
        world.ami.restore()
        world.mysql.restore()
        world.exchange.clear()
    return finding


@contextlib.contextmanager
def _served(world: World, scenario: Scenario, clock: Clock | None) -> Iterator[Served]:
    with contextlib.ExitStack() as stack:
        store: Path | None = stack.enter_context(small_disk(world.folder / "small")) if scenario.small_store else None
        yield stack.enter_context(world.served(store=store, more=clock.variables if clock else None))


def _clock(folder: Path) -> Clock:
    try:
        return Clock(folder)
    except OSError as error:
        raise CannotError(str(error)) from None


def _rounds(
    world: World,
    served: Served,
    clock: Clock | None,
    scenario: Scenario,
    finding: Finding,
    seconds: float,
    rounds: int,
    clients: int,
) -> None:
    killed, earlier = None, len(served.errors())
    traffic = Traffic(served.port, clients, live=served.direct, apply=scenario.apply)
    for _ in range(rounds):
        since = len(traffic.answers)
        with traffic.running():
            rest(SETTLE)
            run = Run(world, served, traffic, seconds, clock)
            scenario.do(run)
            _wait_recovered(traffic, run.ended, finding)
            rest(SETTLE)
        killed = run.killed or killed
        some = [answer for answer in traffic.answers[since:] if answer.began >= run.began - 1]
        finding.seen.update((answer.status, answer.problem) for answer in some if failed(answer))
        finding.said.update(f"{answer.op} {answer.status}: {answer.detail}" for answer in some if failed(answer))
        finding.good += sum(answer.good for answer in some)
        reads, writes, _ = traffic.recovered(run.ended)
        finding.recovered = max(finding.recovered, reads, writes)
        # Later rounds show what Asterisk lost at its end: each is looked at by itself.
        verdict = Settling(world, served.port, killed).look(traffic.entries)
        _add(finding.verdict, verdict)
        finding.figures.append(_at_rest(served))
    finding.longest = traffic.longest()
    finding.live = max((answer.seconds for answer in traffic.lives), default=0.0)
    _judge(finding, scenario, traffic, served, earlier)


def _wait_recovered(traffic: Traffic, ended: float, finding: Finding) -> None:
    try:
        eventually(lambda: max(traffic.recovered(ended)[:2]) < float("inf"), "reads and writes are good", RECOVER)
    except AssertionError as error:
        finding.broken.append(str(error))


def _add(all_of: Verdict, one: Verdict) -> None:
    all_of.broken += one.broken
    all_of.mended += one.mended
    all_of.lost += one.lost
    all_of.unclear += one.unclear


def _at_rest(served: Served) -> Figures:
    """The figures when no request is under way any more."""
    rest(0.5)
    return served.figures()


def _judge(finding: Finding, scenario: Scenario, traffic: Traffic, served: Served, earlier: int) -> None:
    broken = finding.broken
    broken += [f"wrong answer: {each}" for each in traffic.wrong] + finding.verdict.broken
    if finding.longest > scenario.deadline:
        slow = max(traffic.answers, key=lambda answer: answer.seconds)
        broken.append(f"an answer took {finding.longest:.1f} s: {slow.op} {slow.status} {slow.problem}")
    if finding.live > LIVE:
        broken.append(f"/health/live took {finding.live:.1f} s")
    if scenario.unfailing and finding.seen:
        broken.append(f"clients saw {dict(finding.seen)}")
    bare = sum(count for (status, problem), count in finding.seen.items() if problem == "internal-error")
    if bare:
        broken.append(f"{bare} internal errors")
    broken += _leaks(finding.figures)
    for entry in served.errors()[earlier:]:
        message = str(entry["message"])
        finding.errors[re.sub(r"\d+", "N", message)[:90]] += 1
        if not any(re.search(pattern, message) for pattern in scenario.logs):
            broken.append(f"in the log: {message[-900:]} {str(entry.get('traceback', ''))[-300:]}")


def _leaks(figures: list[Figures]) -> list[str]:
    """What was more after each round than after the one before; a pool that reaches its size once is no leak."""
    found = []
    for what, more in (("files", MORE_FILES), ("threads", MORE_THREADS), ("megabytes", MORE_MEGABYTES)):
        held: list[float] = [getattr(each, what) for each in figures]
        if len(held) > 1 and all(after > before + WORKERS * more for before, after in pairwise(held)):
            found.append(f"{what}: {' then '.join(f'{each:.0f}' for each in held)}")
    return found
