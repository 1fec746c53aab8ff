"""Exports from a real server: what they hold, and how they end."""

from __future__ import annotations

import csv
import gc
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymysql
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from pbxapi.db.call_tables import TableLook
from pbxapi.errors import Timeout, Unavailable
from pbxapi.pbx.call_records import DatabaseCallRecords
from pbxapi.pbx.cdr_export import Exports
from pbxapi.pbx.history import Filters
from pbxapi.pbx.local_time import Clock
from tests.real.cdr_table import CdrTable
from tests.real.deadline import eventually
from tests.real.mariadb import USER, MariaDB
from tests.real.test_call_records_rows import LATIN, UNICODE, UNSHRUNK, marked, some_row
from tests.things_cdr import BERLIN, row

ALL = Filters()
VARIANTS = (
    "freepbx17-InnoDB-utf8mb4", "freepbx17-MyISAM-utf8mb3", "freepbx13-MyISAM-latin1", "issabel5-InnoDB-latin1",
    "issabel4-InnoDB-utf8mb4", "asterisk-InnoDB-utf8mb4",
)  # fmt: skip
ROWS = 20_000
"""Some 6 MB: more than all buffers between the server and here."""


class Exporter:
    """Exports of one table, and pages of it to compare with."""

    def __init__(self, table: CdrTable, timeout: float = 5.0) -> None:
        self.engine = table.engine(timeout=timeout, limit=None)
        look, clock = TableLook(self.engine), Clock(BERLIN)
        self.exports = Exports(self.engine, look, clock, marked, at_once=2, timeout=timeout)
        self.records = DatabaseCallRecords(self.engine, look, clock, marked, self.exports)

    def ndjson(self) -> list[Any]:
        text = b"".join(self.exports.stream(ALL, "ndjson")).decode()
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def csv(self) -> list[dict[str, str]]:
        text = b"".join(self.exports.stream(ALL, "csv")).decode("utf-8-sig")
        return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))

    def page(self) -> list[Any]:
        return [json.loads(item) for item in self.records.page(ALL, limit=100, cursor=None).items]


@pytest.fixture
def exporters() -> Iterator[Callable[..., Exporter]]:
    made: list[Exporter] = []

    def exporter(table: CdrTable, timeout: float = 5.0) -> Exporter:
        made.append(Exporter(table, timeout))
        return made[-1]

    yield exporter
    for each in made:
        each.engine.dispose()
    # What a cursor says when it is thrown away is to fail this test, and no later one.
    gc.collect()


@pytest.fixture
def full(cdr_tables: Callable[[str], CdrTable]) -> CdrTable:
    """A table with more rows than fit between the server and here."""
    table = cdr_tables("freepbx17-InnoDB-utf8mb4")
    fill(table)
    return table


