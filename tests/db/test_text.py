from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from pbxapi.db.call_tables import TableLook
from pbxapi.db.engine import connect, sqlite_engine
from pbxapi.db.text import FIELDS, NUMBERS, cells_text, json_text
from pbxapi.pbx.history import Cdr
from tests.things_cdr import LAYOUTS, CdrFile, row

TEXT = st.one_of(
    st.none(), st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from('",\\\n\r\t:')), max_size=12)
)
NUMBER = st.one_of(st.none(), st.integers(-(2**31), 2**31 - 1))
ROWS = st.fixed_dictionaries({name: NUMBER if name in NUMBERS else TEXT for name in FIELDS})
ONE_FILE = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


class One:
    """A table with one row in it."""

    def __init__(self, file: CdrFile) -> None:
        self._file = file
        self.engine = sqlite_engine(str(file.path))
        self.tables = TableLook(self.engine).get()

    def put(self, values: dict[str, Any]) -> None:
        self._file.run("DELETE FROM cdr")
        self._file.add({"calldate": "2026-11-22 19:49:01", **values})

    def told(self, text: Any) -> str:
        with connect(self.engine) as connection:
            return str(connection.execute(select(text)).scalar_one())


@pytest.fixture(params=LAYOUTS)
def one(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[One]:
    file = CdrFile(tmp_path / "cdr.db", request.param)
    made = One(file)
    yield made
    made.engine.dispose()
    file.close()


def expected(one: One, values: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: (values[name] or None) if name in one.tables.columns else None for name in FIELDS}
    found |= {name: values[name] for name in NUMBERS if name in one.tables.columns}
    return found | {"duration": values["duration"] or 0, "billsec": values["billsec"] or 0}


def test_the_fields_are_those_of_a_record_in_its_order() -> None:
    assert ("calldate", *FIELDS, "recording") == tuple(Cdr.__annotations__)


@ONE_FILE
@given(ROWS)
def test_a_row_as_json_is_what_it_holds(one: One, values: dict[str, Any]) -> None:
    one.put(values)
    told = one.told(json_text(one.tables))
    assert json.loads(told) == expected(one, values)
    assert list(json.loads(told)) == list(FIELDS)


@ONE_FILE
@given(ROWS)
def test_a_row_as_cells_is_what_it_holds(one: One, values: dict[str, Any]) -> None:
    one.put(values)
    wanted = ["" if value is None else str(value) for value in expected(one, values).values()]
    assert one.told(cells_text(one.tables, "<mark>")).split("<mark>") == ["2026-11-22 19:49:01", *wanted]


def test_blanks_are_text(one: One) -> None:
    one.put(row(src=" ", dst="", duration=7))
    assert json.loads(one.told(json_text(one.tables)))["src"] == " "
    assert json.loads(one.told(json_text(one.tables)))["dst"] is None
    assert "| ||" in one.told(cells_text(one.tables, "|"))
