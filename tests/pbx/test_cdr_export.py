from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from pbxapi.db.call_tables import TableLook
from pbxapi.db.engine import sqlite_engine
from pbxapi.errors import Invalid, NotSupported, Unavailable
from pbxapi.pbx.call_records import DatabaseCallRecords
from pbxapi.pbx.cdr_export import CSV_NAMES, Exports
from pbxapi.pbx.history import Filters
from pbxapi.pbx.local_time import Clock
from tests.things_cdr import BERLIN, LAYOUTS, CdrFile, row

ALL = Filters()
DANGER = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
TEXT = st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from('",\\\n\r\x00:= +')), max_size=12)
ONE_FILE = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def marked(file: str, userfield: str, date: str) -> str | None:
    """An id such as the recordings give."""
    return file.encode().hex() or None


class Exported:
    """A file of call records, and what exports it."""

    def __init__(self, path: Path, layout: str = "freepbx17") -> None:
        self.file = CdrFile(path, layout)
        self.engine: Engine = sqlite_engine(str(path))
        look, clock = TableLook(self.engine), Clock(BERLIN)
        self.exports = Exports(self.engine, look, clock, marked, at_once=2, timeout=5.0)
        self.records = DatabaseCallRecords(self.engine, look, clock, marked, self.exports)

    def all(self, form: str, filters: Filters = ALL, **options: Any) -> str:
        return b"".join(self.exports.stream(filters, form, **options)).decode()

    def csv(self, filters: Filters = ALL, **options: Any) -> list[dict[str, str]]:
        text = self.all("csv", filters, **options)
        return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True))

    def ndjson(self, filters: Filters = ALL, **options: Any) -> list[Any]:
        return [json.loads(line) for line in self.all("ndjson", filters, **options).split("\n")[:-1]]

    def close(self) -> None:
        self.engine.dispose()
        self.file.close()


@pytest.fixture
def exported(tmp_path: Path) -> Iterator[Exported]:
    made = Exported(tmp_path / "cdr.db")
    yield made
    made.close()


@pytest.fixture(params=LAYOUTS)
def any_layout(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Exported]:
    made = Exported(tmp_path / "cdr.db", request.param)
    yield made
    made.close()


def many(count: int) -> list[dict[str, object]]:
    return [row(n=n, calldate=f"2026-11-22 {n // 3600:02d}:{n // 60 % 60:02d}:{n % 60:02d}") for n in range(count)]


def defused(value: str) -> str:
    return f"'{value}" if value.lstrip(" ")[:1] and value.lstrip(" ")[0] in DANGER else value


def test_every_line_of_ndjson_is_an_item_of_a_page(any_layout: Exported) -> None:
    any_layout.file.add(
        row(n=1, calldate="2026-10-25 02:30:00", uniqueid="1792891800.1", recordingfile="a b.wav"),
        row(n=2, calldate="2026-10-25 01:30:00", userfield="audio:/x.wav", clid='"Ä \\ \x01" <1>', src=""),
        row(n=3, calldate="2026-10-24 01:30:00", cnam=':""', lastdata='a\n"b"\\n\u2028'),
    )
    page = any_layout.records.page(Filters(), limit=10, cursor=None)
    assert any_layout.ndjson() == [json.loads(item) for item in page.items]
    assert any_layout.ndjson(oldest_first=True) == any_layout.ndjson()[::-1]


@ONE_FILE
@given(TEXT, TEXT, TEXT)
def test_any_text_comes_back_from_csv_and_ndjson(exported: Exported, clid: str, lastdata: str, cnam: str) -> None:
    exported.file.run("DELETE FROM cdr")
    exported.file.add(
        row(calldate="2026-11-22 10:00:01", clid=clid, lastdata=lastdata, cnam=cnam),
        row(calldate="2026-11-22 10:00:00", clid=cnam, lastdata=clid, cnam=lastdata),
    )
    wanted = [(clid, lastdata, cnam), (cnam, clid, lastdata)]
    found = [(each["clid"], each["lastdata"], each["cnam"]) for each in exported.csv()]
    assert found == [tuple(map(defused, values)) for values in wanted]
    told = [(each["clid"], each["lastdata"], each["cnam"]) for each in exported.ndjson()]
    assert told == [tuple(value or None for value in values) for values in wanted]


