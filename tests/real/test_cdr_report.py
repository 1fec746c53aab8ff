"""`cdrreport` on MariaDB, over the tables of every platform and by every driver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pbxapi.app import create_app
from pbxapi.settings import Settings
from tests.legacy.test_cdr_report import ALL_THAT_COUNT, ANSWERED, CONGESTED, TO_S, UNANSWERED
from tests.real.api import KEY
from tests.real.cdr_table import CdrTable

Ask = Callable[..., Any]


@pytest.fixture(
    params=[
        "freepbx-freepbx17-MyISAM-utf8mb3", "freepbx-freepbx13-InnoDB-utf8mb4", "issabel-issabel5-InnoDB-latin1",
        "issabel-issabel4-MyISAM-latin1", "asterisk-asterisk-InnoDB-utf8mb4",
    ]
)  # fmt: skip
def place(request: pytest.FixtureRequest, cdr_tables: Callable[[str], CdrTable]) -> tuple[str, CdrTable]:
    """A driver, and the table of its platform with the rows of the recorded answers."""
    driver, _, variant = request.param.partition("-")
    table = cdr_tables(variant)
    table.add(TO_S, ANSWERED, CONGESTED, UNANSWERED)
    return driver, table


@pytest.fixture
def ask(place: tuple[str, CdrTable]) -> Iterator[Ask]:
    driver, table = place
    environ = {"API_SECRET_KEY": KEY, "STORE_URL": "sqlite://", "ACCESS_LOG": "false"}
    app = create_app(Settings.from_environ({**environ, "PBX_DRIVER": driver, "CDR_DATABASE_URL": table.url}))

    def asked(**form: str) -> Any:
        answer = app.test_client().post("/api.php?cmd=cdrreport", data=form, headers={"Authorization": KEY})
        assert answer.status_code == 200, answer.text
        return answer.get_json()

    yield asked
    state = app.extensions["pbxapi"]
    state.pbx.close()
    state.store.close()


def test_answers_as_recorded_with_every_column_of_the_table(ask: Ask, place: tuple[str, CdrTable]) -> None:
    columns = place[1].columns
    expected = [{name: row[name] for name in ("calldate", *columns) if name in row} for row in ALL_THAT_COUNT]

    answer = ask()

    assert [{name: row[name] for name in expected[0]} for row in answer] == expected
    assert {frozenset(row) for row in answer} == {frozenset({"calldate", *columns})}
    assert {type(value) for row in answer for value in row.values()} == {str}


@pytest.mark.parametrize(
    ("form", "uniqueids"),
    [
        ({"start_date": "2024-01-05 10:07:05", "end_date": "2024-01-05 10:07:05"}, [ANSWERED]),
        ({"start_date": "2023-02-01 00:00:00", "end_date": "2024-02-31 23:59:59"}, ALL_THAT_COUNT),
        ({"start_date": "2024-01-31 00:00:00", "end_date": "2024-01-01 00:00:00"}, []),
        ({"status": "NO ANSWER"}, [UNANSWERED]),
        ({"limit": "1"}, [UNANSWERED]),
        ({"field_name": "clid", "field_pattern": "Ali' Ö"}, [ANSWERED]),
        ({"field_name": "channel", "field_pattern": "%"}, []),
        ({"field_name": "src", "field_pattern": "\\"}, []),
        ({"field_name": "dst", "field_pattern": "' OR '1'='1"}, []),
    ],
)
def test_narrows_as_on_sqlite(ask: Ask, form: dict[str, str], uniqueids: list[dict[str, str]]) -> None:
    assert [row["uniqueid"] for row in ask(**form)] == [row["uniqueid"] for row in uniqueids]


def test_nothing_is_sorted_where_the_date_has_an_index(ask: Ask, place: tuple[str, CdrTable]) -> None:
    table = place[1]
    table.add(*({**ANSWERED, "calldate": f"2023-01-01 {n // 60:02d}:{n % 60:02d}:00"} for n in range(1_000)))
    table.run("ANALYZE TABLE cdr")
    before = rows_sorted(table)

    assert len(ask(limit="5")) == 5

    assert (rows_sorted(table) == before) == ("calldate" in table.columns)


def rows_sorted(table: CdrTable) -> int:
    """By the server, since it was started."""
    [row] = table.run("SHOW GLOBAL STATUS LIKE 'Sort_rows'")
    return int(str(row["Value"]))
