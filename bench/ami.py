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
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import canned, exchange
from bench.contest import CONTESTANTS, Process, rounds
from bench.report import Report, percentile, ratio, say

RIVALS = ("asterisk-ami", "panoramisk", "pyst2")
SERIAL, THREADED, PIPELINED, DEPTH, THREADS = 1500, 3200, 3000, 100, 8
LATENCY = 400

# How many times our rate each rival's must fit in: "ahead", or what its own design (no threads) lets us reach.
SERIAL_GOALS = {"asterisk-ami": 1.0, "panoramisk": 1.25, "pyst2": 1.0}
THREADED_GOALS = {"asterisk-ami": 1.0, "panoramisk": 0.8, "pyst2": 1.0}
REAL_LIST_GOALS = dict.fromkeys(RIVALS, 1.0)
PROCESSOR_GOALS = {"asterisk-ami": 0.6, "panoramisk": 0.3}
CANNED_GOALS = {"asterisk-ami": 2.2, "panoramisk": 5.0, "pyst2": 1.0}

Answers = dict[str, list[dict[str, Any]]]


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


def _start(stack: contextlib.ExitStack, port: int, report: Report | None) -> dict[str, Process]:
    processes = {}
    for name in CONTESTANTS:
        try:
            processes[name] = stack.enter_context(Process(name, port))
        except LookupError as error:
            if report:
                report.skip(f"beside {name}", str(error))
    return processes


def measure_pings(report: Report, all_of_them: dict[str, Process], count: int) -> None:
    """Ping in one thread, in eight, and a hundred at a time."""
    processes = {name: process for name, process in all_of_them.items() if name != "raw, one write"}
    for label, goals, what, *arguments in (
        ("1 thread", SERIAL_GOALS, "serial", SERIAL),
        ("8 threads", THREADED_GOALS, "threads", THREADED, THREADS),
    ):
        say(f"Ping, {label} ...")
        answers = _warm_rounds(processes, count, what, *arguments)
        report.samples[f"Ping, {label}"] = _seconds(answers)
        for rival in [name for name in RIVALS if name in processes]:
            value = ratio(_of(answers, rival), _of(answers, "pbxapi"))
            report.at_least(f"Ping, {label}: rate beside {rival}", value, goals[rival])
        value = ratio(_of(answers, "pbxapi"), _of(answers, "raw"))
        report.note(f"Ping, {label}: time beside a bare socket", f"{value:.2f} x", value)
    say("Ping, pipelined ...")
    processes = {name: process for name, process in all_of_them.items() if name != "pyst2"}  # it knows no such thing
    answers = _warm_rounds(processes, count, "pipelined", PIPELINED, DEPTH)
    report.samples["Ping, pipelined"] = _seconds(answers)
    value = ratio(_of(answers, "pbxapi"), _of(answers, "raw"))
    report.at_most("Ping, 100 deep: time beside a bare socket", value, 1.3)
    value = ratio(_of(answers, "pbxapi"), _of(answers, "raw, one write"))
    report.note("Ping, 100 deep: beside 100 in a single write", f"{value:.2f} x", value)
    for rival in [name for name in RIVALS if name in processes]:
        value = ratio(_of(answers, rival), _of(answers, "pbxapi"))
        report.at_least(f"Ping, 100 deep: rate beside {rival}", value, 1.0)


def measure_list(report: Report, all_of_them: dict[str, Process], count: int, phones: int) -> None:
    """PJSIPShowEndpoints on the real server, to finished objects: time, and the client's processor time."""
    label = f"list of {phones:,}, real server"
    say(f"{label} ...")
    processes = {name: process for name, process in all_of_them.items() if name != "raw, one write"}
    answers = _warm_rounds(processes, count, "endpoints")
    report.samples[label] = _seconds(answers)
    report.samples[f"{label}, processor time"] = _seconds(answers, "cpu")
    report.at_most(f"{label}: time beside the server's own", ratio(_of(answers, "pbxapi"), _of(answers, "raw")), 1.2)
    for rival in [name for name in RIVALS if name in processes]:
        value = ratio(_of(answers, rival), _of(answers, "pbxapi"))
        report.at_least(f"{label}: rate beside {rival}", value, REAL_LIST_GOALS[rival])
    for rival, goal in PROCESSOR_GOALS.items():
        if rival in processes:
            value = ratio(_of(answers, "pbxapi", "cpu"), _of(answers, rival, "cpu"))
            report.at_most(f"{label}: processor time beside {rival}", value, goal)


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
    report.at_most("Ping while lists run: p99 beside idle", value, 5)


def measure_canned(report: Report, recorded: bytes, count: int, phones: int) -> None:
    """The same list from a server that costs nothing."""
    label = f"list of {phones:,}, canned server"
    say(f"{label} ...")
    with _canned(recorded) as processes:
        answers = _warm_rounds(processes, count, "endpoints")
    report.samples[label] = _seconds(answers)
    for rival in [name for name in RIVALS if name in processes]:
        value = ratio(_of(answers, rival), _of(answers, "pbxapi"))
        report.at_least(f"{label}: rate beside {rival}", value, CANNED_GOALS[rival])
    value = ratio(_of(answers, "pbxapi"), _of(answers, "raw"))
    report.note(f"{label}: time beside a bare socket", f"{value:.2f} x", value)
    milliseconds = statistics.median(_of(answers, "pbxapi")) * 1000
    report.note(f"{label}: to finished peers", f"{milliseconds:.1f} ms", milliseconds)


@contextlib.contextmanager
def _canned(recorded: bytes) -> Iterator[dict[str, Process]]:
    with tempfile.TemporaryDirectory() as folder, canned.serving(recorded, Path(folder)) as port:
        with contextlib.ExitStack() as stack:
            processes = _start(stack, port, None)
            del processes["raw, one write"]
            yield processes


def _warm_rounds(processes: dict[str, Process], count: int, what: str, *arguments: int) -> Answers:
    """One round more than asked for: the first is thrown away."""
    return {name: answers[1:] for name, answers in rounds(processes, count + 1, what, *arguments).items()}


def _of(answers: Answers, name: str, key: str = "seconds") -> list[float]:
    return [answer[key] for answer in answers[name]]


def _seconds(answers: Answers, key: str = "seconds") -> dict[str, list[float]]:
    return {name: _of(answers, name, key) for name in answers}


if __name__ == "__main__":
    main()
