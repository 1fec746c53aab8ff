"""The API under load beside the way of the system before it, in Python and in PHP, on one real Asterisk 22.

    python -m bench.http [--rounds 5] [--seconds 1] [--phones 1000]

Each is put under the same load in turn, round after round. The table's ratios are medians over the rounds of what two
of them did in the same round.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench import exchange, footprint, load, servers
from bench.exchange import SECRET, USERNAME
from bench.report import Report, ratio, say

CONNECTIONS = (1, 8, 32)
RIVALS = {"PHP": "the old way in PHP", "old way": "the old way in Python"}
SHARED_GOAL, LIVE_GOAL = 14.0, 1.0
MIDDLEWARE_GOAL, IMPORT_GOAL, MEMORY_GOAL = 50.0, 2.5, 64.0  # µs, times Flask's, MB


KEY_HEADER = (f"Authorization: Bearer {servers.KEY}",)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.http", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5, help="how often each is measured (%(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="of load at a time (%(default)s)")
    parser.add_argument("--phones", type=int, default=1000, help="registered phones on the exchange (%(default)s)")
    args = parser.parse_args()
    report = Report("http", vars(args))
    say(f"starting Asterisk 22 with {args.phones} phones ...")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(exchange.running(args.phones))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-http-")))
        environ = servers.environment(folder, server.ports.ami)
        code = "import sys; from pbxapi.cli import main; sys.exit(main(['migrate']))"
        subprocess.run([sys.executable, "-c", code], env=environ, check=True, capture_output=True, timeout=60)
        masters = {name: stack.enter_context(servers.gunicorn(name, environ)) for name in ("old", "bare")}
        masters["pbxapi"] = stack.enter_context(servers.api(environ))
        targets = {
            "shared": load.Target(masters["pbxapi"][0], "/peers", KEY_HEADER),
            "live": load.Target(masters["pbxapi"][0], "/peers?fresh=1", KEY_HEADER),
            "health": load.Target(masters["pbxapi"][0], "/health/live", KEY_HEADER),
            "old way": load.Target(masters["old"][0], "/", KEY_HEADER),
            "bare": load.Target(masters["bare"][0], "/", KEY_HEADER),
        }
        try:
            manager = {"AMI_PORT": environ["AMI_PORT"], "AMI_USERNAME": USERNAME, "AMI_SECRET": SECRET}
            php = stack.enter_context(servers.php(folder / "php", "old_way.php", manager))
            targets["PHP"] = load.Target(php, "/", KEY_HEADER)
            targets["PHP, contacts too"] = load.Target(php, "/?contacts=1", KEY_HEADER)
        except LookupError as error:
            report.skip("beside the old way in PHP", str(error))
        measure_memory(report, targets["health"], masters["pbxapi"][1], stack, environ)
        for connections in CONNECTIONS:
            measure_load(report, targets, connections, args.rounds, args.seconds)
        used = max(worker["rss"] for worker in footprint.workers_memory(masters["pbxapi"][1]))
        report.note(f"memory of a worker after lists of {args.phones:,} under load", f"{used:.1f} MB", used)
        measure_middleware(report, environ)
    measure_import(report, args.rounds)
    report.finish()


def measure_load(
    report: Report, targets: dict[str, load.Target], connections: int, rounds: int, seconds: float
) -> None:
    """Requests a second, and how long one takes, under so many keep-alive connections."""
    say(f"load, {connections} connections ...")
    loads = load.put_in_turn(targets, connections, rounds, seconds)
    rates = {name: [each.rate for each in found] for name, found in loads.items()}
    label = f"{connections} clients" if connections > 1 else "1 client"
    for ours, what, goal in (("shared", "/peers", SHARED_GOAL), ("live", "/peers?fresh=1", LIVE_GOAL)):
        for rival, words in RIVALS.items():
            if rival in rates:
                value = ratio(rates[ours], rates[rival])
                report.at_least(f"GET {what}, {label}: rate beside {words}", value, goal)
    if "PHP, contacts too" in rates:
        value = ratio(rates["live"], rates["PHP, contacts too"])
        report.note(f"GET /peers?fresh=1, {label}: beside PHP that lists contacts too", f"{value:.2f} x", value)
    value = ratio(rates["health"], rates["bare"])
    report.note(f"GET /health/live, {label}: rate beside a bare WSGI function", f"{value:.2f} x", value)
    for name, found in loads.items():
        report.note(f"{label}, {name}: requests/s, p50, p99", load.speed(found))
    share = max(each.cpu / each.seconds for each in loads["bare"])
    report.note(f"{label}, the load generator's own share of a core, at most", f"{share:.2f}", share)
    report.samples[label] = load.samples(loads)


def measure_memory(
    report: Report, health: load.Target, master: int, stack: contextlib.ExitStack, environ: dict[str, str]
) -> None:
    """A worker that has served some requests, beside one of a bare Flask."""
    _, bare_master = stack.enter_context(servers.gunicorn("flask", environ))
    load.put(health.port, health.path, 8, 0.5)
    ours, bare = footprint.workers_memory(master), footprint.workers_memory(bare_master)
    report.samples["memory, MB"] = {"pbxapi": ours, "bare Flask": bare}
    report.at_most("memory of a worker", max(worker["rss"] for worker in ours), MEMORY_GOAL, "MB")
    shared, plain = max(worker["pss"] for worker in ours), max(worker["rss"] for worker in bare)
    report.note("memory of a worker: what is shared counted in part", f"{shared:.1f} MB", shared)
    report.note("memory of a worker with a bare Flask", f"{plain:.1f} MB", plain)


def measure_middleware(report: Report, environ: dict[str, str]) -> None:
    """Keys, request id, access log, routing of many: what a request costs beside one of a bare Flask."""
    say("middleware ...")
    times = footprint.request_times(environ)
    report.samples["processor seconds a request, in process"] = times
    bare, health, peers = (statistics.median(times[name]) * 1e6 for name in ("bare Flask", "/health/live", "/peers"))
    value = statistics.median(
        ours - theirs for ours, theirs in zip(times["/health/live"], times["bare Flask"], strict=True)
    )
    report.at_most("middleware, a request of /health/live beside bare Flask", value * 1e6, MIDDLEWARE_GOAL, "µs")
    report.note("in process: bare Flask, /health/live, /peers shared", f"{bare:.0f}, {health:.0f}, {peers:.0f} µs")


def measure_import(report: Report, rounds: int) -> None:
    """The application's modules beside Flask's."""
    say("import ...")
    times = footprint.import_times(rounds)
    report.samples["processor seconds of the import"] = times
    report.at_most("import of the application beside Flask's", ratio(times["pbxapi"], times["flask"]), IMPORT_GOAL)


if __name__ == "__main__":
    main()
