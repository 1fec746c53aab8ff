from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from pbxapi import logs
from pbxapi.app import create_app
from pbxapi.pbx.plan import Secret
from pbxapi.pbx.provisioning import Difference, Extension
from pbxapi.settings import Log, Settings
from tests.http.provisioned import KEY, PIN, SECRET, Served, alice, limited, serving
from tests.http.queued import audited, entries


@pytest.fixture
def served() -> Iterator[Served]:
    with serving(alice()) as made:
        yield made


def etag(served: Served, path: str = "/extensions/200") -> str:
    return served.ask("GET", path).headers["ETag"]


# Reading


def test_an_extension_is_told_with_every_field(served: Served) -> None:
    body = served.json("GET", "/extensions/200")
    assert body["extension"] == "200"
    assert body["codecs"] == ["ulaw", "alaw"]
    assert body["voicemail"]["email"] == "alice@example.com"
    assert body["recording"]["inbound_external"] == "dontcare"
    assert body["max_contacts"] is None
    assert body["managed"] is True
    assert set(body) == set(Extension.__slots__)


def test_secrets_are_null_without_their_scope(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = served.json("GET", "/extensions/200")
    assert (seen["secret"], seen["voicemail"]["password"]) == (SECRET, PIN)
    limited(monkeypatch, "read", "provision")
    for body in (served.json("GET", "/extensions/200"), served.json("GET", "/extensions")["items"][0]):
        assert (body["secret"], body["voicemail"]["password"]) == (None, None)
        assert body["voicemail"]["email"] == "alice@example.com"


def test_a_look_at_secrets_is_audited_and_other_looks_are_not(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "pbxapi.audit"):
        served.ask("GET", "/extensions/200")
        served.ask("GET", "/extensions")
        limited(monkeypatch, "read")
        served.ask("GET", "/extensions/200")
        served.ask("GET", "/extensions")
    assert audited(caplog) == ["secret.read extension 200", "secret.read extensions: 1: 200"]


def test_the_collection_is_sorted_by_number_and_pages() -> None:
    numbers = ["1000", "99", "200", "trunkless", "007", "7"]
    with serving(*(Extension(extension=each, name=None, technology="pjsip") for each in numbers)) as served:
        whole = [item["extension"] for item in served.json("GET", "/extensions")["items"]]
        assert whole == ["007", "7", "99", "200", "1000", "trunkless"]
        found, path = [], "/extensions?limit=4"
        answer = served.ask("GET", path)
        found += [item["extension"] for item in answer.get_json()["items"]]
        assert 'rel="next"' in answer.headers["Link"]
        cursor = answer.get_json()["next"]
        last = served.json("GET", f"/extensions?limit=4&cursor={cursor}")
        assert found + [item["extension"] for item in last["items"]] == whole
        assert last["next"] is None


@pytest.mark.parametrize(
    ("query", "found"),
    [("q=ALI", ["200"]), ("q=20", ["200", "201"]), ("technology=sip", ["201"]), ("technology=sip&q=ali", [])],
)
def test_filters_all_have_to_hold(query: str, found: list[str]) -> None:
    with serving(alice(), Extension(extension="201", name=None, technology="sip")) as served:
        assert [each["extension"] for each in served.json("GET", f"/extensions?{query}")["items"]] == found


def test_what_no_extension_is_called_is_not_found(served: Served) -> None:
    for number in ("2\n00", "200\0", "a b"):
        served.extensions.stored[number] = replace(alice(), extension=number)
    for number in ("999", "2%0A00", "200%00", "a b"):
        for method, below in (("GET", ""), ("DELETE", ""), ("GET", "/drift"), ("GET", "/features")):
            assert served.json(method, f"/extensions/{number}{below}", 404)["type"] == "/problems/not-found"


def test_an_exchange_that_provisions_nothing_says_so() -> None:
    with serving(provisions=False) as served:
        for path in ("/extensions", "/follow-me", "/extensions/200/features"):
            assert served.json("GET", path, 501)["type"] == "/problems/not-supported"


# Creating


def test_a_number_and_a_name_are_enough(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, "read", "provision")
    answer = served.ask("POST", "/extensions", 201, {"extension": "201", "name": "Bob 🐙", "voicemail": {}})
    body = answer.get_json()
    assert answer.headers["Location"] == "/extensions/201"
    made = served.extensions.stored["201"]
    assert made.voicemail is not None
    assert (body["secret"], body["voicemail"]["password"]) == (made.secret, made.voicemail.password)
    assert body["secret"] is not None
    assert (body["applied"], body["apply_reason"], body["warnings"]) == (True, None, [])
    assert body["name"] == "Bob 🐙"
    assert served.json("GET", "/extensions/201")["secret"] is None


def test_a_secret_that_was_sent_is_not_told_back(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, "provision")
    new = {"extension": "201", "name": "Bob", "secret": SECRET, "voicemail": {"password": "9876"}}
    body = served.json("POST", "/extensions", 201, new)
    assert (body["secret"], body["voicemail"]["password"]) == (None, None)
    assert served.extensions.stored["201"].secret == SECRET


def test_a_number_that_is_taken_is_a_conflict(served: Served) -> None:
    assert served.json("POST", "/extensions", 409, {"extension": "200", "name": "x"})["type"] == "/problems/conflict"
    assert served.extensions.stored["200"].name == "Alice"


def test_location_knows_where_the_application_is_mounted(served: Served) -> None:
    answer = served.client.post(
        "/extensions", json={"extension": "201", "name": "B"}, environ_overrides={"SCRIPT_NAME": "/pbx"}
    )
    assert answer.headers["Location"] == "/pbx/extensions/201"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("extension", "2a"),
        ("extension", "201\n"),
        ("extension", "1" * 21),
        ("name", ""),
        ("name", "  "),
        ("name", None),
        ("name", "a;b"),
        ("name", "a\nb"),
        ("name", "x" * 51),
        ("technology", "iax2"),
        ("secret", "short"),
        ("secret", "201201"),
        ("secret", "abc;defgh1"),
        ("secret", "sécret-of-ours"),
        ("context", "a b"),
        ("context", "from-internal\n"),
        ("codecs", ["ulaw", "mp3"]),
        ("codecs", ["ulaw", "ulaw"]),
        ("dtmf_mode", "loud"),
        ("permit", "everywhere"),
        ("recording", {"on_demand": "perhaps"}),
        ("recording.priority", {"priority": 21}),
        ("voicemail.password", {"password": "12"}),
        ("voicemail.email", {"email": "nobody"}),
        ("voicemail.context", {"context": "general"}),
        ("voicemail.pin", {"pin": "1234"}),
        ("max_contacts", 0),
        ("max_contacts", "1"),
        ("ring_time", 121),
        ("options", {"match": "a;b"}),
        ("call_group", "1;2"),
        ("nonsense", 1),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(served: Served, field: str, value: object) -> None:
    body = {"extension": "201", "name": "Bob", field.partition(".")[0]: value}
    answer = served.json("POST", "/extensions", 422, body)
    assert any(name.startswith(field) for name in answer["errors"]), answer["errors"]
    assert SECRET not in json.dumps(answer)
    assert "201" not in served.extensions.stored


# Changing


def test_a_patch_changes_only_what_is_sent(served: Served) -> None:
    body = served.json("PATCH", "/extensions/200", body={"name": "Alice Smith", "options": {"a_new_keyword": None}})
    assert (body["name"], body["applied"]) == ("Alice Smith", True)
    assert served.extensions.stored["200"] == replace(alice(), name="Alice Smith", options={"rtp_symmetric": "yes"})


def test_a_patch_may_say_that_it_is_one(served: Served) -> None:
    answer = served.client.patch(
        "/extensions/200", data=b'{"caller_id": "555"}', content_type="application/merge-patch+json"
    )
    assert (answer.status_code, answer.get_json()["caller_id"]) == (200, "555")
    assert served.client.patch("/extensions/200", data=b"{}", content_type="text/plain").status_code == 415


def test_null_takes_voicemail_away(served: Served) -> None:
    assert served.json("PATCH", "/extensions/200", body={"voicemail": None})["voicemail"] is None
    assert served.extensions.stored["200"].voicemail is None


def test_a_put_sets_what_is_not_sent_to_its_default_and_keeps_the_secret(served: Served) -> None:
    body = served.json("PUT", "/extensions/200", body={"name": "A", "voicemail": {"email": "a@example.com"}})
    assert (body["name"], body["codecs"], body["secret"]) == ("A", [], SECRET)
    assert body["voicemail"]["password"] == PIN


def test_what_get_gave_can_be_put_back_by_who_sees_no_secret(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, "read", "provision")
    given = served.json("GET", "/extensions/200")
    assert served.json("PUT", "/extensions/200", body=given)["secret"] is None
    assert served.extensions.stored["200"] == alice()


def test_a_new_secret_is_made_by_null_and_shown_once(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, "read", "provision")
    body = served.json("PATCH", "/extensions/200", body={"secret": None})
    assert body["secret"] == served.extensions.stored["200"].secret != SECRET
    assert body["voicemail"]["password"] is None
    assert served.json("PATCH", "/extensions/200", body={"name": "A"})["secret"] is None


def test_only_a_pin_that_was_made_is_shown(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, "read", "provision")
    change = {"voicemail": {"attach": True}}
    assert served.json("PATCH", "/extensions/200", body=change)["voicemail"]["password"] is None
    served.ask("PATCH", "/extensions/200", body={"voicemail": None})
    made = served.json("PATCH", "/extensions/200", body=change)["voicemail"]["password"]
    box = served.extensions.stored["200"].voicemail
    assert box is not None
    assert made == box.password is not None


def test_a_number_cannot_be_changed_and_is_not_created_by_put(served: Served) -> None:
    assert "extension" in served.json("PATCH", "/extensions/200", 422, {"extension": "201"})["errors"]
    assert served.json("PATCH", "/extensions/200", body={"extension": "200"})["extension"] == "200"
    served.ask("PUT", "/extensions/201", 404, {"name": "Bob"})


def test_a_secret_like_the_number_in_the_path_is_refused(served: Served) -> None:
    assert "secret" in served.json("PATCH", "/extensions/200", 422, {"secret": "ext200"})["errors"]


def test_what_is_not_applied_says_why(served: Served) -> None:
    body = served.json("PATCH", "/extensions/200?apply=false", body={"name": "A"})
    assert (body["applied"], body["apply_reason"]) == (False, "It was asked to wait")
    assert served.extensions.applied == 0
    served.extensions.applies = False
    body = served.json("PATCH", "/extensions/200", body={"name": "B"})
    assert (body["applied"], body["apply_reason"]) == (False, "The exchange did not load it")


# Preconditions


def test_the_tag_goes_by_the_whole_state_whoever_asks(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    first = etag(served)
    assert served.ask("GET", "/extensions/200", 304, headers={"If-None-Match": first}).data == b""
    limited(monkeypatch, "read", "provision")
    hidden = etag(served)
    assert hidden != first
    served.ask("GET", "/extensions/200", 200, headers={"If-None-Match": first})
    served.ask("GET", "/extensions/200", 304, headers={"If-None-Match": hidden})
    served.ask("PATCH", "/extensions/200", body={"secret": "Another-0815-x"})
    assert etag(served) != hidden


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_a_write_over_what_somebody_else_changed_is_refused(
    served: Served, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    shown = etag(served)
    limited(monkeypatch, "read", "provision")
    body = None if method == "DELETE" else {"name": "B"}
    wrong = served.json(method, "/extensions/200", 412, body, If_Match='"0123"')
    assert wrong["type"] == "/problems/precondition-failed"
    served.extensions.stored["200"] = replace(alice(), name="Changed")
    for tag in (shown, f"W/{etag(served)}"):
        served.ask(method, "/extensions/200", 412, body, {"If-Match": tag})
    assert served.extensions.stored["200"].name == "Changed"
    served.ask(method, "/extensions/200", 200, body, {"If-Match": f'"x", {etag(served)}'})


def test_the_tag_of_either_answer_and_of_a_write_does_for_if_match(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = etag(served)
    limited(monkeypatch, "read", "provision")
    answer = served.ask("PATCH", "/extensions/200", 200, {"name": "B"}, {"If-Match": shown})
    assert answer.headers["ETag"] == etag(served)
    served.ask("PATCH", "/extensions/200", 200, {"name": "C"}, {"If-Match": answer.headers["ETag"]})
    served.ask("PATCH", "/extensions/200", 200, {"name": "D"}, {"If-Match": "*"})


def test_the_tag_does_not_depend_on_the_order_of_options(served: Served) -> None:
    first = etag(served)
    turned = dict(reversed(list(alice().options.items())))
    served.extensions.stored["200"] = replace(alice(), options=turned)
    assert etag(served) == first


def test_the_tag_cannot_be_made_without_the_key(served: Served) -> None:
    first = etag(served)
    other = Settings.from_environ({"API_SECRET_KEY": KEY + "x", "STORE_URL": "sqlite://", "ACCESS_LOG": "false"})
    state = served.client.application.extensions["pbxapi"]
    client = create_app(other, state.pbx, state.store).test_client()
    again = client.get("/extensions/200", headers={"Authorization": f"Bearer {KEY}x"})
    assert again.status_code == 200
    assert again.headers["ETag"] != first


# Deleting


def test_a_delete_tells_what_was_left(served: Served) -> None:
    body = served.json("DELETE", "/extensions/200")
    assert body == {
        "extension": "200",
        "applied": True,
        "apply_reason": None,
        "warnings": ["The messages of its mailbox were left"],
    }
    assert served.extensions.stored == {}
    served.ask("DELETE", "/extensions/200", 404)


def test_messages_go_only_when_it_is_said(served: Served) -> None:
    assert served.json("DELETE", "/extensions/200?voicemail=true")["warnings"] == []
    assert served.extensions.erased == ["200"]


def test_what_others_mention_is_deleted_only_by_force(served: Served) -> None:
    served.extensions.mentions["200"] = "the ring group 600"
    assert "ring group 600" in served.json("DELETE", "/extensions/200", 409)["detail"]
    served.ask("DELETE", "/extensions/200?force=true")


# Dry runs


def test_a_dry_run_tells_all_and_writes_nothing(served: Served) -> None:
    body = served.json("PATCH", "/extensions/200?dry_run=true", body={"name": "B", "secret": "Kq7-other-zo"})
    assert body["plan"]["rows"][0] == {
        "table": "users", "key": {"extension": "200"}, "before": {"name": "Alice"}, "after": {"name": "B"},
    }  # fmt: skip
    assert body["plan"]["keys"] == [{"family": "AMPUSER", "key": "200/cidname", "before": "Alice", "after": "B"}]
    assert body["plan"]["reload"] is True
    assert body["results"][0]["extension"]["name"] == "B"
    assert served.extensions.stored["200"] == alice()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/extensions", {"extension": "201", "name": "B", "voicemail": {}}),
        ("PATCH", "/extensions/200", {"secret": "Kq7-other-zo", "voicemail": {"password": "5678"}}),
        ("DELETE", "/extensions/200", None),
    ],
)
def test_no_secret_stands_in_a_plan(served: Served, method: str, path: str, body: object) -> None:
    answer = served.ask(method, f"{path}?dry_run=true", 200, body)
    assert '"********"' in answer.text
    for secret in (SECRET, PIN, "made-secret", "Kq7-other-zo", "5678", "77000"):
        assert secret not in answer.text


def test_a_dry_run_is_held_to_if_match_too(served: Served) -> None:
    served.ask("PATCH", "/extensions/200?dry_run=true", 412, {"name": "B"}, {"If-Match": '"x"'})


# Drift


def test_drift_is_told_without_secrets_and_repaired(served: Served) -> None:
    served.extensions.drifted["200"] = (
        Difference("astdb AMPUSER/200/cidname", "Alice", None, "The entry is not there"),
        Difference("sip secret", Secret("one"), Secret("two"), "They differ", repairable=False),
    )
    body = served.json("GET", "/extensions/200/drift")
    assert body["items"][0] == {
        "place": "astdb AMPUSER/200/cidname", "expected": "Alice", "found": None, "what": "The entry is not there",
        "repairable": True,
    }  # fmt: skip
    assert body["items"][1]["expected"] == body["items"][1]["found"] == "********"
    assert body["next"] is None
    assert served.json("POST", "/extensions/200/repair?dry_run=true")["plan"]["reload"] is True
    assert served.json("GET", "/extensions/200/drift")["items"] != []
    assert served.json("POST", "/extensions/200/repair")["applied"] is True
    assert served.json("GET", "/extensions/200/drift")["items"] == []


# Who may


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/extensions"),
        ("POST", "/extensions/batch"),
        ("PUT", "/extensions/200"),
        ("PATCH", "/extensions/200"),
        ("DELETE", "/extensions/200"),
        ("POST", "/extensions/200/repair"),
        ("PUT", "/extensions/200/follow-me"),
        ("PATCH", "/extensions/200/follow-me"),
        ("DELETE", "/extensions/200/follow-me"),
        ("PATCH", "/extensions/200/features"),
    ],
)
def test_a_key_that_may_only_read_changes_nothing(
    served: Served, monkeypatch: pytest.MonkeyPatch, method: str, path: str
) -> None:
    limited(monkeypatch, *({"read", "secrets", "calls", "system"}))
    served.ask(method, path, 403, {})
    assert served.extensions.stored["200"] == alice()


