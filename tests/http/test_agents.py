from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from pbxapi.http.agents import AgentSchema
from tests.http.provisioned import limited
from tests.http.queued import Served, audited, entries, serving
from tests.things_queues import seated


@pytest.fixture
def served() -> Iterator[Served]:
    """200 serves 400, 201 both, PJSIP/210 is paused in 400."""
    with serving() as made:
        bob = seated("Local/201@from-queue/n", extension="201", name="Bob", calls_taken=2, state="inuse")
        made.queues.replace("400", *made.queues.running["400"].members, bob)
        made.queues.replace("overflow", bob)
        yield made


def names(served: Served, query: str = "") -> list[str]:
    return [each["agent"] for each in served.json("GET", f"/agents{query}")["items"]]


def test_an_agent_is_told_over_all_queues(served: Served) -> None:
    found = served.json("GET", "/agents/201")
    assert AgentSchema().validate(found) == {}
    assert set(found) == set(AgentSchema().fields)
    assert (found["name"], found["paused"], found["calls_taken"]) == ("Bob", False, 4)
    assert [each["queue"] for each in found["queues"]] == ["400", "overflow"]
    assert served.json("GET", "/agents")["items"][1] == found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["200", "201", "PJSIP/210"]),
        ("?queue=overflow", ["201"]),
        ("?queue=nowhere", []),
        ("?paused=true", ["PJSIP/210"]),
        ("?paused=false&state=inuse", ["201"]),
        ("?state=not_inuse", ["200", "PJSIP/210"]),
        ("?q=ALI", ["200"]),
        ("?q=pjsip", ["PJSIP/210"]),
    ],
)
def test_agents_are_filtered(served: Served, query: str, expected: list[str]) -> None:
    assert names(served, query) == expected


def test_agents_are_paged_and_shared(served: Served) -> None:
    first = served.json("GET", "/agents?limit=2")
    assert [each["agent"] for each in first["items"]] == ["200", "201"]
    assert names(served, f"?limit=2&cursor={first['next']}") == ["PJSIP/210"]
    answer = served.ask("GET", "/agents")
    served.ask("GET", "/agents", 304, headers={"If-None-Match": answer.headers["ETag"]})
    assert (answer.headers["Age"], served.queues.asked) == ("0", 1)
    served.ask("GET", "/agents?fresh=true")
    assert served.queues.asked == 2


@pytest.mark.parametrize("agent", ["299", "200/login", "PJSIP%2F9"])
def test_who_serves_no_queue_is_a_404(served: Served, agent: str) -> None:
    served.ask("GET", f"/agents/{agent}", 404)


def test_an_agent_is_paused_everywhere_and_goes_on(served: Served) -> None:
    found = served.json("POST", "/agents/201/pause", body={"reason": "lunch"})
    assert found["paused"] is True
    assert [(each["paused"], each["paused_reason"]) for each in found["queues"]] == [(True, "lunch")] * 2
    assert served.json("POST", "/agents/201/unpause")["paused"] is False


def test_an_agent_is_paused_in_some_queues_without_a_reason(served: Served) -> None:
    found = served.json("POST", "/agents/201/pause", body={"queues": ["400"]})
    assert (found["paused"], [each["paused"] for each in found["queues"]]) == (False, [True, False])
    assert served.json("POST", "/agents/201/pause")["paused"] is True


def test_an_agent_by_interface(served: Served) -> None:
    assert served.json("GET", "/agents/PJSIP%2F210")["agent"] == "PJSIP/210"
    assert served.json("POST", "/agents/PJSIP%2F210/unpause")["paused"] is False
    answer = served.json("POST", "/agents/Local%2F205%40from-queue%2Fn/login", body={"queues": ["400"]})
    assert [each["interface"] for each in answer["queues"]] == ["Local/205@from-queue/n"]


def test_an_agent_logs_in_where_it_is_listed_or_where_it_says(served: Served) -> None:
    found = served.json("POST", "/agents/202/login")
    assert [(each["queue"], each["membership"]) for each in found["queues"]] == [("400", "dynamic")]
    found = served.json("POST", "/agents/202/login", body={"queues": ["overflow"], "penalty": 3})
    assert [(each["queue"], each["penalty"]) for each in found["queues"]] == [("400", 7), ("overflow", 3)]
    assert list(served.json("POST", "/agents/205/login", 422)["errors"]) == ["queues"]
    served.ask("POST", "/agents/205/login", 404, {"queues": ["nowhere"]})


def test_an_agent_logs_out_and_static_places_stay(served: Served) -> None:
    assert [each["queue"] for each in served.json("POST", "/agents/200/logout")["queues"]] == ["400"]
    assert served.json("POST", "/agents/201/logout", body={"queues": None})["queues"] == []
    served.ask("GET", "/agents/201?fresh=true", 404)


@pytest.mark.parametrize(
    ("verb", "body", "field"),
    [
        ("pause", {"reason": "a|b"}, "reason"),
        ("pause", {"reason": "x" * 81}, "reason"),
        ("pause", {"queues": []}, "queues"),
        ("login", {"penalty": "1"}, "penalty"),
        ("unpause", {"reason": "back"}, "reason"),
    ],
)
def test_what_cannot_be_used_is_named(served: Served, verb: str, body: dict[str, object], field: str) -> None:
    assert list(served.json("POST", f"/agents/201/{verb}", 422, body)["errors"]) == [field]


def test_a_change_needs_the_scope_and_is_audited(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    served.ask("POST", "/agents/202/login")
    served.ask("POST", "/agents/201/pause", body={"queues": ["400", "overflow"]})
    served.ask("POST", "/agents/201/unpause")
    served.ask("POST", "/agents/201/logout")
    assert audited(caplog) == [
        "agent.login agent 202",
        "agent.pause agent 201",
        "agent.unpause agent 201",
        "agent.logout agent 201",
    ]
    assert entries(caplog)[1].after == {"queues": ["400", "overflow"]}
    limited(monkeypatch, "read")
    for verb in ("login", "logout", "pause", "unpause"):
        served.ask("POST", f"/agents/201/{verb}", 403)


def test_the_scope_of_agents_is_enough(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    limited(monkeypatch, "agents")
    served.ask("POST", "/agents/202/login")
    for verb in ("pause", "unpause", "logout"):
        served.ask("POST", f"/agents/201/{verb}")
    served.ask("GET", "/agents", 403)
