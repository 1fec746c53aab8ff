"""`/cdr/stats` over an application with a SQLite table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pbxapi.app import create_app
from pbxapi.http.cdr_stats import StatsSchema
from pbxapi.settings import Settings
from pbxapi.store.migrate import migrate
from tests.real.deadline import eventually
from tests.things_cdr import CdrFile, row

KEY = "a-key-for-tests-of-32-characters"
NOVEMBER = "/cdr/stats?start=2025-11-01&end=2025-12-01"


class Served:
    """An application over a table, with a store of its own."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.table = CdrFile(folder / "cdr.db")
        self.table.add(
            *[row(n=n, calldate=f"2025-11-{n:02d} 10:00:00", did="4930123") for n in range(1, 8)],
            row(n=20, calldate="2025-11-03 10:30:00", disposition="BUSY", billsec=0),
        )
        settings = {
            "API_SECRET_KEY": KEY, "CDR_DATABASE_URL": f"sqlite:///{folder}/cdr.db",
            "STORE_URL": f"sqlite:///{folder}/store.db", "PBX_TIMEZONE": "Europe/Berlin", "ACCESS_LOG": "false",
        }  # fmt: skip
        self.app = create_app(Settings.from_environ(settings | environ))
        self.state = self.app.extensions["pbxapi"]
        migrate(self.state.store)
        self.client: FlaskClient = self.app.test_client()
        self.client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"

    def send(self, path: str, status: int = 200, **options: Any) -> TestResponse:
        response = self.client.get(path, **options)
        assert response.status_code == status, response.text
        return response

    def get(self, path: str) -> Any:
        return self.send(path).get_json()

    def close(self) -> None:
        self.state.pbx.close()
        self.state.store.close()
        self.table.close()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = Served(tmp_path)
    yield made
    made.close()


def test_a_range_in_the_past_is_counted_by_day(served: Served) -> None:
    answer = served.get(NOVEMBER)
    assert (answer["start"], answer["end"]) == ("2025-11-01T00:00:00+01:00", "2025-12-01T00:00:00+01:00")
    assert len(answer["items"]) == 30
    assert answer["items"][2] == {
        "key": "2025-11-03", "calls": 2, "answered": 1, "answer_rate": 0.5, "talk_time": 4, "average_talk_time": 4.0,
        "average_ring_time": 3.0, "p95_ring_time": 3,
    }  # fmt: skip
    assert (answer["totals"]["calls"], answer["totals"]["answered"]) == (8, 7)


@pytest.mark.parametrize("group_by", ["hour", "day", "weekday", "heatmap", "extension", "disposition", "queue", "did"])
def test_every_group_is_answered_as_documented(served: Served, group_by: str) -> None:
    answer = served.get(f"{NOVEMBER}&group_by={group_by}")
    assert StatsSchema().validate(answer) == {}
    assert answer["totals"]["calls"] == 8
    assert all(0 <= item["calls"] <= 8 for item in answer["items"])


def test_a_closed_range_is_answered_from_memory_with_one_etag(served: Served) -> None:
    first = served.send(NOVEMBER)
    assert (first.get_json()["source"], first.get_json()["roll_up"]) == (None, None)
    served.table.run("DROP TABLE cdr")
    again = served.send(NOVEMBER, 304, headers={"If-None-Match": first.headers["ETag"]})
    assert again.headers["ETag"] == first.headers["ETag"]
    served.send("/cdr/stats?start=2025-11-02&end=2025-12-01", 503)


def test_the_etag_of_a_closed_range_does_not_depend_on_how_far_the_roll_up_is(served: Served, tmp_path: Path) -> None:
    before = served.send(NOVEMBER).headers["ETag"]
    progress = served.state.pbx.call_statistics.progress
    eventually(lambda: progress()["state"] == "current", "the roll-up is current")
    after = served.send(f"{NOVEMBER}&group_by=day")
    assert after.headers["ETag"] == before


def test_the_first_request_starts_the_roll_up_and_open_ranges_tell_of_it(served: Served) -> None:
    path = "/cdr/stats?start=2025-11-01&group_by=weekday"
    assert served.state.pbx.call_statistics.progress()["state"] == "building"
    assert served.get(path)["source"] in {"sql", "both"}
    found = eventually(lambda: _current(served.get(path)), "the roll-up is current")
    # The last hours are always counted in the table.
    assert (found["source"], found["roll_up"]["done"], found["totals"]["calls"]) == ("both", 1.0, 8)


def _current(answer: Any) -> Any:
    return answer if answer["roll_up"]["state"] == "current" else None


def test_the_roll_up_can_be_switched_off(tmp_path: Path) -> None:
    with ExitStack() as stack:
        served = Served(tmp_path, CDR_ROLL_UP="false")
        stack.callback(served.close)
        answer = served.get("/cdr/stats?start=2025-11-01&group_by=disposition")
    assert [(item["key"], item["calls"]) for item in answer["items"]] == [("ANSWERED", 7), ("BUSY", 1)]
    assert (answer["source"], answer["roll_up"]["state"]) == ("sql", "off")


def test_the_range_is_the_last_thirty_days_unless_told(served: Served) -> None:
    answer = served.get("/cdr/stats")
    assert len(answer["items"]) in {30, 31, 32}
    assert answer["totals"]["calls"] == 0


@pytest.mark.parametrize(
    "query",
    ["group_by=month", "start=2025-12-01&end=2025-11-01", "start=x", "start=1000-01-01&group_by=hour", "fresh=1"],
)
def test_what_cannot_be_answered_is_refused(served: Served, query: str) -> None:
    served.send(f"/cdr/stats?{query}", 422)


def test_without_call_records_it_is_not_supported(tmp_path: Path) -> None:
    app = create_app(Settings.from_environ({"API_SECRET_KEY": KEY, "STORE_URL": "sqlite://", "ACCESS_LOG": "false"}))
    response = app.test_client().get("/cdr/stats", headers={"Authorization": f"Bearer {KEY}"})
    assert response.status_code == 501
    app.extensions["pbxapi"].pbx.close()
