"""`/queues/{queue}/stats` over a log in a file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pbxapi.http.queue_stats_schemas import QueueStatsSchema
from pbxapi.pbx.queue_history import QueueHistory
from pbxapi.pbx.queue_log_files import QueueLogFiles
from tests.http.provisioned import application, limited
from tests.http.queued import Served, serving

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = "start=2026-01-05T11:00:00Z&end=2026-01-05T12:00:00Z"
AT = 1767611000
"""11:03:20 UTC."""


@contextmanager
def logged(log: Path) -> Iterator[Served]:
    """The two queues of `serving`, and a log."""
    app = application()
    with serving() as served:
        before = app.extensions["pbxapi"]
        history = QueueHistory(QueueLogFiles(str(log)), [], None, BERLIN, timeout=5, queues=before.pbx.queues)
        pbx = replace(before.pbx, queue_statistics=history, zone=BERLIN)
        app.extensions["pbxapi"] = replace(before, pbx=pbx)
        before.remembered.__init__(1_000_000)
        yield served


def enter(path: Path, at: int, *, answered: bool = True, queue: str = "400") -> None:
    """A call, and its end a minute later."""
    lines = [f"{at}|{at}.1|{queue}|NONE|ENTERQUEUE||5551|1"]
    if answered:
        lines += [
            f"{at + 30}|{at}.1|{queue}|Alice|CONNECT|30|x|9",
            f"{at + 60}|{at}.1|{queue}|Alice|COMPLETEAGENT|30|30|1",
        ]
    else:
        lines.append(f"{at + 60}|{at}.1|{queue}|NONE|ABANDON|1|1|60")
    with path.open("a") as file:
        file.write("".join(f"{line}\n" for line in lines))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "queue_log"
    path.write_text("1767600000|NONE|NONE|NONE|QUEUESTART|\n")
    enter(path, AT)
    enter(path, AT + 100, answered=False)
    return path


@pytest.fixture
def served(log: Path) -> Iterator[Served]:
    with logged(log) as made:
        yield made


def test_a_range_is_answered_as_documented(served: Served) -> None:
    found = served.json("GET", f"/queues/400/stats?{HOUR}&service_level=30")
    assert QueueStatsSchema().validate(found) == {}
    assert (found["queue"], found["source"], found["service_level_seconds"]) == ("400", "queue_log", 30)
    assert (found["start"], found["end"]) == ("2026-01-05T12:00:00+01:00", "2026-01-05T13:00:00+01:00")
    assert (found["offered"], found["answered"], found["abandoned"], found["service_level"]) == (2, 1, 1, 50.0)
    assert found["wait"] == {"average": 30.0, "percentile_95": 30, "longest": 30}
    # Whom the queue has by that name.
    [agent] = found["agents"]
    assert (agent["agent"], agent["name"], agent["answered"]) == ("200", "Alice", 1)
    [hour] = found["hours"]
    assert (hour["hour"], hour["offered"]) == ("2026-01-05T12:00:00+01:00", 2)
    assert found["warnings"] == []


def test_times_without_an_offset_are_the_exchanges(served: Served) -> None:
    found = served.json("GET", "/queues/400/stats?start=2026-01-05T12:00:00&end=2026-01-05T13:00:00")
    assert found["offered"] == 2
    assert served.json("GET", "/queues/400/stats?start=2026-01-05T11:00:00&end=2026-01-05T12:00:00")["offered"] == 0


def test_the_range_is_the_day_of_its_end(served: Served, log: Path) -> None:
    found = served.json("GET", "/queues/400/stats?end=2026-01-06")
    assert (found["start"], len(found["hours"]), found["offered"]) == ("2026-01-05T00:00:00+01:00", 24, 2)
    now = datetime.now(UTC)
    enter(log, int(now.timestamp()) - 1, answered=False)
    today = served.json("GET", "/queues/400/stats")
    assert datetime.fromisoformat(today["start"]).astimezone(BERLIN).strftime("%H:%M:%S") == "00:00:00"
    assert (
        timedelta(0)
        <= datetime.fromisoformat(today["end"]) - datetime.fromisoformat(today["start"])
        < timedelta(days=1.1)
    )


def test_the_service_level_is_the_queues_own(served: Served) -> None:
    assert served.json("GET", f"/queues/400/stats?{HOUR}")["service_level_seconds"] == 60


def test_an_etag_saves_the_answer(served: Served) -> None:
    first = served.ask("GET", f"/queues/400/stats?{HOUR}")
    served.ask("GET", f"/queues/400/stats?{HOUR}", 304, headers={"If-None-Match": first.headers["ETag"]})


def test_a_closed_range_is_answered_from_memory(served: Served, log: Path) -> None:
    assert served.json("GET", f"/queues/400/stats?{HOUR}")["offered"] == 2
    log.unlink()
    assert served.json("GET", f"/queues/400/stats?{HOUR}")["offered"] == 2
    served.ask("GET", f"/queues/overflow/stats?{HOUR}", 501)


def test_an_open_range_is_read_again(served: Served, log: Path) -> None:
    start = datetime.now(UTC) - timedelta(hours=1)
    path = f"/queues/400/stats?start={start:%Y-%m-%dT%H:%M:%S}Z"
    assert served.json("GET", path)["offered"] == 0
    enter(log, int(start.timestamp()) + 60)
    assert served.json("GET", path)["offered"] == 1


def test_a_queue_that_nobody_knows_is_not_found(served: Served, log: Path) -> None:
    served.ask("GET", f"/queues/999/stats?{HOUR}", 404)
    assert served.json("GET", f"/queues/overflow/stats?{HOUR}")["offered"] == 0
    enter(log, AT + 200, queue="999")
    assert served.json("GET", f"/queues/999/stats?{HOUR}")["offered"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "start=2026-01-05&end=2026-01-05", "start=2026-01-06&end=2026-01-05", "start=2025-01-01&end=2026-01-05",
        "start=yesterday", "service_level=-1", "service_level=x", "service_level=86401", "group_by=hour",
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(served: Served, query: str) -> None:
    served.ask("GET", f"/queues/400/stats?{query}", 422)


def test_an_exchange_that_tells_nothing_says_so(tmp_path: Path) -> None:
    with logged(tmp_path / "none") as served:
        served.ask("GET", f"/queues/400/stats?{HOUR}", 501)
    app = application()
    with serving() as served:
        before = app.extensions["pbxapi"]
        app.extensions["pbxapi"] = replace(before, pbx=replace(before.pbx, queue_statistics=None))
        served.ask("GET", "/queues/400/stats?start=2026-01-04&end=2026-01-05", 501)


def test_reading_needs_the_scope_for_it(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, "cdr")
    served.ask("GET", f"/queues/400/stats?{HOUR}", 403)
    limited(monkeypatch, "read")
    served.ask("GET", f"/queues/400/stats?{HOUR}")
