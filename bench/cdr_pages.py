"""Pages of call records: at any depth, with filters, and with the indexes that `pbxapi doctor` advises."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from bench.cdr_data import RARE, Table
from bench.cdr_stage import COLUMNS, PYMYSQL, Stage, Turn, shown, turns
from bench.contest import Process
from bench.report import Report, ratio, say

PAGES = (50, 100)
DEEP = 1_000_000
RAW_GOAL, DEPTH_GOAL, OFFSET_GOAL = 1.5, 1.5, 1_000.0
INFIX_GOALS = {"a year": 200.0, "all": 1_000.0}
ADVISED = ("src, calldate", "disposition, calldate")
SLOW = 10.0
"""Seconds after which no further round of a slow search begins."""


class Pages:
    """Measures with the same processes, on the shipped indexes."""

    def __init__(self, stage: Stage, report: Report) -> None:
        self._stage, self._report, self._table = stage, report, stage.table
        self._ours = {name: stage.process("records", name) for name in stage.pythons}
        self._raw = {name: stage.process("driver", name) for name in stage.pythons}

    def depths(self) -> None:
        """The newest page, one a million rows deep, and one in the middle of the table."""
        rows = self._table.rows
        deep = min(DEEP, rows // 2)
        depths = {f"{depth:,} deep" if depth else "the newest": depth for depth in sorted({0, deep, rows // 2})}
        times: dict[tuple[str, int, str], list[float]] = {}
        for name, depth in depths.items():
            for limit in PAGES:
                say(f"pages of {limit}, {name} ...")
                found = turns(self._contestants(depth, limit), self._stage.rounds)
                self._report.samples[f"page of {limit}, {name}"] = found
                times |= {(who, limit, name): seconds for who, seconds in found.items()}
                self._judge(found, f"page of {limit}, {name}")
        first, *others = depths
        for driver in self._ours:
            for limit in PAGES:
                for name in others:
                    value = ratio(times[driver, limit, name], times[driver, limit, first])
                    what = f"page of {limit}, {driver}: {name} beside the newest"
                    self._report.at_most(f"{what}: time", value, DEPTH_GOAL)
        self._offset(deep, times[PYMYSQL, PAGES[0], f"{deep:,} deep"])

    def _contestants(self, depth: int, limit: int) -> dict[str, Turn]:
        cursor, where = None, ""
        if depth:
            second = self._second(depth)
            around = {"end": (second + timedelta(seconds=1)).isoformat()}
            cursor = self._ours[PYMYSQL].do("page", 1, around, 1, None)["result"]
            where = f" WHERE calldate <= '{second:%Y-%m-%d %H:%M:%S}'"
        plain = f"SELECT {COLUMNS} FROM cdr{where} ORDER BY calldate DESC LIMIT {limit}"
        found: dict[str, Turn] = {}
        for driver, ours in self._ours.items():
            raw = self._raw[driver]
            very, values = ours.do("statement", {}, limit, cursor)["result"]
            found[driver] = partial(_page, ours, {}, limit, cursor)
            found[f"raw {driver}"] = partial(_rows, raw, plain, None)
            found[f"raw {driver}, our statement"] = partial(_rows, raw, very, values)
        return found

    def _judge(self, found: dict[str, list[float]], what: str) -> None:
        """By either driver a page is to take no longer than PyMySQL by itself does, or not much."""
        for driver in self._ours:
            raw, very = found[f"raw {driver}"], found[f"raw {driver}, our statement"]
            value = ratio(found[driver], found[f"raw {PYMYSQL}"])
            self._report.at_most(f"{what}, {driver}: time beside raw {PYMYSQL}", value, RAW_GOAL)
            value = ratio(found[driver], very)
            self._report.note(f"{what}, {driver}: beside the driver with our very statement", f"{value:.2f} x", value)
            times = ", ".join(map(shown, (found[driver], raw, very)))
            self._report.note(f"{what}, {driver}: ours, the driver, the driver with our statement", times)

    def _second(self, depth: int) -> datetime:
        [[second]] = self._table.run(f"SELECT calldate FROM cdr ORDER BY calldate DESC LIMIT 1 OFFSET {depth}")
        assert isinstance(second, datetime)
        return second.replace(tzinfo=self._table.end.tzinfo)

    def _offset(self, deep: int, ours: Sequence[float]) -> None:
        say("OFFSET ...")
        statement = f"SELECT {COLUMNS} FROM cdr ORDER BY calldate DESC LIMIT {PAGES[0]} OFFSET {deep}"
        found = turns({"OFFSET": partial(_rows, self._raw[PYMYSQL], statement, None)}, len(ours), SLOW)["OFFSET"]
        self._report.samples["OFFSET"] = found
        what = f"page of {PAGES[0]}, {deep:,} deep: OFFSET"
        self._report.at_least(f"{what}, time beside ours", ratio(found, ours[: len(found)]), OFFSET_GOAL)
        self._report.note(what, shown(found))

    def filters(self) -> None:
        """Each filter over a day, a month and the whole table, beside the plain statement; and the old system's."""
        for name, question, where in _questions(self._table):
            cells = []
            for span, bounds, between in _spans(self._table):
                say(f"{name}, {span} ...")
                if "contains" in question:
                    self._ours[PYMYSQL].do("learn", {**question, **bounds})
                statement = _statement(f"{where}{between}")
                found = turns(
                    {
                        "ours": partial(_page, self._ours[PYMYSQL], {**question, **bounds}, 100, None),
                        "raw": partial(_rows, self._raw[PYMYSQL], statement, None),
                    },
                    self._stage.rounds,
                    SLOW,
                )
                self._report.samples[f"{name}, {span}"] = found
                cells.append(f"{shown(found['ours'])} ({shown(found['raw'])})")
                if name == "contains[dst]" and span in INFIX_GOALS:
                    value = ratio(found["raw"], found["ours"])
                    self._report.at_least(f"{name}, {span}: LIKE, time beside ours", value, INFIX_GOALS[span])
            self._report.note(f"{name}: a day, a month, a year, all (the plain statement)", ", ".join(cells))
        self._old_query()

    def _old_query(self) -> None:
        """The one that the old system makes of a search: it knows no index, and all of the row."""
        say("the old system's query ...")
        text = self._table.number[2:9]
        statement = (
            f"SELECT * FROM cdr WHERE dst != 's' AND src LIKE '%{text}%'"
            " AND disposition IN ('ANSWERED', 'BUSY', 'FAILED', 'NO ANSWER') ORDER BY calldate DESC LIMIT 100"
        )
        found = turns({"old": partial(_rows, self._raw[PYMYSQL], statement, None)}, self._stage.rounds, SLOW)["old"]
        self._report.samples["old query"] = found
        self._report.note("the old system's query for a text in src, all", shown(found))

    def indexes(self) -> None:
        """What the two indexes bring that `pbxapi doctor` advises. They are taken away again."""
        names = [f"advised_{number}" for number, _ in enumerate(ADVISED)]
        say("making the indexes that are advised ...")
        made = ", ".join(f"ADD INDEX {name} ({columns})" for name, columns in zip(names, ADVISED, strict=True))
        self._table.run(f"ALTER TABLE cdr {made}")
        try:
            with self._stage.process("records", PYMYSQL) as ours:
                self._with_indexes(ours)
        finally:
            self._table.run(f"ALTER TABLE cdr {', '.join(f'DROP INDEX {name}' for name in names)}")

    def _with_indexes(self, ours: Process) -> None:
        for name, question, _ in _questions(self._table):
            if name in {"dst", "contains[dst]"}:
                continue
            cells = []
            for span, bounds, _ in _spans(self._table):
                if "contains" in question:
                    ours.do("learn", {**question, **bounds})
                found = turns({"ours": partial(_page, ours, {**question, **bounds}, 100, None)}, self._stage.rounds)
                before = self._report.samples.get(f"{name}, {span}", {}).get("ours")
                self._report.samples[f"{name}, {span}, with the advised index"] = found
                gain = f" ({ratio(before[:1], found['ours'][:1]):.0f} x)" if before else ""
                cells.append(f"{shown(found['ours'])}{gain}")
            self._report.note(f"{name}, with the advised index: a day, a month, a year, all", ", ".join(cells))


