from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from pbxapi.app import create_app
from pbxapi.settings import Settings
from tests.things_cdr import CdrFile, row

KEY = "a-key-for-tests-of-32-characters"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[CdrFile]:
    made = CdrFile(tmp_path / "cdr.db")
    made.add(
        *[row(n=n, calldate=f"2026-11-{n:02d} 10:00:00", src=str(100 + n)) for n in range(1, 8)],
        row(n=20, calldate="2026-10-25 02:30:00", uniqueid="1792888200.1"),
        row(n=21, calldate="2026-10-25 02:30:00", uniqueid="1792891800.1"),
    )
    yield made
    made.close()


@pytest.fixture
def client(database: CdrFile, tmp_path: Path) -> Iterator[FlaskClient]:
    app = create_app(
        Settings.from_environ(
            {
                "API_SECRET_KEY": KEY,
                "CDR_DATABASE_URL": f"sqlite:///{database.path}",
                "STORE_URL": f"sqlite:///{tmp_path}/store.db",
                "PBX_TIMEZONE": "Europe/Berlin",
                "RECORDINGS_PATH": str(tmp_path),
                "ACCESS_LOG": "false",
            }
        )
    )
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
    yield client
    app.extensions["pbxapi"].pbx.close()
    app.extensions["pbxapi"].store.close()


def get(client: FlaskClient, path: str, status: int = 200, **options: Any) -> Any:
    response = client.get(path, **options)
    assert response.status_code == status, response.text
    return response.get_json()


def test_pages_follow_their_links_to_the_end(client: FlaskClient) -> None:
    seen, path = [], "/cdr?limit=2&start=2026-11-01"
    while path:
        response = client.get(path)
        body = response.get_json()
        seen += [item["sequence"] for item in body["items"]]
        link = response.headers.get("Link", "")
        assert bool(link) == (body["next"] is not None)
        path = link.removeprefix("<").partition(">")[0]
    assert seen == [7, 6, 5, 4, 3, 2, 1]


def test_the_oldest_come_first_when_asked_for(client: FlaskClient) -> None:
    assert [item["sequence"] for item in get(client, "/cdr?sort=calldate&start=2026-11-01&limit=2")["items"]] == [1, 2]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("start=2026-11-06", {6, 7}),
        ("start=2026-11-06T10:00:00%2B01:00", {6, 7}),
        ("start=2026-11-06T10:00:00+01:00", {6, 7}),  # as a client sends it that does not encode the plus
        ("start=2026-11-06T09:00:00Z", {6, 7}),
        ("start=2026-11-06T10:00:01", {7}),
        ("start=2026-11-01&end=2026-11-02", {1}),
        ("start=2026-10-25&end=2026-10-26", {20, 21}),
        ("start=2026-10-25T02:30:00%2B01:00&end=2026-10-25T02:31:00%2B01:00", {20, 21}),
        ("src=103", {3}),
        ("either=103", {3}),
        ("src_prefix=10&end=2026-11-03", {1, 2}),
        ("contains[src]=07", {7}),
        ("contains%5Bsrc%5D=07", {7}),
        ("disposition=answered&src=101", {1}),
        ("disposition=BUSY&disposition=no_answer", set()),
        ("disposition[]=ANSWERED&src=101", {1}),
        ("has_recording=true", set()),
        ("min_duration=8", set()),
        ("linkedid=1795376941.4", {4}),
    ],
)
def test_filters_in_the_query_find_what_they_say(client: FlaskClient, query: str, expected: set[int]) -> None:
    assert {item["sequence"] for item in get(client, f"/cdr?{query}")["items"]} == expected


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("start=yesterday", "start"),
        ("start=2026-02-30", "start"),
        ("end=0000-01-01", "end"),
        ("end=9999-12-31T23:59:59-14:00", "end"),
        ("disposition=ODD", "disposition"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("cursor=x", "cursor"),
        ("sort=src", "sort"),
        ("src=%00", "src"),
        ("contains[secret]=1", "contains[secret]"),
        ("start=2026-11-02&end=2026-11-01", "end"),
        ("format=xml", "format"),
        ("min_duration=-1", "min_duration"),
    ],
)
def test_what_cannot_be_used_is_named(client: FlaskClient, query: str, field: str) -> None:
    assert any(field in name for name in get(client, f"/cdr?{query}", 422)["errors"])


