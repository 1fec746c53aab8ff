from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from marshmallow import Schema

from pbxapi.http.queue_bodies import NewQueueSchema
from pbxapi.http.queue_member_bodies import NewMemberSchema
from pbxapi.http.queue_schemas import ChangedQueueSchema, PlannedQueueSchema, QueueSchema
from pbxapi.pbx.queueing import QueueSettings, StaticMember
from tests.http.provisioned import limited
from tests.http.queued import Served, audited, entries, serving
from tests.things_queues import PASSWORD, interface_of, seated, waiting

PATH = "/queues/400"
SETTINGS = {field.name for field in dataclasses.fields(QueueSettings)}


@pytest.fixture
def served() -> Iterator[Served]:
    with serving() as made:
        yield made


@pytest.fixture
def plain() -> Iterator[Served]:
    with serving(platform=False) as made:
        yield made


# -- reading ---------------------------------------------------------------------------------------------------------


def test_a_queue_is_told_as_it_is_configured_and_as_it_is_now(served: Served) -> None:
    found = served.json("GET", PATH)
    assert QueueSchema().validate(found) == {}
    assert set(found) == set(QueueSchema().fields) >= SETTINGS
    assert (found["description"], found["strategy"], found["ring_time"]) == ("Support", "rrmemory", 15)
    assert list(found["dynamic_agents"]) == ["202", "203"]
    assert found["static_members"] == [{"interface": interface_of("200"), "penalty": 0, "extension": "200"}]
    assert (found["configured"], found["running"], found["waiting"], found["longest_wait"]) == (True, True, 2, 42)
    assert found["callers"][1]["caller"] == {"number": "5551234", "name": None}
    assert (found["completed"], found["abandoned"], found["holdtime"], found["talktime"]) == (12, 1, 4, 80)
    assert (found["service_level_percent"], found["service_level_percent_2"]) == (100.0, 97.5)
    assert [(each["name"], each["membership"], each["free"]) for each in found["members"]] == [
        ("Alice", "static", True),
        (None, "dynamic", False),
    ]
    assert found["members"][1]["paused_since"] == "2026-01-05T12:00:00+00:00"


def test_what_only_asterisk_has_says_so_and_so_does_what_only_the_tables_have(served: Served) -> None:
    served.json("POST", "/queues", 201, {"queue": "500", "description": "New"})
    alone, new = served.json("GET", "/queues/overflow"), served.json("GET", "/queues/500")
    assert QueueSchema().validate(alone) == QueueSchema().validate(new) == {}
    assert (alone["configured"], alone["running"], alone["strategy"]) == (False, True, "leastrecent")
    assert (alone["description"], alone["static_members"], alone["options"], alone["ring_time"]) == (None,) * 4
    assert (new["configured"], new["running"], new["completed"], new["members"]) == (True, False, None, [])


def test_a_plain_asterisk_tells_what_it_knows(plain: Served) -> None:
    found = plain.json("GET", PATH)
    assert (found["configured"], found["strategy"], found["service_level"]) == (None, "ringall", 60)
    assert found["dynamic_agents"] is None


def test_each_member_counts_as_one_kind_of_agent(served: Served) -> None:
    served.queues.replace(
        "400",
        seated("PJSIP/1"),
        seated("PJSIP/2", state="ringing"),
        seated("PJSIP/3", in_call=True, paused=True, state="inuse"),
        seated("PJSIP/4", paused=True),
        seated("PJSIP/5", paused=True, state="unavailable"),
        seated("PJSIP/6", state="unavailable"),
        seated("PJSIP/7", membership=None, state="unknown"),
    )
    found = served.json("GET", PATH)
    kinds = ("free", "busy", "paused", "unavailable")
    assert [found[f"agents_{kind}"] for kind in kinds] == [1, 2, 2, 2]


def test_the_list_has_the_same_documents_but_for_the_password(served: Served) -> None:
    items = served.json("GET", "/queues")["items"]
    assert [each["queue"] for each in items] == ["400", "overflow"]
    assert items[0] == {**served.json("GET", PATH), "password": None}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("running=true", ["400", "overflow"]),
        ("running=false", ["500"]),
        ("configured=false", ["overflow"]),
        ("configured=true&running=true", ["400"]),
        ("q=SUPP", ["400"]),
        ("q=flow", ["overflow"]),
        ("q=50", ["500"]),
    ],
)
def test_the_list_is_filtered(served: Served, query: str, expected: list[str]) -> None:
    served.json("POST", "/queues", 201, {"queue": "500", "description": "New"})
    assert [each["queue"] for each in served.json("GET", f"/queues?{query}")["items"]] == expected


def test_the_list_is_paged_by_number(served: Served) -> None:
    served.json("POST", "/queues", 201, {"queue": "1000", "description": "New"})
    first = served.json("GET", "/queues?limit=2")
    assert [each["queue"] for each in first["items"]] == ["400", "1000"]
    rest = served.json("GET", f"/queues?limit=2&cursor={first['next']}")
    assert [each["queue"] for each in rest["items"]] == ["overflow"]


