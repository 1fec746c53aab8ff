"""What a benchmark found: a table of goals for people, and JSON with every sample for programs."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Row:
    """One line of the table; ``met`` is None where there is no goal."""

    what: str
    goal: str
    measured: str
    met: bool | None
    value: float | None = None


@dataclass
class Report:
    """Rows in the order in which they were found. ``samples`` is what they were made of."""

    name: str
    settings: dict[str, Any]
    rows: list[Row] = field(default_factory=list)
    samples: dict[str, Any] = field(default_factory=dict)
    began: float = field(default_factory=time.time)

    def at_least(self, what: str, value: float, goal: float, unit: str = "x") -> None:
        self.rows.append(Row(what, f"at least {goal:g} {unit}", f"{value:.2f} {unit}", value >= goal, value))

    def at_most(self, what: str, value: float, goal: float, unit: str = "x") -> None:
        self.rows.append(Row(what, f"at most {goal:g} {unit}", f"{value:.2f} {unit}", value <= goal, value))

    def note(self, what: str, measured: str, value: float | None = None) -> None:
        self.rows.append(Row(what, "", measured, None, value))

    def skip(self, what: str, why: str) -> None:
        self.rows.append(Row(what, "", f"skipped: {why}", None))

    def finish(self) -> None:
        """Print the table and write ``results/<name>.json``."""
        print(_table(self.rows))
        judged = [row for row in self.rows if row.met is not None]
        print(f"\n{sum(row.met is True for row in judged)} of {len(judged)} goals met")
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{self.name}.json"
        document = {
            "benchmark": self.name,
            "began": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.began)),
            "seconds": round(time.time() - self.began, 1),
            "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "load": os.getloadavg()},
            "settings": self.settings,
            "rows": [asdict(row) for row in self.rows],
            "samples": self.samples,
        }
        path.write_text(json.dumps(document, indent=1) + "\n")
        print(f"written: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median over the rounds of ours divided by theirs: both were measured next to each other in each round."""
    return statistics.median(a / b for a, b in zip(ours, theirs, strict=True))


def percentile(samples: Sequence[float], share: float) -> float:
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def say(text: str) -> None:
    """Tell on standard error how far it is: the table alone goes to standard output."""
    print(text, file=sys.stderr, flush=True)


def _table(rows: Sequence[Row]) -> str:
    heads = ("goal", "wanted", "measured", "")
    cells = [heads, *((row.what, row.goal, row.measured, _verdict(row.met)) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(heads))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def _verdict(met: bool | None) -> str:
    return "" if met is None else "met" if met else "NOT MET"
