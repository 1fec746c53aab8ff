"""Totals by the day from the hourly roll-up, beside what the table itself has to be asked for."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bench.cdr_stage import PYMYSQL, Stage, shown, turns
from bench.contest import Process
from bench.report import Report, ratio, say

GOAL = 60.0
SLOW = 15.0
DAYS = 30


def measure(stage: Stage, report: Report) -> None:
    """A month and a year. The numbers must be those that the table tells."""
    ours, raw = stage.process("records", PYMYSQL), stage.process("driver", PYMYSQL)
    say("building the roll-up ...")
    seconds, days = 0.0, 0
    while True:
        done = ours.do("roll_up", DAYS)
        seconds, days = seconds + done["seconds"], days + done["result"]
        if done["result"] < DAYS:
            break
    report.note("the roll-up: days, and seconds to build it", f"{days}, {seconds:.1f}", seconds)
    end = stage.table.end - timedelta(days=2)
    for span, length in (("a month", 30), ("a year", 360)):
        say(f"totals by the day, {span} ...")
        _measure(report, span, (end - timedelta(days=length), end), ours, raw, stage.rounds)


def _measure(
    report: Report, span: str, bounds: tuple[datetime, datetime], ours: Process, raw: Process, rounds: int
) -> None:
    texts = [each.isoformat() for each in bounds]
    kept, direct = ours.do("totals", 1, *texts)["result"], ours.do("counted", 1, *texts)["result"]
    same = kept["totals"] == direct["totals"] and kept["items"] == direct["items"] and kept["source"] == "roll_up"
    report.at_least(f"stats by the day, {span}: the table tells the same numbers", float(same), 1.0, "(1: yes)")
    start, end = bounds
    statement = (
        "SELECT DATE(calldate) AS day, COUNT(*), SUM(disposition = 'ANSWERED'), SUM(billsec), AVG(duration - billsec)"
        f" FROM cdr WHERE calldate >= '{start:%Y-%m-%d}' AND calldate < '{end:%Y-%m-%d}' GROUP BY day"
    )
    found = turns(
        {
            "roll-up": partial(_do, ours, "totals", texts),
            "raw": lambda count: raw.do("rows", count, statement),
            "direct": partial(_do, ours, "counted", texts),
        },
        rounds,
        SLOW,
    )
    report.samples[f"stats, {span}"] = found
    what = f"stats by the day, {span}"
    report.at_least(
        f"{what}: raw GROUP BY of the records, time beside ours", ratio(found["raw"], found["roll-up"]), GOAL
    )
    value = ratio(found["direct"], found["roll-up"])
    report.note(f"{what}: the same numbers from the table, time beside ours", f"{value:.0f} x", value)
    report.note(f"{what}: roll-up, raw GROUP BY, from the table", ", ".join(map(shown, found.values())))


def _do(ours: Process, what: str, texts: list[str], count: int) -> dict[str, Any]:
    return ours.do(what, count, *texts)
