from __future__ import annotations

import http.client
import logging
import threading
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from werkzeug.serving import make_server

from pbxapi.http.queue_member_schemas import MemberSchema, PlannedMemberSchema, StoredMemberSchema
from tests.http.provisioned import KEY, limited
from tests.http.queued import Served, audited, entries, serving
from tests.things_queues import interface_of, seated

MEMBERS = "/queues/400/members"
TRUNK = f"{MEMBERS}/PJSIP%2F210"


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as made:
        yield made


@pytest.fixture
def plain() -> Iterator[Served]:
    with serving(platform=False) as made:
        yield made


@pytest.mark.parametrize("name", ["200", "PJSIP%2F210", "PJSIP/210", "Local%2F200%40from-queue%2Fn"])
def test_a_member_is_found_by_extension_or_interface(served: Served, name: str) -> None:
    found = served.json("GET", f"{MEMBERS}/{name}")
    assert MemberSchema().validate(found) == {}
    assert set(found) == set(MemberSchema().fields)
    assert found["interface"] == ("PJSIP/210" if "210" in name else interface_of("200"))


def test_an_encoded_interface_comes_through_a_real_server(served: Served) -> None:
    """Which decodes the path before the application sees it."""
    server = make_server("127.0.0.1", 0, served.client.application, threaded=False)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        for interface in ("PJSIP/210", interface_of("200")):
            path = f"{MEMBERS}/{quote(interface, safe='')}"
            connection.request("GET", path, headers={"Authorization": f"Bearer {KEY}"})
            answer = connection.getresponse()
            assert (answer.status, interface in answer.read().decode()) == (200, True)
    finally:
        connection.close()
        server.shutdown()
        thread.join(10)
        server.server_close()


def test_members_are_listed_as_in_their_queue(served: Served) -> None:
    found = served.json("GET", "/queues/400/members")
    assert found == {"items": served.json("GET", "/queues/400")["members"], "next": None}
    assert len(found["items"]) == 2
    served.ask("GET", "/queues/999/members", 404)


def test_who_is_not_there_is_a_404(served: Served) -> None:
    for path in (f"{MEMBERS}/299", "/queues/401/members/200"):
        served.ask("GET", path, 404)
        served.ask("PATCH", path, 404, {"paused": True})
        served.ask("DELETE", path, 404)
    served.ask("POST", "/queues/401/members", 404, {"extension": "202"})


@pytest.mark.parametrize(
    ("body", "interface"),
    [({"extension": "202"}, interface_of("202")), ({"interface": "PJSIP/202"}, "PJSIP/202")],
)
def test_a_member_is_logged_in(served: Served, body: dict[str, str], interface: str) -> None:
    more = {**body, "name": "Bob", "penalty": 3, "paused": True, "reason": "not yet"}
    answer = served.ask("POST", MEMBERS, 201, more)
    found = answer.get_json()
    assert MemberSchema().validate(found) == {}
    assert (found["interface"], found["name"], found["penalty"]) == (interface, "Bob", 3)
    assert (found["paused"], found["paused_reason"], found["membership"]) == (True, "not yet", "dynamic")
    assert answer.headers["Location"] == f"{MEMBERS}/{quote(interface, safe='')}"
    assert served.json("GET", answer.headers["Location"]) == found
    served.ask("POST", MEMBERS, 409, body)
    assert served.setup.wrote == []


def test_a_penalty_that_is_not_sent_is_left_to_the_queue(served: Served) -> None:
    assert served.json("POST", MEMBERS, 201, {"extension": "202"})["penalty"] == 7
    assert served.json("POST", MEMBERS, 201, {"extension": "203", "penalty": 0})["penalty"] == 0


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "extension"),
        ({"extension": "202", "interface": "PJSIP/202"}, "extension"),
        ({"extension": "20a"}, "extension"),
        ({"extension": "202", "penalty": -1}, "penalty"),
        ({"extension": "202", "paused": True, "reason": "a|b"}, "reason"),
        ({"extension": "202", "paused": True, "reason": "a\nb"}, "reason"),
        ({"extension": "202", "paused": True, "reason": "x" * 81}, "reason"),
        ({"extension": "202", "persistent": True, "paused": True}, "paused"),
        ({"extension": "202", "persistent": True, "name": "Bob"}, "name"),
    ],
)
def test_what_cannot_be_used_is_named(served: Served, body: dict[str, object], field: str) -> None:
    assert list(served.json("POST", MEMBERS, 422, body)["errors"]) == [field]
    assert len(served.queues.get("400").members) == 2
    assert served.setup.wrote == []


