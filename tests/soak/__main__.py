"""Faults and load on real components: `python -m tests.soak [--only NAME ...] [--seconds 30]`.

Without --only everything happens, and the tables go to docs/faults.md. Exits with 1 when a promise was broken.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.soak import report
from tests.soak.conduct import Finding, conduct
from tests.soak.load import LoadFinding, put_load
from tests.soak.scenarios import SCENARIOS
from tests.soak.world import world

LOAD, LONG = "load", "ten-minutes"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__.splitlines()[0])
    names = [*SCENARIOS, LOAD, LONG]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--seconds", type=float, default=12.0, help="that a fault lasts (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each happens (%(default)s)")
    parser.add_argument("--clients", type=int, default=64, help="of the load (%(default)s)")
    parser.add_argument("--load-seconds", type=float, default=300.0, help="that it lasts (%(default)s)")
    args = parser.parse_args()
    wanted = args.only or names
    findings: list[Finding] = []
    loads: list[LoadFinding] = []
    with tempfile.TemporaryDirectory(prefix="soak-") as folder, world(Path(folder)) as made:
        for name in wanted:
            if name in SCENARIOS:
                findings.append(conduct(made, name, args.seconds, args.rounds))
                say(findings[-1])
            else:
                clients, seconds = (args.clients, args.load_seconds) if name == LOAD else (8, 2 * args.load_seconds)
                loads.append(put_load(made, clients, seconds))
                say_load(loads[-1])
    if args.only is None:
        report.write(findings, loads, args.seconds)
    return 1 if any(each.broken for each in findings) or any(each.broken for each in loads) else 0


def say(finding: Finding) -> None:
    print(f"{finding.name}: {finding.cannot or finding.verdict}", flush=True)
    if finding.cannot:
        return
    seen = ", ".join(f"{count} x {status} {problem}" for (status, problem), count in finding.seen.most_common())
    print(f"  {finding.good} good; {seen or 'no failure'}")
    for words, count in finding.said.most_common(12):
        print(f"  said: {count} x {words}")
    print(f"  recovered in {finding.recovered:.1f} s, longest {finding.longest:.1f} s, live {finding.live:.2f} s")
    print(f"  {' -> '.join(map(str, finding.figures))}")
    for message, count in finding.errors.most_common():
        print(f"  log: {count} x {message}")
    for each in finding.broken[:20]:
        print(f"  BROKEN {each}", flush=True)


def say_load(load: LoadFinding) -> None:
    print(f"load of {load.clients} for {load.seconds:.0f} s: {load.answers} answers, {load.rate:.0f}/s; {load.verdict}")
    for name, op in sorted(load.operations.items()):
        print(f"  {name}: {op.count}, p50 {op.half * 1000:.0f} ms, p99 {op.most * 1000:.0f} ms")
    print(f"  {load.manager_sessions} manager sessions, {load.database_sessions} database sessions")
    print(f"  {' -> '.join(map(str, load.figures))}")
    for each in load.broken[:20]:
        print(f"  BROKEN {each}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
