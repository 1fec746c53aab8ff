from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxapi.errors import Invalid, NotSupported
from pbxapi.pbx.history import CONTAINS, Filters
from tests.things_cdr import BERLIN, CdrFile, CdrReader, row

ROWS = [
    row(n=1, src="100%", dst="4930123", calldate="2026-11-01 10:00:00", disposition="BUSY", duration=1),
    row(n=2, src="100", dst="4940_23", calldate="2026-11-02 10:00:00", accountcode="sales", did="555"),
    row(n=3, src="200", dst="100", calldate="2026-11-03 10:00:00", recordingfile="a.wav", clid="O'Neil"),
    row(n=4, src="300", dst="400", calldate="2026-11-04 10:00:00", recordingfile="deleted", duration=90),
    row(n=5, src="300", dst="400", calldate="2026-11-05 10:00:00", userfield="audio:/x.wav", linkedid="L"),
]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CdrFile]:
    made = CdrFile(tmp_path_factory.mktemp("cdr") / "cdr.db")
    made.add(*ROWS)
    yield made
    made.close()


@pytest.fixture(scope="module")
def reader(database: CdrFile) -> Iterator[CdrReader]:
    made = CdrReader(database.path)
    yield made
    made.close()


def found(reader: CdrReader, filters: Filters) -> list[int]:
    page = reader.records.page(filters, limit=100, cursor=None, oldest_first=True)
    return [json.loads(item)["sequence"] for item in page.items]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"src": "100"}, [2]),
        ({"src": "100%"}, [1]),
        ({"dst": "400"}, [4, 5]),
        ({"either": "100"}, [2, 3]),
        ({"src_prefix": "100"}, [1, 2]),
        ({"src_prefix": "100%"}, [1]),
        ({"dst_prefix": "49"}, [1, 2]),
        ({"dst_prefix": "4_"}, []),
        ({"contains": (("dst", "0_2"),)}, [2]),
        ({"contains": (("dst", "3"), ("src", "%"))}, [1]),
        ({"contains": (("clid", "O'Neil"),)}, [3]),
        ({"disposition": ("BUSY", "FAILED")}, [1]),
        ({"min_duration": 8}, [4]),
        ({"max_duration": 1}, [1]),
        ({"accountcode": "sales"}, [2]),
        ({"did": "555"}, [2]),
        ({"linkedid": "L"}, [5]),
        ({"uniqueid": "1795376941.3"}, [3]),
        ({"has_recording": True}, [3, 5]),
        ({"has_recording": False}, [1, 2, 4]),
        ({"start": datetime(2026, 11, 4, 10, tzinfo=BERLIN)}, [4, 5]),
        ({"end": datetime(2026, 11, 2, 9, tzinfo=UTC)}, [1]),
        ({"src": "300", "has_recording": True}, [5]),
    ],
)
def test_a_filter_finds_what_it_says(reader: CdrReader, filters: dict[str, Any], expected: list[int]) -> None:
    assert found(reader, Filters(**filters)) == expected


def test_a_range_that_ends_before_it_begins_is_refused(reader: CdrReader) -> None:
    day = datetime(2026, 11, 4, tzinfo=UTC)
    with pytest.raises(Invalid, match="range"):
        found(reader, Filters(start=day, end=day))


@given(text=st.text(min_size=1, max_size=30), name=st.sampled_from(CONTAINS))
@settings(max_examples=150, deadline=None)
def test_hostile_text_finds_nothing_and_breaks_nothing(reader: CdrReader, text: str, name: str) -> None:
    surrogates = any("\ud800" <= c <= "\udfff" for c in text)
    if surrogates:
        return
    filters = Filters(contains=((name, f"\x01{text}"),), src=text + "'", dst_prefix=text, either=text)
    assert found(reader, filters) == []


@pytest.mark.parametrize(("layout", "name"), [("stock16", "did"), ("stock", "did"), ("stock16", "cnum")])
def test_a_column_that_this_exchange_has_not_is_named(tmp_path: Path, layout: str, name: str) -> None:
    database = CdrFile(tmp_path / "cdr.db", layout)
    reader = CdrReader(database.path)
    try:
        with pytest.raises(NotSupported, match=name):
            found(reader, Filters(contains=((name, "1"),)))
    finally:
        reader.close()
        database.close()


@pytest.mark.parametrize("layout", ["freepbx17", "freepbx13", "stock", "stock16"])
def test_every_layout_is_read_with_null_for_what_it_lacks(tmp_path: Path, layout: str) -> None:
    database = CdrFile(tmp_path / "cdr.db", layout)
    reader = CdrReader(database.path)
    try:
        database.add(row(n=7))
        [record], _ = reader.records.records(Filters(), limit=10, cursor=None)
        assert (record.src, record.dst, record.duration, record.billsec) == ("200", "201", 7, 4)
        assert record.calldate == datetime(2026, 11, 22, 19, 49, 1, tzinfo=BERLIN)
        assert record.linkedid == ("1795376941.7" if "linkedid" in database.columns else None)
        assert record.did is None
        [text] = reader.records.page(Filters(), limit=10, cursor=None).items
        told = json.loads(text)
        assert told["calldate"] == "2026-11-22T19:49:01+01:00"
        assert {name: told[name] for name in told if name != "calldate"} == {
            name: getattr(record, name) for name in told if name != "calldate"
        }
    finally:
        reader.close()
        database.close()
