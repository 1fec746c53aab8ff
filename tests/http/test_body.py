from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from types import MappingProxyType

import pytest
from werkzeug.test import TestResponse

from pbxapi.http.body import encode
from tests.things import WITH_KEY, client


def get(path: str, **headers: str) -> TestResponse:
    return client().get(path, headers={**WITH_KEY, **{name.replace("_", "-"): text for name, text in headers.items()}})


@dataclass(frozen=True, slots=True)
class Inner:
    at: datetime


@dataclass(frozen=True, slots=True)
class Outer:
    name: str
    inner: tuple[Inner, ...]
    note: None = None


def test_what_the_exchange_answers_with_is_encoded_by_field() -> None:
    at = datetime(2026, 3, 1, 12, 30, tzinfo=timezone(timedelta(hours=-3)))
    outer = Outer("Zoë", (Inner(at),))
    expected = '{"name":"Zoë","inner":[{"at":"2026-03-01T12:30:00-03:00"}],"note":null}'
    assert encode(outer).body == expected.encode()


def test_other_plain_values_are_encoded() -> None:
    assert json.loads(encode({"day": date(2026, 3, 1), "map": MappingProxyType({"a": 1})}).body) == {
        "day": "2026-03-01",
        "map": {"a": 1},
    }


@pytest.mark.parametrize("value", [datetime(2026, 3, 1), b"bytes", {1, 2}, object()])
def test_what_has_no_json_form_is_a_fault_of_the_program(value: object) -> None:
    with pytest.raises(TypeError):
        encode([value])


def test_half_a_surrogate_pair_does_not_spoil_an_answer() -> None:
    assert encode("\ud800").body == b'"?"'


def test_an_etag_changes_with_what_is_told_and_with_nothing_else() -> None:
    assert encode({"a": 1}).etag == encode({"a": 1}).etag
    assert encode({"a": 1}).etag != encode({"a": 2}).etag
    assert encode(Inner(datetime.now(UTC))).etag.strip('"').isalnum()


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', "*"])
def test_a_read_that_the_caller_has_already_is_not_sent_again(form: str) -> None:
    etag = get("/things/x").headers["ETag"]
    again = get("/things/x", If_None_Match=form.format(etag))
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == etag
    assert get("/things/x", If_None_Match='"other"').status_code == 200


def test_an_answer_is_for_its_caller_alone_and_says_its_age() -> None:
    response = get("/things")
    assert response.headers["Age"] == "2"
    assert response.headers["Cache-Control"] == "private, no-cache"


def test_a_change_of_something_stale_is_refused() -> None:
    etag = get("/things/x").headers["ETag"]

    def put(if_match: str | None) -> int:
        headers = WITH_KEY if if_match is None else {**WITH_KEY, "If-Match": if_match}
        return client().put("/things/x", json={"name": "new"}, headers=headers).status_code

    assert [put(value) for value in (None, etag, "*", f'"other", {etag}')] == [200] * 4
    assert [put(value) for value in ('"other"', f"W/{etag}", "nonsense")] == [412] * 3


def test_a_small_collection_answers_whole() -> None:
    response = get("/things")
    assert response.json is not None
    assert (len(response.json["items"]), response.json["next"]) == (250, None)
    assert "Link" not in response.headers


def test_links_lead_through_all_pages() -> None:
    names: list[str] = []
    path: str | None = "/things?limit=100"
    while path:
        response = get(path)
        assert response.json is not None
        names += [item["name"] for item in response.json["items"]]
        link = response.headers.get("Link")
        assert (link is None) == (response.json["next"] is None)
        path = link.removeprefix("<").removesuffix('>; rel="next"') if link else None
    assert names == [f"{number:03d}" for number in range(250)]


def test_a_link_holds_under_a_mount_path() -> None:
    response = client().get("/things?limit=1", headers=WITH_KEY, environ_overrides={"SCRIPT_NAME": "/p b"})
    assert response.headers["Link"].startswith("</p%20b/things?limit=1&cursor=")


@pytest.mark.parametrize("cursor", ["nonsense", "!", "bnVsbA", "WzFd", "e30", "W10", "WyJhIiwiYiJd" * 80])
def test_a_cursor_that_no_page_gave_is_named(cursor: str) -> None:
    response = get(f"/things?cursor={cursor}")
    assert response.status_code == 422
    assert response.json is not None
    assert list(response.json["errors"]) == ["cursor"]


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "1.5"])
def test_a_limit_has_bounds(limit: str) -> None:
    assert get(f"/things?limit={limit}").status_code == 422
