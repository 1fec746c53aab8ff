"""`cdrreport`, against what the first generation answered from the same rows, and as its parameters are documented."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.legacy.conftest import WITH_KEY, Start
from tests.things_cdr import CdrFile

RECORDED = Path(__file__).parent / "recorded"

COLUMNS = (
    "calldate", "clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata", "duration",
    "billsec", "disposition", "amaflags", "accountcode", "uniqueid", "userfield", "recordingfile", "cnum", "cnam",
    "outbound_cnum", "outbound_cnam", "dst_cnam", "did",
)  # fmt: skip
"""As the recorded rows have them: a FreePBX of before linkedid."""


def recorded(name: str) -> Any:
    [path] = RECORDED.glob(f"{name}.txt")
    return json.loads(path.read_text().partition("\n\n")[2])


UNANSWERED, ANSWERED = recorded("19-cdr_noparams")
[CONGESTED] = recorded("22-cdr_congestion")
TO_S = {**ANSWERED, "dst": "s", "uniqueid": "1.2"}
ALL_THAT_COUNT = [UNANSWERED, ANSWERED]

Ask = Callable[..., Any]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[CdrFile]:
    made = CdrFile(tmp_path / "cdr.db", "freepbx13")
    made.columns = COLUMNS
    made.add(TO_S, ANSWERED, CONGESTED, UNANSWERED)
    yield made
    made.close()


@pytest.fixture(params=["strict", "classic"])
def mode(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture
def client(start: Start, database: CdrFile, mode: str) -> FlaskClient:
    return start(CDR_DATABASE_URL=f"sqlite:///{database.path}", LEGACY_MODE=mode, PBX_TIMEZONE="Europe/Berlin")


@pytest.fixture
def ask(client: FlaskClient, mode: str) -> Ask:
    """Ask as the old clients do, by a form; `expected` is the status of strict; that of classic is always 200."""

    def asked(expected: int = 200, /, **form: str) -> Any:
        answer = client.post("/api.php?cmd=cdrreport", data=form, headers=WITH_KEY)
        assert answer.status_code == (expected if mode == "strict" else 200), answer.text
        assert answer.mimetype == "application/json"
        return answer.get_json()

    return asked


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("19-cdr_noparams", {}),
        (
            "20-cdr_range",
            {
                "start_date": "2024-01-01 00:00:00", "end_date": "2024-01-31 23:59:59", "status": "ANSWERED",
                "limit": "1",
            },
        ),
        ("23-cdr_like", {"field_name": "dst", "field_pattern": "0212"}),
        ("27-cdr_quote", {"field_name": "src", "field_pattern": "o'x"}),
    ],
)  # fmt: skip
def test_answers_as_recorded(ask: Ask, name: str, form: dict[str, str]) -> None:
    expected = recorded(name)

    answer = ask(**form)

    assert answer == expected
    assert [set(row) for row in answer] == [set(row) for row in expected]


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("21-cdr_blankdates", {"start_date": "", "end_date": "", "status": ""}),
        ("22-cdr_congestion", {"status": "CONGESTION"}),
        ("24-cdr_badfield", {"field_name": "nope", "field_pattern": "1"}),
        ("25-cdr_limit0", {"limit": "0"}),
        ("26-cdr_limitblank", {"limit": ""}),
    ],
)
def test_what_is_no_value_of_a_parameter_counts_as_its_default_where_the_first_generation_found_other_rows(
    ask: Ask, name: str, form: dict[str, str]
) -> None:
    assert recorded(name) != ALL_THAT_COUNT
    assert ask(**form) == ALL_THAT_COUNT


def test_a_json_body_is_read_which_the_first_generation_passed_over(client: FlaskClient, ask: Ask) -> None:
    assert recorded("28-cdr_json") == ALL_THAT_COUNT

    answer = client.post("/api.php?cmd=cdrreport", json={"status": "BUSY"}, headers=WITH_KEY)

    assert answer.get_json() == []


def test_parameters_may_stand_in_the_query(client: FlaskClient) -> None:
    answer = client.get("/api/api.php?cmd=cdrreport&status=NO+ANSWER", headers=WITH_KEY)

    assert answer.get_json() == [UNANSWERED]


def test_columns_keep_the_order_of_the_table(client: FlaskClient, database: CdrFile) -> None:
    [row, *_] = json.loads(client.get("/api.php?cmd=cdrreport", headers=WITH_KEY).text, object_pairs_hook=list)

    assert [name for name, _ in row] == [column[1] for column in database.run("PRAGMA table_info(cdr)")]


def test_null_is_an_empty_string(ask: Ask, database: CdrFile) -> None:
    database.run("UPDATE cdr SET cnam = NULL, billsec = NULL")

    assert {(row["cnam"], row["billsec"]) for row in ask()} == {("", "")}


@pytest.mark.parametrize(
    ("first", "last", "found"),
    [
        ("2024-01-05 10:07:05", "2024-01-06 10:00:00", ALL_THAT_COUNT),
        ("2024-01-05 10:07:06", "2024-01-06 09:59:59", []),
        ("2024-01-05 10:07:05", "2024-01-05 10:07:05", [ANSWERED]),
        ("2024-01-06", "2024-01-31", [UNANSWERED]),
        ("2024-01-05", "2024-01-06", [ANSWERED]),
        ("2024-01-06T10:00", "2024-1-6 10:0:0", [UNANSWERED]),
        ("2024-01-31 00:00:00", "2024-01-01 00:00:00", []),
    ],
)
def test_both_dates_are_included_and_a_day_alone_is_its_midnight(
    ask: Ask, first: str, last: str, found: list[dict[str, str]]
) -> None:
    assert ask(start_date=first, end_date=last) == found


@pytest.mark.parametrize("month", ["02", "04"])
def test_every_month_may_end_on_the_31st(ask: Ask, database: CdrFile, month: str) -> None:
    database.run("UPDATE cdr SET calldate = ? WHERE dst != 's'", [f"2023-{month}-28 23:59:59"])

    assert len(ask(start_date=f"2023-{month}-01 00:00:00", end_date=f"2023-{month}-31 23:59:59")) == 2


def test_in_the_hour_that_comes_twice_the_tables_own_times_count(ask: Ask, database: CdrFile) -> None:
    database.run("UPDATE cdr SET calldate = '2026-10-25 02:30:00' WHERE dst != 's'")

    assert len(ask(start_date="2026-10-25 02:30:00", end_date="2026-10-25 02:30:00")) == 2
    assert ask(start_date="2026-10-25 02:30:01", end_date="2026-10-25 03:30:00") == []


@pytest.mark.parametrize(
    "form",
    [
        {"start_date": "yesterday", "end_date": "2024-01-31 23:59:59"},
        {"start_date": "2024-01-01 00:00:00", "end_date": "2024-13-01 00:00:00"},
        {"start_date": "2024-01-32", "end_date": "2024-02-01"},
        {"start_date": "0000-00-00", "end_date": "2024-02-01"},
        {"start_date": "2024-01-01 00:00:00' OR '1'='1", "end_date": "2024-01-31"},
        {"start_date": "\u0662\u0660\u0662\u0664-01-01", "end_date": "2024-01-31"},
    ],
)
def test_a_date_that_is_none_is_refused(ask: Ask, form: dict[str, str]) -> None:
    answer = ask(400, **form)

    assert answer["code"] == 400
    assert "_date" in answer["error"]


@pytest.mark.parametrize("name", ["start_date", "end_date"])
def test_one_date_alone_is_told_to_need_the_other(ask: Ask, name: str) -> None:
    assert ask(400, **{name: "2024-01-31"})["error"] == "start_date and end_date go together: send both or neither"


@pytest.mark.parametrize("status", ["ANSWERED", "answered"])
def test_status_narrows(ask: Ask, status: str) -> None:
    assert ask(status=status) == [ANSWERED]


@pytest.mark.parametrize(
    ("field", "pattern", "found"),
    [
        ("src", "10", [ANSWERED]),
        ("channel", "SIP/3", [UNANSWERED]),
        ("dstchannel", "200", [ANSWERED]),
        ("clid", "Ö", [ANSWERED]),
        ("cnam", "Ali", [ANSWERED]),
        ("cnum", "100", [ANSWERED]),
        ("accountcode", "1", []),
        ("src", "%", []),
        ("src", "_00", []),
        ("src", "", ALL_THAT_COUNT),
        ("", "100", ALL_THAT_COUNT),
        ("lastapp", "nothing", ALL_THAT_COUNT),
        ("src = src OR src", "nothing", ALL_THAT_COUNT),
    ],
)
def test_a_field_is_searched_for_what_it_holds(ask: Ask, field: str, pattern: str, found: list[dict[str, str]]) -> None:
    assert ask(field_name=field, field_pattern=pattern) == found


@pytest.mark.parametrize(
    ("limit", "rows"),
    [
        ("1", 1), ("7", 7), ("10000", 102), ("", 100), ("0", 100), ("-1", 100), ("10001", 100), ("5.5", 100),
        ("1; DROP TABLE cdr", 100), ("9" * 5000, 100),
    ],
)  # fmt: skip
def test_a_limit_that_is_none_is_a_hundred(ask: Ask, database: CdrFile, limit: str, rows: int) -> None:
    database.add(*({**ANSWERED, "calldate": f"2023-01-01 10:{n // 60:02d}:{n % 60:02d}"} for n in range(100)))

    found = ask(limit=limit)

    assert len(found) == rows
    dates = [row["calldate"] for row in found]
    assert dates == sorted(dates, reverse=True)


@pytest.mark.parametrize(
    ("recordings", "found"),
    [
        ("all", ALL_THAT_COUNT),
        ("", ALL_THAT_COUNT),
        ("whatever", ALL_THAT_COUNT),
        ("only", [ANSWERED]),
        ("without", [UNANSWERED]),
    ],
)
def test_recordings_are_asked_for_alone_or_left_out(ask: Ask, recordings: str, found: list[dict[str, str]]) -> None:
    assert ask(recordings=recordings) == found


def test_custom_is_not_looked_at(ask: Ask) -> None:
    assert ask(custom="OR 1=1 UNION SELECT * FROM cdr; DROP TABLE cdr") == ALL_THAT_COUNT


def test_a_line_end_in_a_pattern_is_refused(ask: Ask) -> None:
    assert ask(400, field_name="src", field_pattern="1\r\n2")["code"] == 400


def test_a_table_of_stock_asterisk_has_its_date_as_calldate_too(start: Start, tmp_path: Path) -> None:
    made = CdrFile(tmp_path / "stock.db", "stock")
    made.add({**ANSWERED, "amaflags": "DOCUMENTATION"})
    made.close()
    client = start(CDR_DATABASE_URL=f"sqlite:///{made.path}")
    dates = {"start_date": "2024-01-05 10:07:05", "end_date": "2024-01-05 10:07:05"}

    [row] = client.post("/api.php?cmd=cdrreport", data=dates, headers=WITH_KEY).get_json()

    assert row["calldate"] == row["start"] == "2024-01-05 10:07:05"
    assert (row["answer"], row["duration"], row["amaflags"]) == ("", "65", "DOCUMENTATION")


def test_without_a_database_it_is_not_supported(start: Start) -> None:
    answer = start().post("/api.php?cmd=cdrreport", headers=WITH_KEY)

    assert answer.status_code == 501
    assert answer.get_json()["error"].startswith("cdrreport requires ")


def test_a_database_that_is_gone_is_said_without_its_name(start: Start, tmp_path: Path) -> None:
    client = start(CDR_DATABASE_URL=f"sqlite:///{tmp_path}/absent.db")

    answer = client.post("/api.php?cmd=cdrreport", headers=WITH_KEY)

    assert answer.status_code == 503
    assert "absent" not in answer.text
