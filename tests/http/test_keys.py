"""`/keys`: who may make which, and what is told of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from pbxapi.http import auth
from pbxapi.http.auth import Principal
from pbxapi.pbx.call_policy import CallPolicy
from tests.http.keyed import Keyed, keyed

NEW: dict[str, Any] = {"name": "crm", "scopes": ["calls", "read"]}
ADMIN = {"read", "calls", "admin"}


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Keyed]:
    with keyed(tmp_path) as made:
        yield made


def as_key(monkeypatch: pytest.MonkeyPatch, *scopes: str, policy: CallPolicy | None = None) -> None:
    """Let who asks be a key of these scopes."""
    monkeypatch.setattr(auth, "OWNER", Principal("little", frozenset(scopes), policy))


def test_a_key_is_shown_once(served: Keyed) -> None:
    answer = served.ask("POST", "/keys", 201, {**NEW, "networks": ["10.0.0.0/8"], "expires_at": "2100-01-01T00:00Z"})
    made = answer.get_json()
    assert answer.headers["Location"] == "/keys/crm"
    assert answer.headers["Cache-Control"] == "no-store"
    key = made.pop("key")
    assert key.startswith(made["prefix"])
    assert (made["scopes"], made["networks"]) == (["read", "calls"], ["10.0.0.0/8"])
    assert (made["status"], made["created_by"], made["policy"]) == ("active", "API_SECRET_KEY", None)
    assert datetime.fromisoformat(made["expires_at"]) == datetime(2100, 1, 1, tzinfo=UTC)
    assert served.ask("GET", "/keys/crm").get_json() == made
    assert served.ask("GET", "/keys").get_json() == {"items": [made], "next": None}
    served.ask("GET", "/things/x", key=key, where="10.0.0.1")


def test_the_collection_is_by_name_in_pages(served: Keyed) -> None:
    for name in ("b", "a", "c"):
        served.make(name, "read")
    page = served.ask("GET", "/keys?limit=2").get_json()
    assert [key["name"] for key in page["items"]] == ["a", "b"]
    rest = served.ask("GET", f"/keys?limit=2&cursor={page['next']}").get_json()
    assert [key["name"] for key in rest["items"]] == ["c"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"name": "a b"}, "name"),
        ({"name": "API_SECRET_KEY"}, "name"),
        ({"name": None}, "name"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes.0"),
        ({"networks": ["10.0.0.1/8"]}, "networks"),
        ({"networks": None}, "networks"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2100-01-01T00:00:00"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-23:59"}, "expires_at"),
        ({"key": "pbx_mine"}, "key"),
    ],
)
def test_what_cannot_be_is_refused_by_field(served: Keyed, change: dict[str, Any], field: str) -> None:
    assert list(served.ask("POST", "/keys", 422, {**NEW, **change}).get_json()["errors"]) == [field]
    assert served.store.keys.all() == []


def test_a_name_is_given_once(served: Keyed) -> None:
    served.ask("POST", "/keys", 201, NEW)
    assert "already" in served.said("POST", "/keys", 409, NEW)
    served.ask("DELETE", "/keys/crm", 204)
    assert "was revoked" in served.said("POST", "/keys", 409, NEW)


def test_a_patch_changes_what_is_sent_and_null_takes_away(served: Keyed) -> None:
    served.ask("POST", "/keys", 201, {**NEW, "networks": ["10.0.0.0/8"], "expires_at": "2100-01-01T00:00:00Z"})
    body = served.ask("PATCH", "/keys/crm", body={"scopes": ["cdr"]}).get_json()
    assert (body["scopes"], body["networks"]) == (["cdr"], ["10.0.0.0/8"])
    body = served.ask("PATCH", "/keys/crm", body={"networks": None, "expires_at": None}).get_json()
    assert (body["networks"], body["expires_at"]) == ([], None)
    assert served.ask("PATCH", "/keys/crm", body={}).get_json() == body
    served.ask("PATCH", "/keys/crm", 422, {"name": "other"})
    served.ask("PATCH", "/keys/crm", 422, {"scopes": None})
    served.ask("PATCH", "/keys/nobody", 404, {})


def test_a_policy_comes_back_as_it_was_sent(served: Keyed) -> None:
    policy = CallPolicy(calls_at_once=2).document()
    made = served.ask("POST", "/keys", 201, {**NEW, "policy": policy}).get_json()
    assert made["policy"] == policy
    assert served.store.keys.get("crm").policy == CallPolicy(calls_at_once=2)
    assert served.ask("PATCH", "/keys/crm", body={"policy": None}).get_json()["policy"] is None


def test_the_use_of_a_key_is_no_change_of_it(served: Keyed) -> None:
    served.ask("POST", "/keys", 201, NEW)
    first = served.ask("GET", "/keys/crm").headers["ETag"]
    served.store.keys.used("crm", datetime.now(UTC), "10.0.0.1")
    served.ask("GET", "/keys/crm", 200, If_None_Match=first)
    changed = served.ask("PATCH", "/keys/crm", body={"scopes": ["cdr"]}, If_Match=first).headers["ETag"]
    served.ask("GET", "/keys/crm", 304, If_None_Match=changed)
    served.ask("PATCH", "/keys/crm", 412, {"scopes": ["read"]}, If_Match=first)
    served.ask("DELETE", "/keys/crm", 412, If_Match=first)
    assert served.store.keys.get("crm").scopes == ("cdr",)
    served.ask("DELETE", "/keys/crm", 204, If_Match=changed)


def test_a_rotation_gives_another_secret_and_a_grace(served: Keyed) -> None:
    first = served.ask("POST", "/keys", 201, NEW).get_json()["key"]
    second = served.ask("POST", "/keys/crm/rotate", body={"grace": 3600}).get_json()
    assert second["key"] != first
    assert datetime.fromisoformat(second["previous_until"]) > datetime.now(UTC) + timedelta(minutes=59)
    for key in (first, second["key"]):
        served.ask("GET", "/things/x", key=key)
    third = served.ask("POST", "/keys/crm/rotate", body={}).get_json()["key"]
    served.ask("GET", "/things/x", key=third)
    for key in (first, second["key"]):
        served.ask("GET", "/things/x", 401, key=key)
    served.ask("POST", "/keys/crm/rotate", 422, {"grace": 10**9})
    served.ask("POST", "/keys/nobody/rotate", 404, {})


def test_a_revoked_key_stays_to_be_seen_and_cannot_be_changed(served: Keyed) -> None:
    key = served.ask("POST", "/keys", 201, NEW).get_json()["key"]
    for _ in range(2):
        served.ask("DELETE", "/keys/crm", 204)
    served.ask("GET", "/things/x", 401, key=key)
    assert served.ask("GET", "/keys/crm").get_json()["status"] == "revoked"
    served.ask("PATCH", "/keys/crm", 409, {"scopes": ["read"]})
    served.ask("POST", "/keys/crm/rotate", 409, {})
    served.ask("DELETE", "/keys/nobody", 404)


def test_keys_are_for_admin(served: Keyed) -> None:
    key = served.make("crm", "read", "calls", "provision", "secrets", "system", "cdr")
    for method, path in (("GET", "/keys"), ("GET", "/keys/crm"), ("DELETE", "/keys/crm")):
        served.ask(method, path, 403, key=key)
    for path in ("/keys", "/keys/crm/rotate"):
        served.ask("POST", path, 403, {}, key=key)
    served.ask("PATCH", "/keys/crm", 403, {}, key=key)


def test_no_key_gives_a_scope_that_it_lacks(served: Keyed, monkeypatch: pytest.MonkeyPatch) -> None:
    served.make("strong", "secrets")
    served.make("weak", "read")
    as_key(monkeypatch, *ADMIN)
    refused = served.ask("POST", "/keys", 403, {**NEW, "scopes": ["read", "secrets"]}).get_json()
    assert refused["type"] == "/problems/key-beyond"
    assert "secrets" in refused["detail"]
    served.ask("PATCH", "/keys/weak", 403, {"scopes": ["secrets"]})
    # To rotate it would be to have it.
    served.ask("POST", "/keys/strong/rotate", 403, {})
    served.ask("PATCH", "/keys/strong", 403, {"networks": []})
    assert served.store.keys.get("strong").version == served.store.keys.get("weak").version == 1
    assert served.ask("POST", "/keys", 201, NEW).get_json()["created_by"] == "little"
    served.ask("DELETE", "/keys/strong", 204)


def test_no_key_with_a_call_policy_makes_one_that_calls_otherwise(
    served: Keyed, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = CallPolicy(calls_at_once=1)
    served.make("free", "read")
    as_key(monkeypatch, *ADMIN, policy=own)
    wider = CallPolicy(calls_at_once=2).document()
    for policy in (None, wider):
        served.ask("POST", "/keys", 403, {"name": "x", "scopes": ["read"], "policy": policy})
    served.ask("POST", "/keys", 403, {"name": "x", "scopes": ["calls"], "policy": own.document()})
    served.ask("POST", "/keys/free/rotate", 403, {})
    served.ask("POST", "/keys", 201, {"name": "x", "scopes": ["read"], "policy": own.document()})
    served.ask("PATCH", "/keys/x", 403, {"policy": None})
    served.ask("PATCH", "/keys/x", 403, {"scopes": ["calls"]})


def test_changes_are_in_the_audit_log_without_the_key(served: Keyed) -> None:
    keys = [served.ask("POST", "/keys", 201, NEW).get_json()["key"]]
    served.ask("PATCH", "/keys/crm", body={"scopes": ["cdr"]})
    keys.append(served.ask("POST", "/keys/crm/rotate", body={"grace": 5}).get_json()["key"])
    served.ask("DELETE", "/keys/crm", 204)
    with served.store.begin() as connection:
        query = text("SELECT action, target, detail, after FROM audit ORDER BY id")
        answer = [tuple(row) for row in connection.execute(query)]
    assert [entry[0] for entry in answer] == ["key.create", "key.update", "key.rotate", "key.revoke"]
    assert {entry[1] for entry in answer} == {"key crm"}
    assert not any(key in str(answer) for key in keys)