def _questions(table: Table) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Name, filters of ours, and the condition that says the same."""
    number = table.number
    yield "src", {"src": number}, f"src = '{number}'"
    yield "dst", {"dst": number}, f"dst = '{number}'"
    yield "extension, either way", {"either": "205"}, "(src = '205' OR dst = '205')"
    yield "disposition, a rare one", {"disposition": [RARE]}, f"disposition = '{RARE}'"
    for column in ("dst", "src"):
        text = number[2:9]
        yield f"contains[{column}]", {"contains": [[column, text]]}, f"{column} LIKE '%{text}%'"


def _spans(table: Table) -> Iterator[tuple[str, dict[str, str], str]]:
    """Name, bounds of ours, and the conditions that say the same."""
    end = table.end - timedelta(days=7)
    for name, days in (("a day", 1), ("a month", 30), ("a year", 358)):
        start = end - timedelta(days=days)
        bounds = {"start": start.isoformat(), "end": end.isoformat()}
        yield name, bounds, f" AND calldate >= '{start:%Y-%m-%d}' AND calldate < '{end:%Y-%m-%d}'"
    yield "all", {}, ""


def _statement(where: str) -> str:
    return f"SELECT {COLUMNS} FROM cdr WHERE {where} ORDER BY calldate DESC LIMIT 100"


def _page(ours: Process, question: dict[str, Any], limit: int, cursor: str | None, count: int) -> dict[str, Any]:
    return ours.do("page", count, question, limit, cursor)


def _rows(raw: Process, statement: str, values: Any, count: int) -> dict[str, Any]:
    return raw.do("rows", count, statement, values)