def test_each_change_is_audited_without_its_secret(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    new: dict[str, Any] = {"extension": "201", "name": "B"}
    with caplog.at_level(logging.INFO, "pbxapi.audit"):
        served.ask("POST", "/extensions", 201, new)
        served.ask("PATCH", "/extensions/200?apply=false", 200, {"secret": "Kq7-other-zo"})
        served.ask("PATCH", "/extensions/200?dry_run=true", 200, {"secret": "Kq7-third-zo"})
        served.ask("DELETE", "/extensions/201")
        served.ask("DELETE", "/extensions/201", 404)
    assert audited(caplog) == [
        "extension.create extension 201: applied; its secrets were shown",
        "extension.update extension 200: not applied: It was asked to wait; its secrets were shown",
        "extension.delete extension 201: applied",
    ]
    created, updated, deleted = entries(caplog)
    assert (created.before, created.after["name"], created.after["secret"]) == (None, "B", "***")
    assert (updated.before, updated.after) == ({"secret": "***"}, {"secret": "***"})
    assert (deleted.before["name"], deleted.before["secret"], deleted.after) == ("B", "***", None)


def test_the_audit_is_kept_however_little_else_is_logged() -> None:
    logs.configure(Log())
    assert not logging.getLogger("pbxapi.http").isEnabledFor(logging.WARNING)
    assert logging.getLogger("pbxapi.audit").isEnabledFor(logging.INFO)
