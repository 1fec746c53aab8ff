"""Rows as a real server gives them: as JSON of its own, in other character sets, and by which plan."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, event

from pbxapi.db.call_tables import CallTables
from pbxapi.db.engine import connect
from pbxapi.pbx.cdr_pages import Pager
from pbxapi.pbx.cdr_rows import Rows
from pbxapi.pbx.history import Filters
from pbxapi.pbx.local_time import Clock
from tests.real.cdr_table import CdrTable
from tests.things_cdr import BERLIN, CdrReader, row

NUMBERS = ("duration", "billsec", "sequence")
FILES = st.sampled_from(["", "a.wav", "deleted", "audio:/x.wav", "ä b.wav"])
UNSHRUNK = settings(max_examples=30, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""A smaller example is not worth the minutes that a real server takes to find it."""
WHOLE = st.integers(-(2**31), 2**31 - 1)


def some_row(characters: Any, *, nullable: bool) -> st.SearchStrategy[dict[str, object]]:
    """Rows of any text in these characters."""
    text = st.text(characters, max_size=20)
    either = st.one_of(st.none(), text) if nullable else text
    texts = dict.fromkeys(("clid", "src", "dst", "lastdata", "cnam", "uniqueid", "linkedid", "did"), either)
    numbers = {name: st.one_of(st.none(), WHOLE) if nullable else WHOLE for name in NUMBERS}
    files = {"recordingfile": FILES, "userfield": FILES}
    dates = {"calldate": st.sampled_from(["2026-10-25 02:30:00", "2026-07-01 00:00:00", "0000-00-00 00:00:00"])}
    return st.fixed_dictionaries({**texts, **numbers, **files, **dates}).map(lambda given: row(**given))


UNICODE = st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from('"\\/\b\f\n\r\t\x00\x1f\x7f😀\u2028é '))
LATIN = st.sampled_from([bytes([n]).decode("cp1252") for n in range(256) if n not in {0x81, 0x8D, 0x8F, 0x90, 0x9D}])


def marked(file: str, userfield: str, date: str) -> str | None:
    """An id such as the recordings give."""
    found = file or (userfield if userfield.startswith("audio:") else "")
    return found.encode().hex() or None


def told(engine: Engine, tables: CallTables) -> list[Any]:
    rows = Rows(Clock(BERLIN), marked)
    with connect(engine) as connection:
        found, _ = Pager(connection, tables, [], rows.text_columns(tables)).page(100, None)
        # Those of one second are in an order of their own.
        return sorted((json.loads(rows.text(tables, each)) for each in found), key=repr)


def check_json(table: CdrTable, rows: list[dict[str, object]]) -> None:
    reader = CdrReader(table.engine())
    try:
        table.clear()
        table.add(*rows)
        by_server = reader.tables.get()
        by_program = replace(by_server, version=(5, 5, 68))
        assert by_server.builds_json and not by_program.builds_json
        assert told(reader.engine, by_server) == told(reader.engine, by_program)
    finally:
        reader.close()


@given(rows=st.lists(some_row(UNICODE, nullable=False), min_size=1, max_size=5))
@UNSHRUNK
def test_json_of_the_server_is_that_of_the_program(
    cdr_tables: Callable[[str], CdrTable], rows: list[dict[str, object]]
) -> None:
    check_json(cdr_tables("freepbx17-InnoDB-utf8mb4"), rows)


@given(rows=st.lists(some_row(LATIN, nullable=False), min_size=1, max_size=5))
@UNSHRUNK
def test_json_of_the_server_is_that_of_the_program_in_latin1(
    cdr_tables: Callable[[str], CdrTable], rows: list[dict[str, object]]
) -> None:
    check_json(cdr_tables("issabel5-InnoDB-latin1"), rows)


@given(rows=st.lists(some_row(UNICODE, nullable=True), min_size=1, max_size=5))
@UNSHRUNK
def test_json_of_the_server_is_that_of_the_program_where_all_can_be_null(
    cdr_tables: Callable[[str], CdrTable], rows: list[dict[str, object]]
) -> None:
    check_json(cdr_tables("asterisk-InnoDB-utf8mb4"), rows)


