"""Exports over HTTP beside `mariadb --batch --quick` with the same columns, and what they take of a worker's memory."""

from __future__ import annotations

import http.client
import statistics
import subprocess
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

from bench import servers
from bench.cdr_stage import COLUMNS, Stage
from bench.report import Report, ratio, say

GOALS = {"csv": 0.7, "ndjson": 0.8}
MOST_MEMORY, MOST_GROWTH = 100.0, 10.0  # MB
LIMIT = 900.0  # seconds for one export
FEW = 300_000


class Exports:
    """Servers of their own, each with one worker to look at: no other request has made it grow."""

    def __init__(self, stage: Stage, report: Report) -> None:
        self._stage, self._report = stage, report
        self._served = {
            name: stage.closing.enter_context(servers.api(stage.environ, python))
            for name, python in stage.pythons.items()
        }

    def measure(self) -> None:
        """A month, then everything; and of the memory, so many rows beside everything."""
        table = self._stage.table
        end = table.end - timedelta(days=7)
        start = end - timedelta(days=30)
        month = {"start": f"{start:%Y-%m-%d}", "end": f"{end:%Y-%m-%d}"}
        where = f"WHERE calldate >= '{month['start']}' AND calldate < '{month['end']}'"
        few = self._memory_of_few()
        self._span("a month", month, where, self._stage.rounds)
        self._span("everything", {}, "", 1)
        for driver in self._served:
            peak = self._peak(driver)
            self._report.at_most(f"export of everything, {driver}: a worker's peak memory", peak, MOST_MEMORY, "MB")
            what = f"export of everything beside {FEW:,} rows, {driver}: growth of the peak"
            self._report.at_most(what, peak - few[driver], MOST_GROWTH, "MB")

    def _memory_of_few(self) -> dict[str, float]:
        """The peak after exports of so many rows in either form, in every worker."""
        [[second]] = self._stage.table.run(
            f"SELECT calldate FROM cdr ORDER BY calldate DESC LIMIT 1 OFFSET {min(FEW, self._stage.table.rows) - 1}"
        )
        found: dict[str, float] = {}
        for driver in self._served:
            for form in GOALS:
                say(f"{form} of {FEW:,} rows, {driver} ...")
                # Each connection may come to another worker.
                for _ in range(2 * servers.WORKERS):
                    self._export(driver, form, {"start": str(second)})
            found[driver] = self._peak(driver)
        return found

    def _span(self, span: str, bounds: dict[str, str], where: str, rounds: int) -> None:
        """Rows a second, in turn."""
        rates: dict[str, list[float]] = {"mariadb": []}
        [[rows]] = self._stage.table.run(f"SELECT COUNT(*) FROM cdr {where}")
        assert isinstance(rows, int)
        for _ in range(rounds):
            say(f"export of {span}: {rows:,} rows ...")
            rates["mariadb"].append(rows / self._client(where))
            for form in GOALS:
                for driver in self._served:
                    name = f"{driver}, {form}"
                    sent, seconds = self._export(driver, form, bounds)
                    if sent != rows + (form == "csv"):
                        raise RuntimeError(f"an export of {span} has {sent:,} lines for {rows:,} rows")
                    rates.setdefault(name, []).append(rows / seconds)
        self._report.samples[f"export of {span}, rows a second"] = rates
        for name in [name for name in rates if name != "mariadb"]:
            goal = GOALS[name.rpartition(", ")[2]]
            value = ratio(rates[name], rates["mariadb"])
            self._report.at_least(f"export of {span}, {name}: rate beside `mariadb --batch --quick`", value, goal)
        speeds = ", ".join(f"{name} {statistics.median(found):,.0f}" for name, found in rates.items())
        self._report.note(f"export of {span}: rows a second", speeds)

    def _export(self, driver: str, form: str, bounds: dict[str, str]) -> tuple[int, float]:
        """Read one to its end: lines, and seconds. Raises IncompleteRead when it is cut short."""
        query = urlencode({"format": form, **bounds})
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self._served[driver][0], timeout=LIMIT)
        connection.request("GET", f"/cdr?{query}", headers={"Authorization": f"Bearer {servers.KEY}"})
        response = connection.getresponse()
        if response.status != 200:
            raise RuntimeError(f"an export answers {response.status}: {response.read(500)!r}")
        lines = 0
        while data := response.read(1 << 18):
            lines += data.count(b"\n")
        connection.close()
        return lines, time.perf_counter() - began

    def _client(self, where: str) -> float:
        """Seconds that the server's own client takes, in the same order; it writes to nowhere."""
        place = self._stage.table.place
        statement = f"SELECT {COLUMNS} FROM cdr FORCE INDEX FOR ORDER BY (calldate) {where} ORDER BY calldate DESC"
        began = time.perf_counter()
        subprocess.run(
            [
                *("mariadb", "--no-defaults", "--batch", "--quick", "--host=127.0.0.1", f"--port={place.port}"),
                *(f"--user={place.user}", f"--password={place.password}", place.name, f"--execute={statement}"),
            ],
            stdout=subprocess.DEVNULL,
            check=True,
            timeout=LIMIT,
        )
        return time.perf_counter() - began

    def _peak(self, driver: str) -> float:
        """The most memory that one of the workers had resident since it started, in MB."""
        master = self._served[driver][1]
        workers = Path(f"/proc/{master}/task/{master}/children").read_text().split()
        return max(_high_water(int(worker)) for worker in workers)


def _high_water(process: int) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise LookupError("this kernel does not tell the peak of memory")
