"""Building the roll-up: in which order, what is read again, by whom, and in which thread."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from pbxapi.db.engine import connect
from pbxapi.errors import PbxError, Unavailable
from pbxapi.pbx import call_statistics_thread
from pbxapi.pbx.call_statistics import DatabaseCallStatistics
from pbxapi.pbx.call_statistics_sources import source_of
from tests.pbx.test_call_statistics import CLOCK, Bench, aware, bench, benches
from tests.real.deadline import eventually
from tests.things_cdr import row

__all__ = ["bench", "benches"]

MARCH = "2026-03-01 00:00:00", "2026-04-01 00:00:00"


def calls(bench: Bench) -> int:
    found: int = bench.rolled_up(*MARCH, "day")["totals"]["calls"]
    return found


def test_the_newest_days_come_first_and_days_without_calls_are_left_out(bench: Bench) -> None:
    bench.add(row(n=1, calldate="2026-01-02 10:00:00"), row(n=2, calldate="2026-03-31 10:00:00"))
    statistics, builder = bench.statistics(bench.store.roll_up), bench.builder()
    firsts = []
    while builder.step():
        firsts.append(statistics.progress()["from"])
    assert firsts == ["2026-04-02T00:00:00+02:00", "2026-03-31T00:00:00+02:00", "2026-01-02T00:00:00+01:00"]
    assert statistics.progress() == {
        "state": "current", "from": "2026-01-02T00:00:00+01:00", "until": "2026-04-03T00:00:00+02:00", "done": 1.0
    }  # fmt: skip


def test_a_range_that_is_half_built_comes_from_both(bench: Bench) -> None:
    bench.add(*(row(n=n, calldate=f"2026-03-{n:02} 10:00:00") for n in range(10, 31)))
    bench.build(most=6)
    found = bench.rolled_up(*MARCH, "day")
    assert (found["source"], found["roll_up"]["state"]) == ("both", "building")
    assert 0 < found["roll_up"]["done"] < 1
    assert found["totals"]["calls"] == 21


def test_an_empty_table_is_done_at_once(bench: Bench) -> None:
    bench.build(most=3)
    assert bench.statistics(bench.store.roll_up).progress()["state"] == "current"


def test_hours_are_added_as_they_settle(bench: Bench) -> None:
    bench.add(row(n=1, calldate="2026-04-02 10:00:00"))
    bench.build()
    for hours in (1, 30, 24 * 9):
        bench.now += timedelta(hours=hours)
        bench.build()
        until = bench.statistics(bench.store.roll_up).progress()["until"]
        assert until == (bench.now - timedelta(hours=12)).replace(minute=0).isoformat()


def test_a_call_that_was_written_late_is_picked_up(bench: Bench) -> None:
    bench.add(row(n=1, calldate="2026-03-31 10:00:00"), row(n=4, calldate="2026-02-20 10:00:00"))
    bench.now = aware("2026-03-31 23:30:00")
    bench.build()
    # They lasted for 13 hours, and for a day and a half: the hours that they began in were taken in meanwhile.
    bench.add(row(n=2, calldate="2026-03-31 10:30:00"), row(n=3, calldate="2026-03-30 10:30:00"))
    assert calls(bench) == 1
    bench.now = aware("2026-04-01 13:30:00")
    bench.build()
    assert calls(bench) == 3


def test_older_records_that_are_brought_in_are_found_the_next_day(bench: Bench) -> None:
    bench.add(row(n=1, calldate="2026-03-31 10:00:00"))
    bench.build()
    bench.add(row(n=2, calldate="2026-03-05 10:00:00"))
    bench.build()
    assert calls(bench) == 1
    bench.now += timedelta(days=1)
    bench.build()
    assert calls(bench) == 2


def test_totals_of_records_that_were_purged_stay(bench: Bench) -> None:
    bench.add(row(n=1, calldate="2026-03-05 10:00:00"), row(n=2, calldate="2026-03-31 10:00:00"))
    bench.build()
    bench.file.run("DELETE FROM cdr WHERE calldate < '2026-03-20'")
    bench.now += timedelta(days=3)
    bench.build()
    assert calls(bench) == 2


def test_two_do_not_build_at_once_and_the_lease_of_one_that_was_killed_runs_out(bench: Bench) -> None:
    bench.add(*(row(n=n, calldate=f"2026-03-{n:02} 10:00:00") for n in range(10, 20)))
    roll_up = bench.store.roll_up
    source = source_of(bench.reader.engine, bench.reader.tables.get())
    assert bench.builder("first").step()
    second = bench.builder("second")
    assert not second.step()
    assert bench.builder("first").step()
    # Killed here: nobody releases it. Its last claim runs out.
    assert roll_up.claim(source, "first", timedelta(0)) is not None
    assert eventually(second.step, "the lease has run out")
    # The first one was only slow, and has not noticed.
    assert not roll_up.write(source, "first", range(24), [], [])
    assert not bench.builder("first").step()


def test_one_who_is_done_lets_others_build(bench: Bench) -> None:
    bench.add(row(n=1, calldate="2026-04-02 10:00:00"))
    bench.build()
    bench.now += timedelta(hours=2)
    assert bench.builder("another").step()


def test_a_table_that_cannot_be_read_is_a_failed_step_that_is_tried_again(bench: Bench) -> None:
    bench.add(row(n=1, calldate="2026-03-31 10:00:00"))
    builder = bench.builder()
    assert builder.step()
    bench.file.run("ALTER TABLE cdr RENAME TO gone")
    with pytest.raises(Unavailable):
        builder.step()
    assert bench.statistics(bench.store.roll_up).progress()["state"] == "failed"
    bench.file.run("ALTER TABLE gone RENAME TO cdr")
    bench.build()
    assert bench.statistics(bench.store.roll_up).progress()["state"] == "current"


def test_another_table_is_counted_anew(benches: Callable[[str], Bench]) -> None:
    bench, other = benches("freepbx17"), benches("freepbx13")
    sources = [source_of(each.reader.engine, each.reader.tables.get()) for each in (bench, other)]
    assert sources[0] != sources[1]


def threaded(bench: Bench) -> DatabaseCallStatistics:
    return DatabaseCallStatistics(bench.reader.engine, bench.reader.tables, CLOCK, bench.store.roll_up)


def building() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "pbxapi-statistics"]


def test_the_thread_starts_with_the_first_question_and_ends_with_close(bench: Bench) -> None:
    bench.add(row(n=1, calldate="2026-03-31 10:00:00"))
    statistics = threaded(bench)
    statistics.progress()
    assert building() == []
    for _ in range(3):
        statistics.totals(aware(MARCH[0]), aware(MARCH[1]), "day")
    assert len(building()) == 1
    eventually(lambda: statistics.progress()["state"] == "current", "it is built")
    statistics.close()
    assert building() == []
    statistics.totals(aware(MARCH[0]), aware(MARCH[1]), "day")
    assert building() == []


def test_a_forked_process_starts_a_thread_of_its_own(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_statistics_thread, "POLL", 0.05)
    bench.add(row(n=1, calldate="2026-03-31 10:00:00"))
    statistics = threaded(bench)
    statistics.totals(aware(MARCH[0]), aware(MARCH[1]), "day")
    eventually(lambda: statistics.progress()["state"] == "current", "it is built")
    child = os.fork()
    if child == 0:
        try:
            alone = not building()
            statistics.totals(aware(MARCH[0]), aware(MARCH[1]), "day")
            good = alone and len(building()) == 1
            statistics.close()
            os._exit(0 if good and not building() else 1)
        finally:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    statistics.close()


def test_a_thread_outlives_what_goes_wrong(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(call_statistics_thread, "POLL", 0.02)
    bench.add(row(n=1, calldate="2026-03-31 10:00:00"))
    statistics = threaded(bench)
    bench.reader.tables.get()
    bench.file.run("ALTER TABLE cdr RENAME TO gone")
    with pytest.raises(PbxError):
        statistics.totals(aware(MARCH[0]), aware(MARCH[1]), "day")
    eventually(lambda: statistics.progress()["state"] == "failed", "it fails")
    bench.file.run("ALTER TABLE gone RENAME TO cdr")
    eventually(lambda: statistics.progress()["state"] == "current", "it is built")
    statistics.close()
    with connect(bench.reader.engine) as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM cdr").scalar_one() == 1
