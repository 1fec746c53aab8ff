"""docs/faults.md: what `make soak` found, as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.soak.conduct import CLIENTS, Finding
from tests.soak.load import LoadFinding
from tests.soak.world import THREADS, WORKERS

DOCUMENT = Path(__file__).parents[2] / "docs/faults.md"
BEGIN = "<!-- make soak writes from here to the end -->\n"


def write(findings: Sequence[Finding], loads: Sequence[LoadFinding], seconds: float) -> None:
    """Replace the tables; the words before them stay."""
    words = DOCUMENT.read_text().partition(BEGIN)[0]
    DOCUMENT.write_text(words + BEGIN + "\n" + "\n".join(_lines(findings, loads, seconds)) + "\n")


def _lines(findings: Sequence[Finding], loads: Sequence[LoadFinding], seconds: float) -> Iterable[str]:
    yield f"Measured on {datetime.now(UTC):%Y-%m-%d}: {WORKERS} workers of {THREADS} threads behind nginx, Asterisk 22,"
    yield "MariaDB with FreePBX 17's schema, two cores that everything shares, the clients too."
    yield ""
    yield "## Faults"
    yield ""
    yield f"{CLIENTS} clients, each fault for {seconds:.0f} s and more than once. Times in seconds."
    yield ""
    yield (
        "| fault | good | what clients saw | good again after | longest answer | `/health/live` | nothing lost? "
        "| workers |"
    )
    yield "|---|---|---|---|---|---|---|---|"
    yield from map(_fault, findings)
    broken = [f"- {each.name}: {words[:300]}" for each in findings for words in each.broken]
    if broken:
        yield from ("", "Promises broken in this run:", "", *broken)
    for load in loads:
        yield from ("", f"## Load: {load.clients} clients, {load.seconds:.0f} s", "", *_load(load))


def _fault(each: Finding) -> str:
    if each.cannot:
        return f"| {each.what} | | not done: {each.cannot} | | | | | |"
    figures = f"{each.figures[0]}; then {each.figures[-1]}" if each.figures else ""
    return (
        f"| {each.what} | {each.good} | {_seen(each) or 'nothing'} | {each.recovered:.1f} | {each.longest:.1f} "
        f"| {each.live:.1f} | {each.verdict} | {figures} |"
    )


def _seen(each: Finding) -> str:
    return ", ".join(
        f"{count} x {status or 'no answer:'} {problem}" for (status, problem), count in each.seen.most_common()
    )


def _load(load: LoadFinding) -> Iterable[str]:
    failures = sum(load.failures.values())
    yield f"{load.answers} answers, {load.rate:.0f} a second, {failures} of them failed; {load.verdict}."
    yield f"At most {load.manager_sessions} sessions with the manager, {load.database_sessions} with the database."
    if load.figures:
        yield f"The workers: {load.figures[0]}; at the end {load.figures[-1]}."
    yield ""
    yield "| operation | answers | half within | 99 of 100 within |"
    yield "|---|---|---|---|"
    for name, op in sorted(load.operations.items()):
        yield f"| {name} | {op.count} | {op.half * 1000:.0f} ms | {op.most * 1000:.0f} ms |"
    if load.broken:
        yield from ("", "Promises broken in this run:", "", *(f"- {words[:300]}" for words in load.broken))