def test_a_member_is_paused_and_goes_on(served: Served) -> None:
    found = served.json("PATCH", f"{MEMBERS}/200", body={"paused": True, "reason": "lunch", "penalty": 5})
    assert (found["paused"], found["paused_reason"], found["penalty"], found["free"]) == (True, "lunch", 5, False)
    assert served.json("PATCH", f"{MEMBERS}/200", body={"paused": False})["free"] is True
    assert served.json("PATCH", f"{MEMBERS}/200", body={"paused": True})["paused"] is True
    assert served.setup.wrote == []


def test_null_takes_a_reason_away(served: Served) -> None:
    assert served.json("GET", TRUNK)["paused_reason"] == "lunch"
    assert served.json("PATCH", TRUNK, body={"reason": None, "paused": True})["paused_reason"] is None


@pytest.mark.parametrize(
    ("body", "field"),
    [({}, "body"), ({"persistent": True}, "penalty"), ({"persistent": True, "paused": True}, "penalty")],
)
def test_a_change_of_nothing_or_one_that_cannot_stay_is_refused(
    served: Served, body: dict[str, object], field: str
) -> None:
    assert list(served.json("PATCH", TRUNK, 422, body)["errors"]) == [field]


def test_a_member_is_logged_out(served: Served) -> None:
    assert served.ask("DELETE", TRUNK, 204).data == b""
    served.ask("DELETE", TRUNK, 404)
    assert "static" in served.json("DELETE", f"{MEMBERS}/200", 409)["detail"]


def test_if_match_is_honoured(served: Served) -> None:
    tag = served.ask("GET", TRUNK).headers["ETag"]
    served.ask("PATCH", TRUNK, 412, {"paused": False}, {"If-Match": '"x"'})
    served.ask("DELETE", TRUNK, 412, headers={"If-Match": '"x"'})
    served.ask("PATCH", TRUNK, 200, {"paused": False}, {"If-Match": tag})
    served.ask("DELETE", TRUNK, 412, headers={"If-Match": tag})


# -- static members --------------------------------------------------------------------------------------------------


def test_a_static_member_is_written_and_not_logged_in(served: Served) -> None:
    answer = served.ask("POST", MEMBERS, 201, {"extension": "201", "penalty": 4, "persistent": True})
    assert StoredMemberSchema().validate(answer.get_json()) == {}
    assert answer.get_json() == {
        "interface": interface_of("201"), "penalty": 4, "extension": "201", "applied": True, "apply_reason": None,
        "warnings": [],
    }  # fmt: skip
    assert answer.headers["Location"] == f"{MEMBERS}/Local%2F201%40from-queue%2Fn"
    assert [each.extension for each in served.setup.stored["400"].static_members] == ["200", "201"]
    assert len(served.queues.running["400"].members) == 2
    assert len(served.json("GET", "/queues/400")["static_members"]) == 2
    served.ask("POST", MEMBERS, 409, {"extension": "201", "persistent": True})


def test_a_penalty_is_kept(served: Served) -> None:
    found = served.json("PATCH", f"{MEMBERS}/200?apply=false", body={"penalty": 9, "persistent": True, "paused": True})
    assert (found["penalty"], found["applied"]) == (9, False)
    assert served.setup.stored["400"].static_members[0].penalty == 9
    assert served.queues.member("400", "200").paused is True
    assert served.queues.member("400", "200").penalty == 0


def test_whose_penalty_cannot_be_kept_is_not_paused_either(served: Served) -> None:
    served.ask("PATCH", f"{MEMBERS}/PJSIP%2F210", 404, {"penalty": 9, "persistent": True, "paused": False})
    assert served.queues.member("400", "PJSIP/210").paused is True


