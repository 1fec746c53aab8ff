"""This project's manager client beside panoramisk, asterisk-ami, pyst2 and bare sockets, on one real Asterisk 22.

    python -m bench.ami [--rounds 7] [--phones 1000]

Everything is measured in rounds, one contestant after the other in each. The table's ratios are medians over the rounds
of what two contestants needed in the same round.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench import canned, exchange
from bench.contest import CONTESTANTS, Process
from bench.report import Report, percentile, ratio, say

RIVALS = ("asterisk-ami", "panoramisk", "pyst2")
SERIAL, THREADED, PIPELINED, DEPTH, THREADS = 1500, 3200, 3000, 100, 8
LATENCY = 400

# Our rate beside theirs, at least.
AHEAD = dict.fromkeys(RIVALS, 1.0)
SERIAL_GOALS = {**AHEAD, "panoramisk": 1.25}
THREADED_GOALS = {**AHEAD, "panoramisk": 0.8}  # an event loop has no threads to wake
CANNED_GOALS = {**AHEAD, "asterisk-ami": 2.2, "panoramisk": 5.0}
# Our processor time beside theirs, at most.
PROCESSOR_GOALS = {"asterisk-ami": 0.6, "panoramisk": 0.3}
# Our time beside a bare socket's, at most.
PIPELINE_GOAL, LIST_GOAL, LATENCY_GOAL = 1.3, 1.2, 5.0

Processes = dict[str, Process]


class Measured:
    """What the contestants needed for one thing, round by round; ``ours`` may be another of our methods."""

    def __init__(
        self, report: Report, label: str, count: int, runs: Mapping[str, tuple[Process, str, tuple[int, ...]]]
    ) -> None:
        say(f"{label} ...")
        self._report, self._label = report, label
        answers: dict[str, list[dict[str, Any]]] = {name: [] for name in runs}
        for _ in range(count + 1):
            for name, (process, what, arguments) in runs.items():
                answers[name].append(process.do(what, *arguments))
        # The first round is for warming up.
        self._times = {
            key: {name: [answer[key] for answer in found[1:]] for name, found in answers.items()}
            for key in ("seconds", "cpu")
        }
        report.samples[label] = self._times

    def rates(self, goals: Mapping[str, float], ours: str = "pbxapi", what: str = "") -> None:
        seconds = self._times["seconds"]
        for rival in [name for name in RIVALS if name in seconds]:
            value = ratio(seconds[rival], seconds[ours])
            self._report.at_least(f"{self._label}{what}: rate beside {rival}", value, goals[rival])

    def processor(self, goals: Mapping[str, float]) -> None:
        cpu = self._times["cpu"]
        for rival in [name for name in goals if name in cpu]:
            value = ratio(cpu["pbxapi"], cpu[rival])
            self._report.at_most(f"{self._label}: processor time beside {rival}", value, goals[rival])

    def time(self, words: str, beside: str, goal: float | None, ours: str = "pbxapi") -> None:
        value = ratio(self._times["seconds"][ours], self._times["seconds"][beside])
        if goal is None:
            self._report.note(f"{self._label}{words}", f"{value:.2f} x", value)
        else:
            self._report.at_most(f"{self._label}{words}", value, goal)

    def bare(self, words: str, ours: str, unit: str, scale: float) -> None:
        value = statistics.median(self._times["seconds"][ours]) * scale
        self._report.note(f"{self._label}{words}", f"{value:.1f} {unit}", value)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.ami", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7, help="how often each is measured (%(default)s)")
    parser.add_argument("--phones", type=int, default=1000, help="registered phones on the exchange (%(default)s)")
    args = parser.parse_args()
    report = Report("ami", vars(args))
    say(f"starting Asterisk 22 with {args.phones} phones ...")
    with exchange.running(args.phones) as server, contextlib.ExitStack() as stack:
        processes = _start(stack, server.ports.ami, report)
        measure_pings(report, processes, args.rounds)
        measure_list(report, processes, args.rounds, args.phones)
        measure_latency(report, processes["pbxapi"], args.rounds)
        recorded = canned.record(server.ports.ami)
    for count in (1, 10):
        measure_canned(report, canned.times(recorded, count), args.rounds, args.phones * count)
    report.finish()


def _start(stack: contextlib.ExitStack, port: int, report: Report | None) -> Processes:
    processes = {}
    for name in CONTESTANTS:
        try:
            processes[name] = stack.enter_context(Process(name, port))
        except LookupError as error:
            if report:
                report.skip(f"beside {name}", str(error))
    return processes


def measure_pings(report: Report, processes: Processes, count: int) -> None:
    """Ping in one thread, in eight, and a hundred at a time."""
    singly = {name: process for name, process in processes.items() if name != "raw, one write"}
    for label, goals, what, arguments in (
        ("Ping, 1 thread", SERIAL_GOALS, "serial", (SERIAL,)),
        ("Ping, 8 threads", THREADED_GOALS, "threads", (THREADED, THREADS)),
    ):
        measured = Measured(report, label, count, {name: (each, what, arguments) for name, each in singly.items()})
        measured.rates(goals)
        measured.time(": time beside a bare socket", "raw", None)
        measured.bare(": one", "pbxapi", "µs", 1e6 / arguments[0])
    able = {name: process for name, process in processes.items() if name != "pyst2"}  # it waits for each answer
    runs = {name: (process, "pipelined", (PIPELINED, DEPTH)) for name, process in able.items()}
    measured = Measured(report, "Ping, 100 deep", count, runs)
    measured.rates(AHEAD)
    measured.time(": time beside a bare socket", "raw", PIPELINE_GOAL)
    measured.time(": beside one that writes all 100 at once", "raw, one write", None)


def measure_list(report: Report, processes: Processes, count: int, phones: int) -> None:
    """PJSIPShowEndpoints on the real server: time, and the client's processor time."""
    measured = Measured(report, f"list of {phones:,}, real server", count, _list_runs(processes))
    measured.rates(AHEAD)
    measured.rates(AHEAD, "pbxapi, peers", ", to peers")
    measured.time(": time beside the server's own", "raw", LIST_GOAL)
    measured.time(", to peers: time beside the server's own", "raw", LIST_GOAL, "pbxapi, peers")
    measured.processor(PROCESSOR_GOALS)


