from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from pbxapi.store.audit import Entry
from tests.http.audited import Audited
from tests.http.provisioned import KEY, limited

BEARER = {"Authorization": f"Bearer {KEY}"}
NDJSON = {**BEARER, "Accept": "application/x-ndjson"}
NOW = datetime(2026, 1, 5, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Audited]:
    found = Audited(tmp_path_factory.mktemp("audit_log"))
    yield found
    found.close()


@pytest.fixture
def audited(made: Audited) -> Audited:
    made.forget()
    made.store.audit.add([entry(number) for number in range(10)])
    return made


def entry(number: int) -> Entry:
    return Entry(
        at=NOW + timedelta(seconds=number // 2),
        request_id=f"r{number}",
        key="crm",
        remote="192.0.2.7",
        action="key.create" if number % 5 == 0 else "extension.update",
        target=f"extension {number}",
        outcome="done",
        status=200,
        after={"name": "=1+1"},
    )


def got(audited: Audited, query: str = "", status: int = 200, headers: dict[str, str] = BEARER) -> Any:
    answer = audited.client.get(f"/audit{query}", headers=headers)
    assert answer.status_code == status, answer.text
    return answer


def numbers(items: list[dict[str, Any]]) -> list[int]:
    return [int(each["request_id"][1:]) for each in items]


def test_entries_come_newest_first_with_all_that_is_known(audited: Audited) -> None:
    body = got(audited).get_json()
    assert numbers(body["items"]) == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]
    assert body["next"] is None
    first = body["items"][-1]
    assert first.pop("id") > 0
    assert first == {
        "at": "2026-01-05T10:00:00+00:00", "request_id": "r0", "key": "crm", "remote": "192.0.2.7",
        "action": "key.create", "target": "extension 0", "outcome": "done", "status": 200, "detail": None,
        "before": None, "after": {"name": "=1+1"},
    }  # fmt: skip


def test_pages_give_each_entry_once_while_others_are_added(audited: Audited) -> None:
    found, query = [], "?limit=3"
    while query:
        answer = got(audited, query)
        body = answer.get_json()
        found += numbers(body["items"])
        query = f"?limit=3&cursor={body['next']}" if body["next"] else ""
        assert ("Link" in answer.headers) == bool(query)
        audited.store.audit.add([Entry(**{**as_values(entry(9)), "at": NOW + timedelta(days=1)})])
    assert found == [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]


def as_values(of: Entry) -> dict[str, Any]:
    return {name: getattr(of, name) for name in Entry.__slots__}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("?action=key.", [5, 0]),
        ("?action=key.create&end=2026-01-05T10:00:01Z", [0]),
        ("?start=2026-01-05T11:00:04%2B01:00", [9, 8]),
        ("?target=extension%203", [3]),
        ("?request_id=r4", [4]),
        ("?key=crm&outcome=done&remote=192.0.2.7&limit=1", [9]),
        ("?key=another", []),
        ("?outcome=failed", []),
    ],
)
def test_filters(audited: Audited, query: str, found: list[int]) -> None:
    assert numbers(got(audited, query).get_json()["items"]) == found


@pytest.mark.parametrize(
    "query",
    ["?cursor=x", "?cursor=W10", "?cursor=WzEsIngiXQ", "?cursor=WzFlOTksMV0", "?start=2026-01-05T10:00:00",
     "?outcome=x", "?limit=0", "?limit=1001", "?sort=at", "?action=", "?key=%00",
     "?start=0001-01-01T00:00:00%2B14:00", "?end=9999-12-31T23:59:59-14:00"],
)  # fmt: skip
def test_what_cannot_be_used_is_a_422(audited: Audited, query: str) -> None:
    [name] = got(audited, query, 422).get_json()["errors"]
    assert name == query[1:].partition("=")[0]


def test_it_is_for_who_has_the_scope(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, "read", "cdr", "recordings", "calls", "provision", "secrets", "system")
    got(audited, status=403)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nothing_changes_it(audited: Audited, method: str) -> None:
    assert audited.client.open("/audit", method=method, headers=BEARER).status_code == 405
    assert len(audited.entries) == 10


def test_an_export_is_one_entry_a_line_and_an_entry_itself(audited: Audited) -> None:
    answer = got(audited, "?action=key.&limit=1", headers=NDJSON)
    assert answer.mimetype == "application/x-ndjson"
    assert numbers([json.loads(line) for line in answer.text.splitlines()]) == [5, 0]
    last = audited.entries[-1]
    assert (last.action, last.after) == ("audit.export", {"action": "key.", "limit": "1"})
    got(audited, status=406, headers={**BEARER, "Accept": "text/csv"})


def test_an_export_of_a_store_that_does_not_answer_is_a_503(audited: Audited) -> None:
    with audited.store.begin() as connection:
        connection.execute(text("ALTER TABLE audit RENAME TO elsewhere"))
    try:
        got(audited, status=503, headers=NDJSON)
        assert got(audited, status=503).get_json()["type"] == "/problems/store-unavailable"
    finally:
        with audited.store.begin() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO audit"))
