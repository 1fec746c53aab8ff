from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbxapi.errors import Invalid
from pbxapi.pbx.history import Filters
from tests.things_cdr import CdrFile, CdrReader, row

ALL = Filters()


@pytest.fixture(params=["freepbx17", "freepbx13", "stock16"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CdrFile]:
    with ExitStack() as stack:
        made = CdrFile(tmp_path / "cdr.db", request.param)
        stack.callback(made.close)
        yield made


@pytest.fixture
def reader(database: CdrFile) -> Iterator[CdrReader]:
    made = CdrReader(database.path)
    yield made
    made.close()


def walk(reader: CdrReader, limit: int, between: Any = None, **options: Any) -> list[dict[str, Any]]:
    """Every page to the end; `between` is called before each but the first."""
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = reader.records.page(ALL, limit=limit, cursor=cursor, **options)
        found += map(json.loads, page.items)
        assert len(page.items) == limit or page.next is None
        if page.next is None:
            return found
        cursor = page.next
        if between:
            between()


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [item["uniqueid"] for item in found]


def in_seconds(*counts: int) -> list[dict[str, object]]:
    """So many rows in each of some seconds, in disorder."""
    rows = [
        row(n=1000 * second + i, calldate=f"2026-11-22 19:49:{second:02d}", uniqueid=f"17953769{second:02d}.{i}")
        for second, count in enumerate(counts)
        for i in range(count)
    ]
    random.Random(1).shuffle(rows)
    return rows


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 3, 7, 100])
def test_every_record_is_given_once_and_in_order(
    database: CdrFile, reader: CdrReader, limit: int, oldest_first: bool
) -> None:
    database.add(*in_seconds(1, 5, 0, 12, 1, 1, 2))
    found = walk(reader, limit, oldest_first=oldest_first)
    times = [item["calldate"] for item in found]
    assert len(set(ids(found))) == len(found) == 22
    assert times == sorted(times, reverse=not oldest_first)


def test_a_thousand_records_of_one_second_are_paged_through(database: CdrFile, reader: CdrReader) -> None:
    database.add(*in_seconds(3, 1000, 4))
    assert sorted(ids(walk(reader, 100))) == sorted(str(r["uniqueid"]) for r in in_seconds(3, 1000, 4))


def test_records_that_are_the_very_same_are_all_given(database: CdrFile, reader: CdrReader) -> None:
    database.add(*[row()] * 9, row(n=2))
    assert len(walk(reader, 2)) == 10


def test_records_written_in_the_meantime_make_none_lost_or_double(database: CdrFile, reader: CdrReader) -> None:
    database.add(*in_seconds(40, 40))
    before = {str(r["uniqueid"]) for r in in_seconds(40, 40)}
    numbers = iter(range(1000, 2000))

    def write() -> None:
        for second in ("00", "01", "02"):
            n = next(numbers)
            database.add(row(n=n, calldate=f"2026-11-22 19:49:{second}", uniqueid=f"17953769{second}.{n}"))

    found = ids(walk(reader, 7, between=write))
    assert len(found) == len(set(found))
    assert before <= set(found)


@given(
    counts=st.lists(st.integers(0, 9), min_size=1, max_size=8),
    limit=st.integers(1, 10),
    oldest_first=st.booleans(),
    copies=st.integers(1, 3),
)
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
def test_pages_of_any_size_over_any_seconds_come_to_the_whole(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], limit: int, oldest_first: bool, copies: int
) -> None:
    database = CdrFile(tmp_path_factory.mktemp("cdr") / "cdr.db")
    reader = CdrReader(database.path)
    try:
        database.add(*in_seconds(*counts) * copies)
        found = walk(reader, limit, oldest_first=oldest_first)
        expected = sorted(str(r["uniqueid"]) for r in in_seconds(*counts)) * copies
        assert sorted(ids(found)) == sorted(expected)
    finally:
        reader.close()
        database.close()


def test_the_whole_is_read_by_index_at_any_depth(tmp_path: Path) -> None:
    database = CdrFile(tmp_path / "cdr.db")
    reader = CdrReader(database.path)
    try:
        database.add(*in_seconds(5, 5))
        plan = database.run("EXPLAIN QUERY PLAN SELECT * FROM cdr WHERE calldate <= ? ORDER BY calldate DESC", ["2026"])
        assert "USING INDEX ix_calldate" in plan[0][-1]
        assert len(plan) == 1  # no sorting
    finally:
        reader.close()
        database.close()


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "!", "bnVsbA", "W10", "WzEsMiwzLDQsNSw2XQ", "eyJhIjoxfQ", "WyIyMDI2IiwiIiwwLCIiLDEsMV0", "W" * 900, "é"],
)
def test_a_cursor_that_no_page_gave_is_refused(database: CdrFile, reader: CdrReader, cursor: str) -> None:
    database.add(row())
    if cursor:
        with pytest.raises(Invalid, match="cursor"):
            reader.records.page(ALL, limit=1, cursor=cursor)


def test_a_record_without_a_date_does_not_stop_the_rest(database: CdrFile, reader: CdrReader) -> None:
    database.add(row(calldate=None), row(n=2, calldate="0000-00-00 00:00:00"), row(n=3))
    found = walk(reader, 1)
    assert [item["calldate"] for item in found] == ["2026-11-22T19:49:01+01:00", None]