def measure_canned(report: Report, recorded: bytes, count: int, phones: int) -> None:
    """The same list from a server that costs nothing."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        port = stack.enter_context(canned.serving(recorded, folder))
        runs = _list_runs(_start(stack, port, None))
        measured = Measured(report, f"list of {phones:,}, canned server", count, runs)
    measured.rates(CANNED_GOALS)
    measured.rates(AHEAD, "pbxapi, peers", ", to peers")
    measured.bare(", to peers", "pbxapi, peers", "ms", 1000)


def _list_runs(processes: Processes) -> dict[str, tuple[Process, str, tuple[int, ...]]]:
    runs: dict[str, tuple[Process, str, tuple[int, ...]]] = {
        name: (process, "listing", ()) for name, process in processes.items() if name != "raw, one write"
    }
    return {"pbxapi, peers": (processes["pbxapi"], "peers", ()), **runs}


def measure_latency(report: Report, ours: Process, count: int) -> None:
    """A Ping of one thread while another lists all endpoints over and over; and while none does."""
    say("Ping while lists run ...")
    idle: list[float] = []
    busy: list[float] = []
    ours.do("latency", LATENCY // 4, 1)
    for _ in range(count):
        idle += ours.do("latency", LATENCY, 0)["result"]
        busy += ours.do("latency", LATENCY, 1)["result"]
    report.samples["Ping latency"] = {"idle": idle, "while lists run": busy}
    for name, times in (("idle", idle), ("while lists run", busy)):
        half, most = (percentile(times, share) * 1e6 for share in (0.5, 0.99))
        report.note(f"Ping, {name}: p50, p99", f"{half:.0f}, {most:.0f} µs")
    value = percentile(busy, 0.99) / percentile(idle, 0.99)
    report.at_most("Ping while lists run: p99 beside idle", value, LATENCY_GOAL)


if __name__ == "__main__":
    main()
