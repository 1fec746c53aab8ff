from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxapi.pbx import cdr_numbers
from pbxapi.pbx.cdr_numbers import Numbers, _holding, _lines
from pbxapi.pbx.history import Filters
from pbxapi.pbx.local_time import Clock
from tests.real.deadline import eventually
from tests.things_cdr import BERLIN, CdrFile, CdrReader, row

DIGITS = st.text("0123456789*#", max_size=6)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[CdrFile]:
    made = CdrFile(tmp_path / "cdr.db")
    numbers = random.Random(1)
    made.add(*[row(n=n, dst=f"0{numbers.randrange(10**6)}", src=str(n)) for n in range(300)])
    yield made
    made.close()


@pytest.fixture
def reader(database: CdrFile) -> Iterator[CdrReader]:
    made = CdrReader(database.path)
    yield made
    made.close()


@pytest.fixture
def numbers(reader: CdrReader) -> Numbers:
    return Numbers(reader.engine, Clock(BERLIN))


def known(numbers: Numbers, reader: CdrReader, text: str) -> list[str]:
    eventually(lambda: numbers.holding(reader.tables.get(), "dst", text) is not None, "the numbers are known")
    found = numbers.holding(reader.tables.get(), "dst", text)
    assert found is not None
    return found


def test_every_number_with_the_text_in_it_is_found(database: CdrFile, numbers: Numbers, reader: CdrReader) -> None:
    expected = {dst for (dst,) in database.run("SELECT DISTINCT dst FROM cdr WHERE dst LIKE '%12%'")}
    assert len(expected) > 5
    assert set(known(numbers, reader, "12")) == expected
    assert known(numbers, reader, "99999999") == []


@given(st.lists(DIGITS), st.text("0123456789*#", min_size=1, max_size=3))
def test_the_search_in_one_text_is_a_search_in_each_number(values: list[str], text: str) -> None:
    distinct = sorted(set(values) - {""})
    assert sorted(set(_holding(_lines(distinct), text) or [])) == [value for value in distinct if text in value]


def test_a_search_gives_the_same_records_before_and_after_the_numbers_are_known(reader: CdrReader) -> None:
    filters = Filters(contains=(("dst", "12"),))

    def found() -> list[int]:
        page = reader.records.page(filters, limit=1000, cursor=None)
        return sorted(json.loads(item)["sequence"] for item in page.items)

    before = found()
    eventually(
        lambda: reader.records._numbers.holding(reader.tables.get(), "dst", "12") is not None, "the numbers are known"
    )
    assert found() == before != []


def test_a_new_number_is_found(
    database: CdrFile, numbers: Numbers, reader: CdrReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cdr_numbers, "FRESH", 0.0)
    assert known(numbers, reader, "77777777") == []
    # Dated now: what is dated long ago was written long ago.
    database.add(row(n=900, dst="4977777777", calldate="2999-01-01 00:00:00"))
    assert known(numbers, reader, "77777777") == ["4977777777"]
    assert known(numbers, reader, "77777777") == ["4977777777"]  # and once only


@pytest.mark.parametrize(
    ("column", "text"), [("dst", "1"), ("dst", "12a"), ("dst", "1%"), ("clid", "12"), ("src", "12")]
)
def test_what_no_index_or_no_number_helps_is_left_to_the_database(
    numbers: Numbers, reader: CdrReader, column: str, text: str
) -> None:
    known(numbers, reader, "12")
    assert numbers.holding(reader.tables.get(), column, text) is None


def test_too_many_numbers_are_left_to_the_database(
    numbers: Numbers, reader: CdrReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    known(numbers, reader, "12")
    monkeypatch.setattr(cdr_numbers, "MOST_VALUES", 3)
    assert numbers.holding(reader.tables.get(), "dst", "12") is None


def test_a_forked_worker_reads_its_own(numbers: Numbers, reader: CdrReader) -> None:
    known(numbers, reader, "12")
    child = os.fork()
    if child == 0:
        os._exit(0 if not numbers._columns and numbers._lock.acquire(timeout=1) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
