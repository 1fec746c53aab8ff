"""Queues, their members and agents: the same on every exchange."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pbxapi.http.queue_schemas import QueueSchema
from tests.real.api import Api
from tests.real.exchange import Exchange
from tests.real.queue_state import restored


@pytest.fixture(autouse=True)
def _restored(exchange: Exchange) -> Iterator[None]:
    with restored(exchange):
        yield


def test_queues_are_listed_with_who_serves_them(api: Api, exchange: Exchange) -> None:
    queues = {queue["queue"]: queue for queue in api.items("/queues?fresh=true")}
    assert {exchange.queue, exchange.other_queue} <= set(queues)
    found = queues[exchange.queue]
    assert found.keys() == QueueSchema().fields.keys()
    assert (found["running"], found["configured"], found["strategy"]) == (True, None, "ringall")
    assert (found["completed"], found["abandoned"], found["holdtime"]) == (0, 0, 0)
    static = {each["extension"]: each for each in found["members"] if each["membership"] == "static"}
    assert static.keys() == {"100", "101"}
    assert (static["100"]["interface"], static["100"]["configured"], static["100"]["calls_taken"]) == (
        "PJSIP/100", None, 0,
    )  # fmt: skip
    assert static["100"]["name"] == {agent["agent"]: agent["name"] for agent in api.items("/agents")}["100"]
    assert api.get(f"/queues/{exchange.queue}?fresh=true").keys() == found.keys()


def test_a_member_comes_is_paused_and_goes(api: Api, exchange: Exchange) -> None:
    members = f"/queues/{exchange.other_queue}/members"
    added = api.send("POST", members, status=201, json={"extension": "105", "penalty": 2})
    member = added.get_json()
    where = f"{members}/PJSIP%2F105"
    assert added.headers["Location"] == where
    assert api.get(where) == api.get(f"{members}/105") == member
    assert (member["interface"], member["membership"], member["penalty"]) == ("PJSIP/105", "dynamic", 2)
    assert (member["extension"], member["state"], member["paused"]) == ("105", "not_inuse", False)
    api.post(members, {"extension": "105"}, status=409)
    api.post(members, {"interface": "PJSIP/105"}, status=409)

    def change(**values: Any) -> Any:
        return api.send("PATCH", where, json=values).get_json()

    paused = change(paused=True, reason="lunch")
    assert (paused["paused"], paused["paused_reason"], paused["penalty"]) == (True, "lunch", 2)
    assert paused["paused_since"]
    assert (change(penalty=0)["penalty"], change(paused=False)["paused_since"]) == (0, None)
    api.delete(where)
    assert api.get(where, status=404)["status"] == 404
    api.delete(where, status=404)
    api.send("PATCH", where, status=404, json={"paused": True})


def test_a_static_member_stays_and_says_why(api: Api, exchange: Exchange) -> None:
    where = f"/queues/{exchange.queue}/members/100"
    answer = api.send("DELETE", where, status=409).get_json()
    assert "static" in answer["detail"]
    assert api.get(where)["membership"] == "static"
    assert "static" in api.post("/agents/100/logout", {"queues": [exchange.queue]}, status=409)["detail"]


def test_a_queue_that_nobody_has_is_not_found_though_asterisk_says_success(api: Api, exchange: Exchange) -> None:
    with exchange.manager() as manager:
        assert manager.ask("QueueStatus", Queue="nowhere")[0]["Response"] == "Success"
    assert api.get("/queues/nowhere", status=404)["status"] == 404
    api.get("/queues/nowhere/members/100", status=404)
    api.post("/queues/nowhere/members", {"extension": "105"}, status=404)
    api.delete("/queues/nowhere/members/100", status=404)
    api.post("/agents/105/login", {"queues": [exchange.other_queue, "nowhere"]}, status=404)
    assert api.get("/agents/105", status=404)["status"] == 404


def test_who_does_not_exist_cannot_serve(api: Api, exchange: Exchange) -> None:
    members = f"/queues/{exchange.other_queue}/members"
    assert "extension" in api.post(members, {"extension": "999"}, status=422)["errors"]
    assert "interface" in api.post(members, {"interface": "PJSIP/105\r\nPenalty: 1"}, status=422)["errors"]
    api.post("/agents/999/login", {"queues": [exchange.other_queue]}, status=404)


def test_an_agent_logs_in_pauses_everywhere_and_logs_out(api: Api, exchange: Exchange) -> None:
    both = [exchange.queue, exchange.other_queue]
    agent = api.post("/agents/105/login", {"queues": both, "penalty": 1}, status=200)
    assert (agent["agent"], agent["extension"], agent["state"]) == ("105", "105", "not_inuse")
    assert {(each["queue"], each["membership"], each["penalty"]) for each in agent["queues"]} == {
        (queue, "dynamic", 1) for queue in both
    }
    assert api.get("/agents/105") == agent
    again = api.post("/agents/105/login", {"queues": both, "penalty": 9}, status=200)
    assert {each["penalty"] for each in again["queues"]} == {1}

    paused = api.post("/agents/105/pause", {"reason": "lunch"}, status=200)
    assert (paused["paused"], {each["paused_reason"] for each in paused["queues"]}) == (True, {"lunch"})
    one = api.post("/agents/105/unpause", {"queues": [exchange.other_queue]}, status=200)
    assert (one["paused"], {each["queue"]: each["paused"] for each in one["queues"]}) == (
        False, {exchange.queue: True, exchange.other_queue: False},
    )  # fmt: skip
    assert "105" in [each["agent"] for each in api.items(f"/agents?queue={exchange.queue}&fresh=true")]
    left = api.post("/agents/105/logout", {"queues": [exchange.queue]}, status=200)
    assert [each["queue"] for each in left["queues"]] == [exchange.other_queue]
    assert api.post("/agents/105/logout", {}, status=200)["queues"] == []
    api.post("/agents/105/logout", {}, status=404)
    assert "dynamic_agents" in str(api.post("/agents/105/login", {}, status=422)["errors"])


def test_a_wallboard_that_asks_again_is_told_when_nothing_has_happened(api: Api, exchange: Exchange) -> None:
    for path in ("/queues", f"/queues/{exchange.other_queue}", "/agents"):
        asked = api.send("GET", path)
        api.send("GET", path, status=304, headers={"If-None-Match": asked.headers["ETag"]})
    api.post(f"/queues/{exchange.other_queue}/members", {"extension": "105"}, status=201)
    changed = api.send("GET", f"/queues/{exchange.other_queue}")
    assert "PJSIP/105" in changed.text
