"""Call records, beside the drivers by themselves and the way of the system before, on millions in a real MariaDB.

    python -m bench.cdr [--rows 5000000] [--rounds 3] [--seconds 1] [--fast PYTHON] [--data FOLDER] [--only PART ...]

The table is FreePBX 17's with the indexes that it ships. Each contestant is a process of its own. They take turns, and
a ratio is the median over the rounds of what two of them needed in the same round.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from bench import cdr_data, cdr_http, cdr_stats, servers
from bench.cdr_exports import Exports
from bench.cdr_pages import Pages
from bench.cdr_stage import FAST, PYMYSQL, Stage
from bench.report import Report

ROWS = 5_000_000
PARTS = ("pages", "filters", "stats", "http", "exports", "indexes")
NO_EXCHANGE = 9  # a port that nobody listens on


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.cdr", description=__doc__.splitlines()[0])
    rows = int(os.environ.get("BENCH_ROWS", ROWS))
    parser.add_argument("--rows", type=int, default=rows, help="call records, also as BENCH_ROWS (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is measured (%(default)s)")
    parser.add_argument("--seconds", type=float, default=1.0, help="of load at a time (%(default)s)")
    parser.add_argument(
        "--fast", default=".venv-fast/bin/python", help="a Python that has pbxapi[fast] installed (%(default)s)"
    )
    parser.add_argument("--data", type=Path, help="a folder to keep the loaded table in, for the next time")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="some parts alone")
    args = parser.parse_args()
    if find_spec("MySQLdb"):
        sys.exit("mysqlclient is installed here: run this where it is not, and name the other Python by --fast")
    report = Report("cdr", {**vars(args), "data": args.data is not None})
    with contextlib.ExitStack() as stack:
        table = stack.enter_context(cdr_data.table(args.rows, args.data))
        report.note("rows, and seconds that it took to load them", f"{table.rows:,}, {time.time() - report.began:.0f}")
        measure(_stage(table, args, stack, report), report, args.only)
    report.finish()


def _stage(table: cdr_data.Table, args: argparse.Namespace, stack: contextlib.ExitStack, report: Report) -> Stage:
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-cdr-")))
    environ = {
        **servers.environment(folder, NO_EXCHANGE),
        "CDR_DATABASE_URL": table.url,
        "CDR_QUERY_TIMEOUT": "120",
        "PBX_TIMEZONE": "UTC",
    }
    migrate = [sys.executable, "-m", "pbxapi", "migrate"]
    subprocess.run(migrate, env=os.environ | environ, check=True, capture_output=True, timeout=60)
    pythons = {PYMYSQL: sys.executable}
    try:
        subprocess.run([args.fast, "-c", "import MySQLdb, pbxapi"], check=True, capture_output=True, timeout=60)
        pythons[FAST] = args.fast
    except (OSError, subprocess.CalledProcessError):
        report.skip("a column for mysqlclient", f"{args.fast} has no pbxapi[fast] (make fast, or --fast)")
    return Stage(table, folder, environ, pythons, args.rounds, args.seconds, stack)


def measure(stage: Stage, report: Report, parts: list[str]) -> None:
    """The parts that are wanted, in an order in which none disturbs the next."""
    pages = Pages(stage, report)
    known: dict[str, Callable[[], None]] = {
        "pages": pages.depths,
        "filters": pages.filters,
        "stats": partial(cdr_stats.measure, stage, report),
        "http": partial(cdr_http.measure, stage, report),
        "exports": Exports(stage, report).measure,
        "indexes": pages.indexes,
    }
    for part in PARTS:
        if part in parts:
            known[part]()


if __name__ == "__main__":
    main()