def test_a_total_is_counted_only_when_asked_for(client: FlaskClient) -> None:
    assert "total" not in get(client, "/cdr")
    assert get(client, "/cdr?include_total=true&limit=1&start=2026-11-01")["total"] == 7


def test_calls_come_with_their_legs(client: FlaskClient) -> None:
    body = get(client, "/cdr?group=call&limit=1&include_total=true")
    [call] = body["items"]
    assert call["caller"] == {"number": "200", "name": "Alice"}
    assert call["status"] == "completed"
    assert [leg["src"] for leg in call["legs"]] == ["107"]
    assert body["total"] == 9


def test_the_hour_that_comes_twice_is_told_apart_by_the_channel(client: FlaskClient) -> None:
    items = get(client, "/cdr?start=2026-10-25&end=2026-10-26&sort=calldate")["items"]
    assert [item["calldate"] for item in items] == ["2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"]


def test_one_channel_has_all_its_records(client: FlaskClient, database: CdrFile) -> None:
    database.add(row(n=3, lastapp="VoiceMail", calldate="2026-11-03 10:00:20", sequence=30))
    items = get(client, "/cdr/1795376941.3")["items"]
    assert [item["lastapp"] for item in items] == ["Dial", "VoiceMail"]
    assert get(client, "/cdr/1.1", 404)["type"] == "/problems/not-found"


def test_a_past_call_is_told_under_calls(client: FlaskClient) -> None:
    state = client.application.extensions["pbxapi"]
    call = state.pbx.call_records.call("1795376941.3")
    assert call.status == "completed"


def test_a_closed_range_is_answered_from_memory_and_304(client: FlaskClient, database: CdrFile) -> None:
    path = "/cdr?start=2026-10-01&end=2026-10-31&limit=1"
    first = client.get(path)
    database.run("DELETE FROM cdr")
    again = client.get(path)
    assert (again.data, again.headers["ETag"], again.headers["Link"]) == (
        first.data,
        first.headers["ETag"],
        first.headers["Link"],
    )
    assert client.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_an_open_range_is_read_anew(client: FlaskClient, database: CdrFile) -> None:
    assert len(get(client, "/cdr")["items"]) == 9
    database.run("DELETE FROM cdr")
    assert get(client, "/cdr")["items"] == []


def test_without_a_database_it_says_what_to_configure(tmp_path: Path) -> None:
    app = create_app(Settings.from_environ({"API_SECRET_KEY": KEY, "STORE_URL": f"sqlite:///{tmp_path}/store.db"}))
    problem = get(app.test_client(), "/cdr", 501, headers={"X-API-Key": KEY})
    assert "CDR_DATABASE_URL" in problem["detail"]
    app.extensions["pbxapi"].pbx.close()
    app.extensions["pbxapi"].store.close()


def test_a_database_that_is_not_there_is_503(tmp_path: Path) -> None:
    environ = {
        "API_SECRET_KEY": KEY,
        "STORE_URL": f"sqlite:///{tmp_path}/store.db",
        "CDR_DATABASE_URL": f"sqlite:///{tmp_path}/missing.db",
    }
    app = create_app(Settings.from_environ(environ))
    problem = get(app.test_client(), "/cdr", 503, headers={"X-API-Key": KEY})
    assert problem["type"] == "/problems/database-unavailable"
    assert not (tmp_path / "missing.db").exists()
    assert str(tmp_path) not in problem["detail"]
    app.extensions["pbxapi"].pbx.close()
    app.extensions["pbxapi"].store.close()