@pytest.mark.parametrize(
    "value", ["=1+1", "+49891234567", "-1+1", "-1e9", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\uff1d1"]
)
def test_a_cell_that_a_spreadsheet_would_run_is_defused(exported: Exported, value: str) -> None:
    exported.file.add(row(src=value, clid=value, duration=-3, lastdata=f'x,"{value}'))
    [found] = exported.csv()
    assert (found["src"], found["clid"], found["duration"]) == (f"'{value}", f"'{value}", "-3")
    assert found["lastdata"] == f'x,"{value}'


def test_csv_begins_with_a_mark_for_excel_and_the_names_and_has_local_times(exported: Exported) -> None:
    exported.file.add(row(n=1))
    text = exported.all("csv")
    assert text.startswith("\ufeff" + ",".join(CSV_NAMES) + '\r\n"2026-11-22 19:49:01","""Alice""')
    assert text.endswith(',"1"\r\n')


def test_an_export_of_nothing_is_the_names_alone_or_nothing(exported: Exported) -> None:
    assert exported.all("csv") == "\ufeff" + ",".join(CSV_NAMES) + "\r\n"
    assert exported.all("ndjson") == ""


def test_many_chunks_hold_every_record_in_order(exported: Exported) -> None:
    exported.file.add(*many(1001))
    chunks = [chunk for chunk in exported.exports.stream(Filters(), "ndjson", oldest_first=True) if chunk]
    assert len(chunks) > 3
    assert all(chunk.endswith(b"\n") for chunk in chunks)
    assert [json.loads(line)["sequence"] for line in b"".join(chunks).splitlines()] == list(range(1001))
    assert [int(each["sequence"]) for each in exported.csv()] == list(range(1000, -1, -1))


def test_filters_and_what_is_wrong_with_them_hold_for_exports(tmp_path: Path, exported: Exported) -> None:
    exported.file.add(*many(3))
    assert [each["sequence"] for each in exported.ndjson(Filters(uniqueid="1795376941.2"))] == [2]
    moment = datetime(2026, 1, 1, tzinfo=BERLIN)
    with pytest.raises(Invalid):
        exported.exports.stream(Filters(start=moment, end=moment), "csv")
    stock = Exported(tmp_path / "stock.db", "stock")
    with pytest.raises(NotSupported):
        stock.exports.stream(Filters(did="1"), "csv")
    stock.close()


def test_more_exports_than_allowed_are_refused_until_one_ends(exported: Exported) -> None:
    exported.file.add(*many(600))
    first, second = (exported.exports.stream(Filters(), "csv") for _ in range(2))
    with pytest.raises(Unavailable) as refused:
        exported.exports.stream(Filters(), "csv")
    assert (refused.value.part, refused.value.retry_after > 0) == ("exports", True)
    first.close()  # never begun
    next(second)
    third = exported.exports.stream(Filters(), "csv")
    second.close()  # in the middle
    assert len(b"".join(third).splitlines()) == 601
    assert len(exported.csv()) == 600


def test_failures_give_back_their_places(tmp_path: Path) -> None:
    broken = Exported(tmp_path / "cdr.db")
    broken.exports.stream(Filters(), "csv").close()
    broken.file.run("ALTER TABLE cdr RENAME TO other")
    for _ in range(5):
        with pytest.raises(Unavailable) as failed:
            broken.exports.stream(Filters(), "csv")
        assert failed.value.part == "database"
    broken.file.run("ALTER TABLE other RENAME TO cdr")
    assert broken.csv() == []
    broken.close()