def test_a_static_member_is_taken_out(served: Served) -> None:
    assert served.json("DELETE", f"{MEMBERS}/Local%2F200%40from-queue%2Fn?persistent=true") == {
        "queue": "400", "member": interface_of("200"), "applied": True, "apply_reason": None, "warnings": [],
    }  # fmt: skip
    assert served.setup.stored["400"].static_members == ()
    served.ask("DELETE", f"{MEMBERS}/200?persistent=true", 404)


def test_a_dry_run_does_nothing(served: Served) -> None:
    before = served.setup.stored["400"], served.queues.running["400"]
    for method, path, body in (
        ("POST", MEMBERS, {"extension": "201", "persistent": True}),
        ("PATCH", f"{MEMBERS}/200", {"penalty": 9, "paused": True, "persistent": True}),
        ("DELETE", f"{MEMBERS}/200?persistent=true", None),
    ):
        answer = served.json(method, f"{path}{'&' if '?' in path else '?'}dry_run=true", 200, body)
        assert PlannedMemberSchema().validate(answer) == {}
    assert (served.setup.stored["400"], served.queues.running["400"]) == before


def test_what_is_done_at_once_has_no_dry_run(served: Served) -> None:
    before = served.queues.running["400"]
    for method, path, body in (
        ("POST", MEMBERS, {"extension": "201"}), ("PATCH", TRUNK, {"paused": False}), ("DELETE", TRUNK, None),
    ):  # fmt: skip
        assert list(served.json(method, f"{path}?dry_run=true", 422, body)["errors"]) == ["dry_run"]
    assert served.queues.running["400"] == before


def test_a_plain_asterisk_has_dynamic_members_only(plain: Served) -> None:
    plain.ask("POST", MEMBERS, 201, {"interface": "PJSIP/202"})
    for method, path, body in (
        ("POST", MEMBERS, {"interface": "PJSIP/203", "persistent": True}),
        ("PATCH", TRUNK, {"penalty": 1, "paused": False, "persistent": True}),
        ("DELETE", f"{TRUNK}?persistent=true", None),
    ):
        assert "queues.conf" in plain.json(method, path, 501, body)["detail"]
    assert plain.queues.member("400", "PJSIP/210").paused is True


# -- who may, and who did --------------------------------------------------------------------------------------------


def test_a_change_needs_the_scope(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, "read", "calls")
    served.ask("GET", TRUNK)
    served.ask("POST", MEMBERS, 403, {"extension": "202"})
    served.ask("PATCH", TRUNK, 403, {"paused": True})
    served.ask("DELETE", TRUNK, 403)


def test_the_scope_of_agents_is_enough_for_what_is_done_at_once_and_not_for_what_is_kept(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(monkeypatch, "agents")
    lacking = served.json("POST", MEMBERS, 403, {"extension": "201", "persistent": True})
    assert lacking["detail"].endswith("lacks the scope provision.")
    served.ask("PATCH", TRUNK, 403, {"penalty": 2, "persistent": True})
    served.ask("DELETE", f"{TRUNK}?persistent=true", 403)
    served.ask("PATCH", TRUNK, 200, {"paused": False})
    served.ask("POST", MEMBERS, 201, {"extension": "202"})
    served.ask("DELETE", TRUNK, 204)
    served.ask("POST", "/queues", 403, {"queue": "401"})


def test_each_change_is_audited(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    served.queues.replace("overflow", seated("PJSIP/5"))
    served.json("POST", MEMBERS, 201, {"interface": "PJSIP/202"})
    served.json("POST", MEMBERS, 201, {"extension": "201", "persistent": True})
    served.json("PATCH", "/queues/overflow/members/PJSIP%2F5", body={"paused": True, "reason": "lunch"})
    served.ask("DELETE", TRUNK, 204)
    served.ask("DELETE", f"{MEMBERS}/201?persistent=true")
    served.ask("DELETE", f"{MEMBERS}/200", 409)
    assert audited(caplog) == [
        "member.add member PJSIP/202 of queue 400",
        "member.add member Local/201@from-queue/n of queue 400: applied",
        "member.update member PJSIP/5 of queue overflow",
        "member.remove member PJSIP/210 of queue 400",
        "member.remove member 201 of queue 400: applied",
    ]
    assert entries(caplog)[2].after == {"paused": True, "reason": "lunch"}