def test_pollers_share_one_question_and_one_encoding(served: Served) -> None:
    with ThreadPoolExecutor(10) as pollers:
        tags = list(pollers.map(lambda _: served.client.get("/queues").headers["ETag"], range(30)))
    assert (len(set(tags)), served.queues.asked) == (1, 1)
    [kept] = served.queues.all().memo.values()
    assert kept[0].etag == tags[0]
    answer = served.ask("GET", "/queues", 304, headers={"If-None-Match": tags[0]})
    assert answer.headers["Age"] == "0"
    served.ask("GET", "/queues?fresh=true")
    served.ask("GET", f"{PATH}?fresh=true")
    assert served.queues.asked == 3


def test_an_unknown_queue_is_a_404(served: Served) -> None:
    for method, body in (("GET", None), ("PUT", {}), ("PATCH", {}), ("DELETE", None)):
        served.ask(method, "/queues/401", 404, body)


# -- secrets ---------------------------------------------------------------------------------------------------------


def test_a_password_is_shown_to_those_who_may_see_it_and_that_is_audited(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    tag = served.ask("GET", PATH).headers["ETag"]
    assert served.json("GET", PATH)["password"] == PASSWORD
    assert audited(caplog) == ["secret.read queue 400"] * 2
    assert PASSWORD not in served.ask("GET", "/queues").text

    limited(monkeypatch, "read", "provision")
    hidden = served.ask("GET", PATH)
    assert hidden.get_json()["password"] is None
    assert hidden.headers["ETag"] != tag
    assert PASSWORD not in served.ask("PATCH", PATH, 200, {"weight": 1}).text
    assert len([said for said in audited(caplog) if said.startswith("secret.read")]) == 2


def test_who_may_not_see_the_password_does_not_take_it_away_by_sending_back_what_it_read(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(monkeypatch, "read", "provision")
    served.json("PUT", PATH, body=served.json("GET", PATH))
    assert served.setup.stored["400"].password == PASSWORD
    served.json("PATCH", PATH, body={"password": None})
    assert served.setup.stored["400"].password is None


# -- writing ---------------------------------------------------------------------------------------------------------


def test_a_queue_is_created(served: Served) -> None:
    body = {
        "queue": "500", "description": "New", "max_wait": 60, "static_members": [{"extension": "201", "penalty": 2}],
        "dynamic_agents": {"202": 1},
    }  # fmt: skip
    answer = served.ask("POST", "/queues", 201, body)
    made = answer.get_json()
    assert answer.headers["Location"] == "/queues/500"
    assert ChangedQueueSchema().validate(made) == {}
    assert (made["applied"], made["apply_reason"], made["warnings"]) == (True, None, [])
    assert made["static_members"] == [{"interface": interface_of("201"), "penalty": 2, "extension": "201"}]
    assert served.json("GET", "/queues/500")["max_wait"] == 60
    served.ask("POST", "/queues", 409, body)


def test_put_sets_defaults_and_patch_leaves_alone(served: Served) -> None:
    assert served.json("PATCH", PATH, body={"ring_time": 30})["strategy"] == "rrmemory"
    assert served.json("PATCH", PATH, body={"strategy": None})["ring_time"] == 30
    body = served.json("PUT", PATH, body={"description": "Help"})
    assert (body["ring_time"], body["strategy"], body["static_members"]) == (15, "ringall", [])


def test_what_get_gives_can_be_sent_back_and_changes_nothing(served: Served) -> None:
    before = served.setup.stored["400"]
    served.json("PUT", PATH, body=served.json("GET", PATH))
    assert served.setup.stored["400"] == before


def test_what_somebody_else_wrote_can_be_sent_back_though_it_could_not_be_written_here(served: Served) -> None:
    trunk = StaticMember("PJSIP/main-trunk", 1, "main-trunk")
    odd = dataclasses.replace(
        served.setup.stored["400"], strategy="roundrobin", music_class="old songs", password="1a",
        dynamic_agents={"S200": 0}, static_members=(trunk,),
    )  # fmt: skip
    served.setup.stored["400"] = odd
    served.json("PUT", PATH, body=served.json("GET", PATH))
    assert served.setup.stored["400"] == odd


def test_a_write_is_seen_by_the_next_read(served: Served) -> None:
    served.json("GET", "/queues")
    served.json("PATCH", PATH, body={"description": "Help"})
    assert served.json("GET", "/queues")["items"][0]["description"] == "Help"


def test_a_delete_asks_whether_others_mention_it(served: Served) -> None:
    served.setup.mentions["400"] = "the inbound route 5551234"
    assert "inbound route" in served.json("DELETE", PATH, 409)["detail"]
    assert served.json("DELETE", f"{PATH}?force=true&apply=false") == {
        "queue": "400",
        "applied": False,
        "apply_reason": "It was asked to wait",
        "warnings": [],
    }
    assert served.json("GET", PATH)["configured"] is False


def test_a_dry_run_writes_nothing_and_shows_no_password(served: Served) -> None:
    before = dict(served.setup.stored)
    changed = served.json("PATCH", f"{PATH}?dry_run=true", body={"password": "5544", "weight": 3})
    assert PlannedQueueSchema().validate(changed) == {}
    assert changed["plan"]["rows"][0]["after"] == {"descr": "Support", "password": "********"}
    assert (changed["result"]["weight"], changed["result"]["password"]) == (3, None)
    created = served.json("POST", "/queues?dry_run=true", 200, {"queue": "500", "description": "New"})
    assert created["result"]["queue"] == "500"
    assert served.json("DELETE", f"{PATH}?dry_run=true")["result"] is None
    assert served.setup.stored == before


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"queue": "401"}, "queue"),
        ({"ring_time": "15"}, "ring_time"),
        ({"ring_time": -1}, "ring_time"),
        ({"strategy": "roundrobin"}, "strategy"),
        ({"password": "12a"}, "password"),
        ({"dynamic_agents": {"20x": 1}}, "dynamic_agents"),
        ({"static_members": [{"penalty": 1}]}, "static_members.0.extension"),
        ({"unheard_of": 1}, "unheard_of"),
    ],
)
def test_what_cannot_be_used_is_named(served: Served, body: dict[str, object], field: str) -> None:
    assert list(served.json("PATCH", PATH, 422, body)["errors"]) == [field]
    assert served.setup.wrote == []


