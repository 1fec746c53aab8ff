"""Statistics of calls on SQLite: counted directly, and from the roll-up, against a count in plain Python."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxapi.errors import Invalid, NotSupported
from pbxapi.pbx.call_statistics import DatabaseCallStatistics
from pbxapi.pbx.call_statistics_builder import RollUpBuilder
from pbxapi.pbx.call_statistics_groups import GROUPS
from pbxapi.pbx.history import RollUp
from pbxapi.pbx.local_time import TEXT, Clock
from pbxapi.store import Store
from pbxapi.store.migrate import migrate
from tests.pbx import plain_statistics as plain
from tests.things_cdr import BERLIN, CdrFile, CdrReader, row

CLOCK = Clock(BERLIN)
NOW = datetime(2026, 4, 3, 12, 30, tzinfo=BERLIN)
"""Friday after Daylight saving began; what is older than half past midnight is settled."""


class Bench:
    """A table, a store, and what reads them."""

    def __init__(self, folder: Path, layout: str = "freepbx17") -> None:
        self.file = CdrFile(folder / "cdr.db", layout)
        self.reader = CdrReader(folder / "cdr.db")
        self.store = Store(f"sqlite:///{folder}/store.db")
        self.rows: list[dict[str, Any]] = []
        self.now = NOW

    def add(self, *rows: dict[str, Any]) -> None:
        self.rows.extend(rows)
        self.file.add(*rows)

    def builder(self, owner: str = "me") -> RollUpBuilder:
        return RollUpBuilder(
            self.reader.engine, self.reader.tables, CLOCK, self.store.roll_up, owner=owner, now=lambda: self.now
        )

    def build(self, most: int = 1000) -> None:
        builder = self.builder()
        for _ in range(most):
            if not builder.step():
                return
        assert most < 1000, "it does not end"

    def statistics(self, roll_up: RollUp | None = None) -> DatabaseCallStatistics:
        made = DatabaseCallStatistics(self.reader.engine, self.reader.tables, CLOCK, roll_up)
        made.close()  # no thread: the tests build by themselves
        return made

    def direct(self, start: str, end: str, group_by: str) -> dict[str, Any]:
        return self.statistics().totals(aware(start), aware(end), group_by)

    def rolled_up(self, start: str, end: str, group_by: str) -> dict[str, Any]:
        return self.statistics(self.store.roll_up).totals(aware(start), aware(end), group_by)

    def close(self) -> None:
        self.file.close()
        self.reader.close()
        self.store.close()


def aware(local: str) -> datetime:
    return datetime.strptime(local, TEXT).replace(tzinfo=BERLIN)


@pytest.fixture
def benches(tmp_path: Path) -> Iterator[Callable[[str], Bench]]:
    with ExitStack() as stack:

        def make(layout: str = "freepbx17") -> Bench:
            folder = tmp_path / layout
            folder.mkdir()
            bench = Bench(folder, layout)
            stack.callback(bench.close)
            migrate(bench.store)
            return bench

        yield make


@pytest.fixture
def bench(benches: Callable[[], Bench]) -> Bench:
    return benches()


CHANNELS = st.sampled_from([
    "PJSIP/200-00000002", "SIP/201-0000000a", "Local/200@from-queue-00000003;1", "Local/FMPR-200@from-internal-0;2",
    "PJSIP/trunk-00000001", "PJSIP/1-00000001", "PJSIP/123456789-00000001", "DAHDI/12-1", "", "Local/20@x-1;1",
    "IAX2/2-0-1", "PJSIP/20a-1", "Local/201-1@x-1;1", "/", "200-1", "PJSIP/99", "DAHDI/i1/5551234-1",
])  # fmt: skip


def moments(first: int, last: int) -> st.SearchStrategy[str]:
    """Local times from one day of the week to another; many of them share an hour."""
    begin = datetime(2026, 3, 27)
    return st.builds(
        lambda day, hour, second: (begin + timedelta(days=day, hours=hour, seconds=second)).strftime(TEXT),
        st.integers(first, last), st.sampled_from([0, 3, 10, 23]), st.integers(0, 3599),
    )  # fmt: skip


ROWS = st.lists(
    st.builds(
        row, calldate=st.one_of(*[moments(0, 8)] * 9, st.just("0000-00-00 00:00:00")),
        uniqueid=st.sampled_from(["1.1", "1.2", "2.1"]), linkedid=st.sampled_from(["1.1", "2.1", ""]),
        channel=CHANNELS, dstchannel=CHANNELS, duration=st.integers(0, 60), billsec=st.integers(0, 60),
        disposition=st.sampled_from([*plain.RANKS, "ANSWERED", "ANSWERED", ""]),
        lastapp=st.sampled_from(["Queue", "Dial"]), lastdata=st.sampled_from(["400,t,,", "", "Sales,t", " 402 ,"]),
        did=st.sampled_from(["", "4930123", "4930124"]),
    ),
    min_size=15, max_size=40,
)  # fmt: skip


def edges(first: int, last: int) -> st.SearchStrategy[str]:
    """Moments, full hours and midnights."""
    ends = st.sampled_from([(19, ""), (13, ":00:00"), (10, " 00:00:00")])
    return st.builds(lambda moment, end: moment[: end[0]] + end[1], moments(first, last), ends)


@settings(max_examples=20, deadline=None)
@given(
    rows=ROWS, start=edges(-1, 2), end=edges(3, 8), group_by=st.sampled_from(sorted(GROUPS)), steps=st.integers(0, 12)
)
def test_both_ways_give_what_a_plain_count_gives(
    rows: list[dict[str, Any]], start: str, end: str, group_by: str, steps: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        bench = Bench(Path(folder))
        stack.callback(bench.close)
        migrate(bench.store)
        bench.add(*rows)
        expected = plain.items(bench.rows, start, end, group_by)
        direct = bench.direct(start, end, group_by)
        assert plain.flattened(direct) == expected
        assert direct["totals"] == plain.totals(bench.rows, start, end)
        bench.build(most=steps)
        rolled_up = bench.rolled_up(start, end, group_by)
        assert {**rolled_up, "source": "sql", "roll_up": None} == {**direct, "roll_up": None}


def test_a_table_without_linkedid_counts_by_uniqueid(benches: Callable[[str], Bench]) -> None:
    bench = benches("freepbx13")
    bench.add(*(row(calldate="2026-03-30 10:00:00", uniqueid=f"1.{n // 2}", linkedid="same") for n in range(6)))
    bench.build()
    for counted in (bench.direct, bench.rolled_up):
        found = counted("2026-03-30 00:00:00", "2026-03-31 00:00:00", "day")
        assert found["totals"] == plain.totals(bench.rows, "2026-03-30", "2026-03-31", linked=False)
        assert found["totals"]["calls"] == 3


@pytest.mark.parametrize(("layout", "group_by"), [("stock", "did"), ("stock16", "did")])
def test_what_the_table_does_not_tell_is_not_supported(
    benches: Callable[[str], Bench], layout: str, group_by: str
) -> None:
    bench = benches(layout)
    bench.add(row(calldate="2026-03-30 10:00:00"))
    bench.build()
    with pytest.raises(NotSupported):
        bench.direct("2026-03-30 00:00:00", "2026-03-31 00:00:00", group_by)
    found = bench.rolled_up("2026-03-30 00:00:00", "2026-03-31 00:00:00", "extension")
    assert [item["key"] for item in found["items"]] == ["200", "201"]
    assert found["source"] == "roll_up"


def test_hours_without_calls_are_there_and_the_one_that_is_left_out_is_not(bench: Bench) -> None:
    bench.add(row(calldate="2026-03-29 03:10:00"))
    found = bench.direct("2026-03-29 00:00:00", "2026-03-29 06:00:00", "hour")
    assert [(item["key"], item["calls"], item["answer_rate"]) for item in found["items"]] == [
        ("2026-03-29T00:00:00+01:00", 0, None), ("2026-03-29T01:00:00+01:00", 0, None),
        ("2026-03-29T03:00:00+02:00", 1, 1.0),
        ("2026-03-29T04:00:00+02:00", 0, None), ("2026-03-29T05:00:00+02:00", 0, None),
    ]  # fmt: skip


def test_the_hour_that_comes_twice_is_one(bench: Bench) -> None:
    bench.now = datetime(2026, 10, 27, tzinfo=BERLIN)
    bench.add(*(row(calldate="2026-10-25 02:30:00", n=n) for n in range(3)), row(calldate="2026-10-25 03:00:00", n=9))
    bench.build()
    first = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)
    statistics = bench.statistics(bench.store.roll_up)
    # Either of the two hours has all that the table says was at that time.
    for hours in ((0, 1), (1, 2), (0, 2)):
        start, end = (first + timedelta(hours=h) for h in hours)
        found = statistics.totals(start, end, "hour")
        assert [(item["key"], item["calls"]) for item in found["items"]] == [("2026-10-25T02:00:00+02:00", 3)]
        assert found["source"] == "roll_up"


def test_a_day_without_calls_and_every_weekday_are_there(bench: Bench) -> None:
    bench.add(row(calldate="2026-03-27 10:00:00"))
    days = bench.direct("2026-03-27 10:00:00", "2026-03-30 00:00:01", "day")["items"]
    assert [(item["key"], item["calls"]) for item in days] == [
        ("2026-03-27", 1), ("2026-03-28", 0), ("2026-03-29", 0), ("2026-03-30", 0)
    ]  # fmt: skip
    weekdays = bench.direct("2026-03-27 10:00:00", "2026-03-28 00:00:00", "weekday")["items"]
    assert [(item["key"], item["calls"]) for item in weekdays] == [(day, int(day == 5)) for day in range(1, 8)]
    heat = bench.direct("2026-03-27 10:00:00", "2026-03-28 00:00:00", "heatmap")["items"]
    assert [len(item["hours"]) for item in heat] == [24] * 7
    assert heat[4]["hours"][10]["calls"] == heat[4]["calls"] == 1


def test_a_range_of_too_many_hours_is_refused(bench: Bench) -> None:
    with pytest.raises(Invalid, match="10000"):
        bench.direct("2024-01-01 00:00:00", "2026-01-01 00:00:00", "hour")
    with pytest.raises(Invalid):
        bench.direct("2026-01-01 00:00:00", "2026-01-01 00:00:00", "hour")
    assert bench.direct("1000-01-01 00:00:00", "2026-01-01 00:00:00", "weekday")["totals"]["calls"] == 0


def test_without_a_roll_up_it_is_off_and_all_is_counted(bench: Bench) -> None:
    bench.add(row(calldate="2026-03-27 10:00:00"))
    found = bench.direct("2026-03-27 00:00:00", "2026-03-28 00:00:00", "day")
    assert (found["source"], found["roll_up"]["state"], found["totals"]["calls"]) == ("sql", "off", 1)
    assert bench.statistics().progress() == {"state": "off", "from": None, "until": None, "done": 0.0}


def test_a_store_that_does_not_answer_leaves_the_table(bench: Bench) -> None:
    bench.add(row(calldate="2026-03-27 10:00:00"))
    migrate(bench.store, "base")
    found = bench.rolled_up("2026-03-27 00:00:00", "2026-03-28 00:00:00", "day")
    assert (found["source"], found["roll_up"]["state"], found["totals"]["calls"]) == ("sql", "failed", 1)


@pytest.mark.parametrize("group_by", ["hour", "day", "extension", "disposition"])
def test_hours_that_may_still_change_are_counted_in_the_table(bench: Bench, group_by: str) -> None:
    bench.add(row(n=1, calldate="2026-04-02 10:00:00"), row(n=2, calldate="2026-04-03 00:00:00"))
    bench.build()
    bench.add(row(n=3, calldate="2026-04-03 10:00:00"), row(n=4, calldate="2026-04-04 01:00:00"))
    found = bench.rolled_up("2026-04-02 00:00:00", "2026-04-05 00:00:00", group_by)
    assert (found["source"], found["totals"]["calls"]) == ("both", 4)
    assert plain.flattened(found) == plain.items(bench.rows, "2026-04-02", "2026-04-05", group_by)
