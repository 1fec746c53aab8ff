"""Agents of a FreePBX or an Issabel: called by their extension, with a name, a hint and a lamp."""

from __future__ import annotations

from typing import Any

from tests.real.api import Api
from tests.real.deadline import eventually
from tests.real.platform_exchange import PlatformExchange
from tests.real.sip_phone import Phone

ALICE, BOB = (f"Local/{number}@from-queue/n" for number in ("200", "201"))


def prepared(platform: PlatformExchange, api: Api) -> dict[str, Phone]:
    """Two extensions with telephones, and queue 400, which Bob serves and Alice may log in to."""
    phones = {}
    for number, name in (("200", "Alice"), ("201", "Bob")):
        made = api.post("/extensions?apply=false", {"extension": number, "name": name}, status=201)
        phones[number] = platform.phone(number, made["secret"], chan_sip=made["technology"] == "sip")
    values = {
        "queue": "400", "description": "Support", "static_members": [{"extension": "201", "penalty": 1}],
        "dynamic_agents": {"200": 2}, "ring_in_use": False, "retry": 1,
    }  # fmt: skip
    assert api.post("/queues", values, status=201)["applied"]
    assert [phone.register() for phone in phones.values()] == [200, 200]
    return phones


def member(platform: PlatformExchange, interface: str, queue: str = "400") -> dict[str, str]:
    """As Asterisk has it; empty where it has not."""
    with platform.manager() as manager:
        rows = manager.ask("QueueStatus", Queue=queue)
    return next((row for row in rows if row.get("Location") == interface), {})


def lamp(platform: PlatformExchange, queue: str = "400") -> str:
    with platform.manager() as manager:
        [answer] = manager.ask("Getvar", Variable=f"DEVICE_STATE(Custom:QUEUE200*{queue})")
    return answer["Value"]


def shown(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/queues/400?fresh=true")
    return found


def test_an_agent_is_let_in_as_the_feature_code_does_it(platform: PlatformExchange, platform_api: Api) -> None:
    phones = prepared(platform, platform_api)
    added = platform_api.post("/queues/400/members", {"extension": "200"}, status=201)
    row = member(platform, ALICE)
    assert [row[name] for name in ("Name", "StateInterface", "Membership", "Penalty")] == [
        "Alice", "hint:200@ext-local", "dynamic", "2",
    ]  # fmt: skip
    assert lamp(platform) == "INUSE"
    assert platform.astdb()["/CustomDevstate/QUEUE200*400"] == "INUSE"
    assert (added["interface"], added["extension"], added["configured"]) == (ALICE, "200", False)

    found = shown(platform_api)
    assert (found["running"], found["configured"], found["description"]) == (True, True, "Support")
    assert [(each["extension"], each["membership"], each["configured"]) for each in found["members"]] == [
        ("200", "dynamic", False),
        ("201", "static", True),
    ]
    assert found["agents_free"] == 2
    platform_api.post("/queues/400/members", {"extension": "200"}, status=409)
    assert "persistent" in platform_api.send("DELETE", "/queues/400/members/201", status=409).get_json()["detail"]

    platform_api.post("/agents/201/pause", {"reason": "lunch"}, status=200)
    call = phones["201"].call("400").wait_answered()
    eventually(lambda: member(platform, ALICE)["InCall"] == "1", "Alice talks")
    eventually(lambda: shown(platform_api)["members"][0]["state"] == "inuse", "her hint tells it")
    assert [(each["agent"], each["in_call"]) for each in platform_api.items("/agents?fresh=true")] == [
        ("200", True),
        ("201", False),
    ]
    call.hang_up()
    eventually(lambda: shown(platform_api)["completed"] == 1, "the call is over")

    platform_api.delete("/queues/400/members/200")
    assert member(platform, ALICE) == {}
    assert lamp(platform) == "NOT_INUSE"

    platform_api.post("/agents/200/login", {"queues": ["400"]}, status=200)
    platform_api.send("DELETE", "/extensions/200?apply=false", status=200)
    assert member(platform, ALICE) == {}, "who gets the number next would be called"
    assert not platform.astdb("QUEUE200*400")


def test_an_agent_logs_in_where_it_is_listed(platform: PlatformExchange, platform_api: Api) -> None:
    prepared(platform, platform_api)
    later = {
        "queue": "401", "description": "Sales", "dynamic_agents": {"200": 0},
        "static_members": [{"extension": "201", "penalty": 0}],
    }  # fmt: skip
    platform_api.post("/queues?apply=false", later, status=201)
    waiting = platform_api.get("/queues/401")
    assert (waiting["running"], waiting["configured"], waiting["completed"]) == (False, True, None)
    assert [(each["interface"], each["membership"], each["configured"]) for each in waiting["members"]] == [
        (BOB, None, True),
    ]
    detail = platform_api.post("/queues/401/members", {"extension": "200"}, status=409)["detail"]
    assert "apply" in detail

    agent = platform_api.post("/agents/200/login", {}, status=200)
    assert [(each["queue"], each["penalty"]) for each in agent["queues"]] == [("400", 2)]
    assert lamp(platform) == "INUSE"
    platform.reload()
    assert lamp(platform) == "INUSE"
    assert member(platform, ALICE)["Membership"] == "dynamic", "a reload has put the agent out"
    platform.put({("AMPUSER", "200/queues/qnostate"): "ignorestate"})
    agent = platform_api.post("/agents/200/login", {}, status=200)
    assert [(each["queue"], each["penalty"]) for each in agent["queues"]] == [("400", 2), ("401", 0)]
    # Without a state of its own it is that of the interface.
    assert member(platform, ALICE, "401")["StateInterface"] == ALICE
    assert platform_api.post("/agents/200/logout", {}, status=200)["queues"] == []
    assert (lamp(platform), lamp(platform, "401")) == ("NOT_INUSE", "NOT_INUSE")

    body = {"only_listed_agents": True}
    platform_api.send("PATCH", "/queues/400?apply=false", json=body | {"dynamic_agents": {"201": 0}})
    assert "dynamic_agents" in platform_api.post("/queues/400/members", {"extension": "200"}, status=409)["detail"]
