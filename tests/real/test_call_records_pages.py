"""Pages and calls over MariaDB: what tests/pbx says of them on SQLite, and what only this server can do to them."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from datetime import datetime

import pytest
from sqlalchemy import Connection, event

from pbxapi.errors import Invalid
from pbxapi.pbx.history import Filters
from tests.pbx.test_cdr_calls import (  # noqa: F401
    test_a_call_at_the_end_of_time_is_told,
    test_a_call_of_which_one_leg_fits_has_all_of_its_legs,
    test_a_queue_call_is_one_call_with_who_called_and_who_answered,
    test_a_voicemail_that_answered_after_the_phone_did_not,
    test_calls_are_counted_as_calls,
    test_each_call_stands_on_one_page_alone,
    test_how_a_call_ended_is_told,
    test_legs_that_are_the_very_same_make_one_call,
    test_rows_without_a_linkedid_are_calls_by_their_uniqueid,
    test_what_the_dialplan_did_after_nobody_answered_is_no_answer,
)
from tests.pbx.test_cdr_pages import (  # noqa: F401
    ids,
    in_seconds,
    test_a_cursor_that_no_page_gave_is_refused,
    test_a_thousand_records_of_one_second_are_paged_through,
    test_every_record_is_given_once_and_in_order,
    test_records_that_are_the_very_same_are_all_given,
    test_records_written_in_the_meantime_make_none_lost_or_double,
    walk,
)
from tests.real.cdr_table import CdrTable
from tests.things_cdr import BERLIN, CdrReader, row

PLATFORMS = (
    "freepbx17-MyISAM-utf8mb3", "freepbx13-InnoDB-utf8mb4", "issabel4-MyISAM-latin1", "asterisk-InnoDB-utf8mb4",
)  # fmt: skip
"""The tables that differ in columns; the other files have Issabel 5, and more of engines and character sets."""

LINKED = ("freepbx17-MyISAM-utf8mb3", "asterisk-InnoDB-utf8mb4")
"""Those that have linkedids and sequences."""


@pytest.fixture(params=PLATFORMS)
def database(request: pytest.FixtureRequest, cdr_tables: Callable[[str], CdrTable]) -> CdrTable:
    return cdr_tables(request.param)


@pytest.fixture(scope="module")
def readers(cdr_tables: Callable[[str], CdrTable]) -> Iterator[dict[str, CdrReader]]:
    """One a table: each connects and looks at its table once."""
    made = {variant: CdrReader(cdr_tables(variant).engine()) for variant in PLATFORMS}
    yield made
    for each in made.values():
        each.close()


@pytest.fixture
def reader(database: CdrTable, readers: dict[str, CdrReader]) -> CdrReader:
    return readers[database.variant]


@pytest.fixture(params=LINKED)
def linked(
    request: pytest.FixtureRequest, cdr_tables: Callable[[str], CdrTable], readers: dict[str, CdrReader]
) -> tuple[CdrTable, CdrReader]:
    return cdr_tables(request.param), readers[request.param]


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_records_with_no_date_or_a_zero_one_do_not_stop_the_rest(
    database: CdrTable, reader: CdrReader, limit: int, oldest_first: bool
) -> None:
    undated = [row(n=n, calldate=None) for n in range(1, 8)]
    zero = [row(n=n, calldate="0000-00-00 00:00:00") for n in range(8, 11)]
    database.add(*undated, *zero, row(n=20, calldate="2026-00-00 10:00:00"), *in_seconds(2, 2))
    found = walk(reader, limit, oldest_first=oldest_first)
    dated = [item["uniqueid"] for item in found if item["calldate"]]
    assert sorted(dated) == sorted(str(each["uniqueid"]) for each in in_seconds(2, 2))
    # Where there is NULL, it has no place in the order of time; a zero date has one.
    assert len(found) == 8 if "start" in database.columns else 15
    assert len(found) == len({item["uniqueid"] for item in found})


def test_rows_that_hold_nothing_are_told_as_such(database: CdrTable, reader: CdrReader) -> None:
    nullable = "start" in database.columns
    nothing: dict[str, object] = dict.fromkeys(database.columns, None if nullable else "")
    nothing |= {} if nullable else dict.fromkeys(("duration", "billsec", "amaflags", "sequence"), 0)
    database.add({**nothing, "calldate": "2026-11-22 19:49:01"}, {**nothing, "calldate": "2026-11-22 19:49:02"}, row())
    [told] = [item for item in walk(reader, 1) if item["calldate"] == "2026-11-22T19:49:02+01:00"]
    assert {value for name, value in told.items() if name not in {"calldate", "amaflags"}} <= {None, 0}
    # What names no call is of none.
    [call], _ = reader.records.calls(Filters(), limit=10, cursor=None)
    assert len(call.legs) == 1
    assert (reader.records.total(Filters()), reader.records.total(Filters(), calls=True)) == (3, 1)


@pytest.mark.parametrize("variant", ["asterisk-InnoDB-utf8mb4"])
def test_a_leg_without_a_uniqueid_is_one_of_its_call(cdr_tables: Callable[[str], CdrTable], variant: str) -> None:
    table = cdr_tables(variant)
    reader = CdrReader(table.engine())
    table.add(row(n=1, linkedid="L", uniqueid=None), row(n=2, linkedid="L"))
    assert len(reader.records.of_call("L")) == len(reader.records.call("L").legs) == 2
    reader.close()


def test_the_hour_that_comes_twice_is_told_apart_by_uniqueid(database: CdrTable, reader: CdrReader) -> None:
    summer, winter = 1792888200, 1792891800  # both are 02:30 in Berlin
    database.add(
        row(n=1, calldate="2026-10-25 02:30:00", uniqueid=f"{summer}.1"),
        row(n=2, calldate="2026-10-25 02:30:00", uniqueid=f"{winter}.2"),
        row(n=3, calldate="2026-03-29 02:30:00"),  # the hour that was left out
    )
    found = {item["uniqueid"]: item["calldate"] for item in walk(reader, 1)}
    assert found[f"{summer}.1"] == "2026-10-25T02:30:00+02:00"
    assert found[f"{winter}.2"] == "2026-10-25T02:30:00+01:00"
    hour = Filters(
        start=datetime(2026, 10, 25, 2, 0, tzinfo=BERLIN, fold=1), end=datetime(2026, 10, 25, 3, 0, tzinfo=BERLIN)
    )
    assert len(reader.records.page(hour, limit=9, cursor=None).items) == 2


def test_a_cursor_of_hostile_text_is_refused_or_finds_nothing(database: CdrTable, reader: CdrReader) -> None:
    database.add(row())
    for second in ("\ud800" * 19, "' OR '1'='1' -- abcd", "2026-13-45 99:99:99", "é" * 19, "\x00" * 19, "9" * 19):
        plain = json.dumps([second, "1.1", 1, "", 1, 1]).encode()
        with pytest.raises(Invalid, match="cursor"):
            reader.records.page(Filters(), limit=1, cursor=base64.urlsafe_b64encode(plain).decode().rstrip("="))


def test_umlauts_emoji_quotes_and_backslashes_come_as_they_were_written(database: CdrTable, reader: CdrReader) -> None:
    latin1, utf8 = 'Zoë "Ö\\" <1>\t\' ;-- %_|', "Şahin 😀 ключ"
    database.add(row(n=1, clid=latin1, dst="201", calldate="2026-11-22 10:00:00"))
    if "utf8mb4" in database.variant:
        database.add(row(n=2, clid=utf8, dst="202"))
        assert ids(found := walk(reader, 1)) and found[0]["clid"] == utf8
    assert walk(reader, 5)[-1]["clid"] == latin1
    [record], _ = reader.records.records(Filters(contains=(("clid", latin1),)), limit=5, cursor=None)
    assert record.clid == latin1


def test_what_is_purged_while_calls_are_put_together_is_left_out(database: CdrTable) -> None:
    reader = CdrReader(database.engine())
    database.add(*in_seconds(3))
    reader.tables.get()
    statements: list[str] = []

    def purge(connection: Connection, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)
        if len(statements) == 2:  # the first found the calls, this one asks for their legs
            database.run("DELETE FROM cdr WHERE uniqueid LIKE %s", "%.1")

    event.listen(reader.engine, "before_cursor_execute", purge)
    calls, _ = reader.records.calls(Filters(), limit=10, cursor=None)
    # A snapshot of InnoDB still has it.
    assert len(calls) == (2 if "MyISAM" in database.variant else 3)
    reader.close()


def test_calls_are_found_where_the_ids_have_unlike_collations(cdr_tables: Callable[[str], CdrTable]) -> None:
    table = CdrTable(cdr_tables("freepbx17-InnoDB-utf8mb4").server, "freepbx17-InnoDB-utf8mb4", "cdr_collations")
    table.run("ALTER TABLE cdr MODIFY linkedid VARCHAR(32) COLLATE utf8mb4_unicode_ci NOT NULL DEFAULT ''")
    table.run("ALTER TABLE cdr MODIFY userfield VARCHAR(255) CHARACTER SET latin1 NOT NULL DEFAULT ''")
    table.run("ALTER TABLE cdr MODIFY recordingfile VARCHAR(255) COLLATE utf8mb4_bin NOT NULL DEFAULT ''")
    reader = CdrReader(table.engine())
    table.add(row(n=1), row(n=2, linkedid=""))
    calls, _ = reader.records.calls(Filters(has_recording=False), limit=10, cursor=None)
    assert len(calls) == reader.records.total(Filters(has_recording=False), calls=True) == 2
    assert len(walk(reader, 1)) == 2
    reader.close()
    table.close()