def test_a_plain_asterisk_says_where_its_queues_are_kept(plain: Served) -> None:
    for method, path, body in (
        ("POST", "/queues", {"queue": "500", "description": "New"}),
        ("PUT", PATH, {}),
        ("PATCH", PATH, {}),
        ("DELETE", PATH, None),
    ):
        assert "queues.conf" in plain.json(method, path, 501, body)["detail"]


def test_a_change_needs_the_scope(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, "read")
    served.ask("PATCH", PATH, 403, {})
    served.ask("DELETE", PATH, 403)


def test_each_change_is_audited_without_its_secret(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    served.json("POST", "/queues", 201, {"queue": "500", "description": "New", "password": "5544"})
    served.json("PATCH", f"{PATH}?apply=false", body={"weight": 1})
    served.json("PUT", f"{PATH}?dry_run=true", body={})
    served.json("DELETE", PATH)
    assert audited(caplog) == [
        "queue.create queue 500: applied",
        "queue.update queue 400: not applied: It was asked to wait",
        "queue.delete queue 400: applied",
    ]
    created, updated, deleted = entries(caplog)
    assert (created.before, created.after["password"]) == (None, "***")
    assert (updated.before, updated.after) == ({"weight": 0}, {"weight": 1})
    assert (deleted.before["password"], deleted.after) == ("***", None)
    assert "5544" not in caplog.text


# -- the tag in two halves -------------------------------------------------------------------------------------------


def test_a_tag_is_good_for_a_write_though_calls_came_in_meanwhile(served: Served) -> None:
    tag = served.ask("GET", PATH).headers["ETag"]
    served.queues.replace("400", callers=(waiting(1, 1),))
    assert served.ask("GET", PATH, headers={"If-None-Match": tag}).headers["ETag"] != tag
    answer = served.ask("PATCH", PATH, 200, {"weight": 1}, {"If-Match": tag})
    served.ask("PATCH", PATH, 200, {"weight": 2}, {"If-Match": answer.headers["ETag"]})


@pytest.mark.parametrize(("method", "body"), [("PATCH", {}), ("PUT", {}), ("DELETE", None)])
def test_a_tag_is_no_longer_good_once_the_configuration_changed(
    served: Served, method: str, body: dict[str, object] | None
) -> None:
    tag = served.ask("GET", PATH).headers["ETag"]
    served.json("PATCH", PATH, body={"password": "5544"})
    served.ask(method, PATH, 412, body, {"If-Match": tag})
    served.ask(method, PATH, 412, body, {"If-Match": f"W/{served.ask('GET', PATH).headers['ETag']}"})
    served.ask(method, PATH, 200, body, {"If-Match": served.ask("GET", PATH).headers["ETag"]})


def test_a_tag_saves_the_body_only_while_nothing_at_all_changed(served: Served) -> None:
    tag = served.ask("GET", PATH).headers["ETag"]
    served.ask("GET", PATH, 304, headers={"If-None-Match": tag})
    served.queues.replace("400", callers=())
    served.ask("GET", PATH, 200, headers={"If-None-Match": tag})


def test_any_state_is_named_by_a_star(served: Served) -> None:
    served.ask("PATCH", PATH, 200, {"weight": 1}, {"If-Match": "*"})


def test_an_empty_tag_is_none_that_fits(served: Served) -> None:
    served.ask("PATCH", PATH, 412, {"weight": 1}, {"If-Match": '""'})


@pytest.mark.parametrize(
    ("path", "schema"), [("/queues", NewQueueSchema()), ("/queues/{queue}/members", NewMemberSchema())]
)
def test_what_the_document_shows_as_an_example_can_be_sent(served: Served, path: str, schema: Schema) -> None:
    document = served.json("GET", "/openapi.json")
    [content] = document["paths"][path]["post"]["requestBody"]["content"].values()
    assert schema.validate(content["example"]) == {}