def fill(table: CdrTable) -> None:
    table.add(*(row(n=n, lastdata="x" * 80, userfield="y" * 200) for n in range(ROWS // 16)))
    for _ in range(4):
        table.run("INSERT INTO cdr SELECT * FROM cdr")


def statements(table: CdrTable) -> list[str]:
    """What runs on the server for `pbx` in this database."""
    found = table.run(
        "SELECT info FROM information_schema.processlist WHERE user = %s AND db = %s AND info IS NOT NULL",
        USER, table.place.name,
    )  # fmt: skip
    return [str(each["info"]) for each in found]


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_export_holds_what_pages_hold(
    cdr_tables: Callable[[str], CdrTable], exporters: Callable[..., Exporter], variant: str
) -> None:
    table = cdr_tables(variant)
    table.add(
        row(n=3, calldate="2026-10-25 02:30:00", uniqueid="1792891800.1", recordingfile="a b.wav", clid='"Zoë" \\ <1>'),
        row(n=2, calldate="2026-10-25 01:30:00", userfield="audio:/x.wav", lastdata='a\n"b",\\n\t', src=" "),
        row(n=1, calldate="2026-10-24 01:30:00", src="=1+1", dst="+49", accountcode=""),
    )
    exporter = exporters(table)
    assert exporter.ndjson() == exporter.page()
    first, second, third = exporter.csv()
    assert (first["calldate"], first["clid"]) == ("2026-10-25 02:30:00", '"Zoë" \\ <1>')
    assert (second["lastdata"], second["src"]) == ('a\n"b",\\n\t', " ")
    assert (third["src"], third["dst"], third["duration"]) == ("'=1+1", "'+49", "7")


def check_text(exporter: Exporter, table: CdrTable, rows: list[dict[str, object]]) -> None:
    table.clear()
    table.add(*rows)
    told = exporter.ndjson()
    assert sorted(told, key=repr) == sorted(exporter.page(), key=repr)
    names = [name for name in ("clid", "src", "dst", "lastdata", "cnam", "uniqueid", "duration") if name in rows[0]]
    read = sorted([each[name].removeprefix("'") for name in names] for each in exporter.csv())
    given = (
        [str(each[name] or ("" if name != "duration" else 0)).removeprefix("'") for name in names] for each in told
    )
    assert read == sorted(given)


@given(rows=st.lists(some_row(UNICODE, nullable=False), min_size=1, max_size=5))
@UNSHRUNK
def test_any_text_is_exported_as_it_is(cdr_tables: Callable[[str], CdrTable], rows: list[dict[str, object]]) -> None:
    table = cdr_tables("freepbx17-InnoDB-utf8mb4")
    exporter = Exporter(table)
    check_text(exporter, table, rows)
    exporter.engine.dispose()


@given(rows=st.lists(some_row(LATIN, nullable=False), min_size=1, max_size=5))
@UNSHRUNK
def test_any_latin1_is_exported_as_it_is(cdr_tables: Callable[[str], CdrTable], rows: list[dict[str, object]]) -> None:
    table = cdr_tables("freepbx17-InnoDB-latin1")
    exporter = Exporter(table)
    check_text(exporter, table, rows)
    exporter.engine.dispose()


@pytest.mark.parametrize("form", ["csv", "ndjson"])
def test_who_goes_away_ends_the_statement_on_the_server(
    full: CdrTable, exporters: Callable[..., Exporter], form: str
) -> None:
    exporter = exporters(full)
    chunks = exporter.exports.stream(ALL, form)
    assert next(chunks)
    assert len(statements(full)) == 1
    chunks.close()
    eventually(lambda: not statements(full), "the server is done with it", 2.0)
    assert len(exporter.ndjson()) == ROWS


def test_an_export_that_is_thrown_away_unread_ends_too(full: CdrTable, exporters: Callable[..., Exporter]) -> None:
    exporter = exporters(full)
    for _ in range(5):
        exporter.exports.stream(ALL, "csv")
    eventually(lambda: not statements(full), "the server is done with them", 2.0)


def test_first_rows_that_take_too_long_are_a_timeout_and_nothing_is_left_running(
    full: CdrTable, exporters: Callable[..., Exporter]
) -> None:
    exporter = exporters(full, timeout=1.0)
    exporter.records.page(ALL, limit=1, cursor=None)
    place = full.place
    with pymysql.connect(
        host=place.host, port=place.port, user=place.user, password=place.password, database=place.name
    ) as other:
        other.cursor().execute("LOCK TABLES cdr WRITE")
        with pytest.raises(Timeout) as failed:
            exporter.exports.stream(ALL, "csv")
        assert "Narrow" in str(failed.value)
        eventually(lambda: not statements(full), "the server is done with it", 2.0)
    assert len(exporter.ndjson()) == ROWS


def test_an_export_reads_in_the_order_of_the_index_and_sorts_nothing(
    full: CdrTable, exporters: Callable[..., Exporter]
) -> None:
    exporter = exporters(full)
    full.run("ANALYZE TABLE cdr")
    asked: list[tuple[str, Any]] = []
    event.listen(exporter.engine, "before_cursor_execute", lambda *a: asked.append((a[2], a[3])))
    exporter.exports.stream(ALL, "csv").close()
    [(statement, values)] = [each for each in asked if "ORDER BY" in each[0]]
    plan = full.explain(statement, values)
    assert plan["key"] == "calldate"
    assert "filesort" not in str(plan["Extra"])


def test_a_server_that_dies_cuts_the_export_and_the_next_one_is_whole(
    tmp_path: Path, mariadb: MariaDB, exporters: Callable[..., Exporter]
) -> None:
    server = MariaDB(tmp_path / "own")
    server.folder.mkdir()
    server.start()
    try:
        # The tests' servers write later what was committed; of this one, a kill shall take nothing.
        server.run("SET GLOBAL innodb_flush_log_at_trx_commit = 1")
        table = CdrTable(server, "freepbx17-InnoDB-utf8mb4")
        fill(table)
        [filled] = table.run("SELECT COUNT(*) AS number FROM cdr")
        exporter = exporters(table)
        chunks = exporter.exports.stream(ALL, "ndjson")
        assert next(chunks)
        server.kill()
        with pytest.raises(Unavailable):
            list(chunks)
        table.close()
        with pytest.raises(Unavailable):
            exporter.exports.stream(ALL, "csv")
        server.start()
        [kept] = table.run("SELECT COUNT(*) AS number FROM cdr")
        assert kept == filled
        assert len(exporter.ndjson()) == kept["number"]
    finally:
        server.stop()