def test_bytes_of_latin1_come_as_the_letters_they_are(cdr_tables: Callable[[str], CdrTable]) -> None:
    table = cdr_tables("issabel5-InnoDB-latin1")
    table.add(row())
    table.run("UPDATE cdr SET clid = x'5A6FEB2080', did = x'E9'")
    reader = CdrReader(table.engine())
    [text] = reader.records.page(Filters(contains=(("clid", "Zoë €"),), did="é"), limit=2, cursor=None).items
    assert (json.loads(text)["clid"], json.loads(text)["did"]) == ("Zoë €", "é")
    reader.close()


@pytest.fixture(
    scope="module", params=["freepbx17-InnoDB-utf8mb4", "freepbx13-InnoDB-utf8mb4", "issabel4-MyISAM-latin1"]
)
def full(request: pytest.FixtureRequest, cdr_tables: Callable[[str], CdrTable]) -> CdrTable:
    """A table with rows enough for its indexes to be worth using."""
    table = cdr_tables(request.param)
    start = datetime(2026, 11, 1, tzinfo=UTC).timestamp()
    table.add(
        *(
            row(n=n, dst=str(200 + n % 97), src=str(300 + n % 89), uniqueid=f"17953769{n // 2}.{n}",
                calldate=datetime.fromtimestamp(start + n * 20, UTC).strftime("%Y-%m-%d %H:%M:%S"))
            for n in range(5000)
        )
    )  # fmt: skip
    table.run("ANALYZE TABLE cdr")
    return table


@pytest.fixture
def plans(full: CdrTable) -> Iterator[tuple[CdrReader, Callable[[], list[dict[str, object]]]]]:
    """A reader, and the plan of every statement that it ran since it was last asked."""
    reader = CdrReader(full.engine())
    reader.tables.get()
    statements: list[tuple[str, Any]] = []

    def note(connection: Connection, cursor: object, statement: str, parameters: Any, *rest: object) -> None:
        statements.append((statement, parameters))

    def explained() -> list[dict[str, object]]:
        asked, statements[:] = statements[:], []
        return [full.explain(statement, parameters) for statement, parameters in asked]

    event.listen(reader.engine, "before_cursor_execute", note)
    yield reader, explained
    reader.close()


Plans = tuple[CdrReader, Callable[[], list[dict[str, object]]]]


@pytest.mark.parametrize("oldest_first", [False, True])
def test_a_page_at_any_depth_is_read_in_the_order_of_the_index(plans: Plans, oldest_first: bool) -> None:
    reader, explained = plans
    cursor, deep = None, []
    for _ in range(40):
        cursor = reader.records.page(Filters(), limit=20, cursor=cursor, oldest_first=oldest_first).next
        deep = explained()
        assert deep
        for plan in deep:
            assert plan["key"] == "calldate"
            assert "filesort" not in str(plan["Extra"])
    assert len(deep) <= 3


def test_a_days_page_reads_that_day_by_the_index(plans: Plans) -> None:
    reader, explained = plans
    day = Filters(start=datetime(2026, 11, 1, 5, tzinfo=BERLIN), end=datetime(2026, 11, 1, 6, tzinfo=BERLIN), src="301")
    reader.records.page(day, limit=50, cursor=None)
    assert {plan["key"] for plan in explained()} == {"calldate"}


def test_a_dialled_number_is_found_by_its_index(plans: Plans) -> None:
    reader, explained = plans
    for filters in (Filters(dst="222"), Filters(dst_prefix="2222")):
        reader.records.page(filters, limit=50, cursor=None)
        assert {plan["key"] for plan in explained()} == {"dst"}


@pytest.mark.parametrize("full", ["freepbx17-InnoDB-utf8mb4", "freepbx13-InnoDB-utf8mb4"], indirect=True)
def test_a_channel_and_the_legs_of_calls_are_found_by_their_indexes(plans: Plans, full: CdrTable) -> None:
    reader, explained = plans
    reader.records.of_channel("1795376910.20")
    assert [plan["key"] for plan in explained()] == ["uniqueid"]
    reader.records.calls(Filters(), limit=20, cursor=None)
    page, *legs = (plan["key"] for plan in explained())
    assert page == "calldate"
    assert ("linkedid" if "freepbx17" in full.variant else "uniqueid") in legs
