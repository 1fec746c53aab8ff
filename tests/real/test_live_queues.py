"""Real callers and agents in real queues: every number that is told, beside what happened."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.real.api import KEY, Api
from tests.real.deadline import eventually
from tests.real.exchange import REAL, Exchange
from tests.real.queue_state import restored
from tests.real.sip_call import Call

pytestmark = pytest.mark.parametrize("_exchange", REAL, indirect=True, scope="session")


@pytest.fixture
def desk(exchange: Exchange, tmp_path: Path, apps: Callable[..., Api]) -> Iterator[Api]:
    """The application over a server whose queues have counted nothing and whose `sales` nobody serves."""
    assert exchange.asterisk
    log = exchange.asterisk.folder / "log/queue_log"
    with restored(exchange):
        yield apps(exchange, tmp_path / "store.db", QUEUE_LOG_PATH=str(log))


def sales(desk: Api) -> dict[str, Any]:
    found: dict[str, Any] = desk.get("/queues/sales?fresh=true")
    return found


def agent(desk: Api, number: str) -> dict[str, Any]:
    [found] = [each for each in sales(desk)["members"] if each["extension"] == number]
    return dict(found)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def queue_up(desk: Api, exchange: Exchange, number: str, position: int) -> tuple[Call, float]:
    """A caller in `sales`, and since when (monotonic seconds)."""
    call = exchange.phones[number].call("801").wait_answered()
    since = time.monotonic()
    eventually(lambda: sales(desk)["waiting"] == position, f"{number} waits")
    return call, since


def wait_until(since: float, seconds: float) -> float:
    """Let that much time have passed, since Asterisk counts whole seconds; how much it was."""
    eventually(lambda: time.monotonic() - since > seconds, "time has passed")
    return time.monotonic() - since


def test_two_wait_an_agent_comes_one_is_served_and_one_gives_up(desk: Api, exchange: Exchange) -> None:
    start = datetime.now(UTC).replace(microsecond=0)
    (first, came_first), (second, came_second) = (
        queue_up(desk, exchange, number, place) for place, number in ((1, "103"), (2, "105"))
    )
    wait_until(came_second, 1.1)
    found = sales(desk)
    assert (found["running"], found["configured"], found["strategy"]) == (True, None, "rrmemory")
    assert (found["service_level"], found["completed"], found["abandoned"]) == (60, 0, 0)
    assert [(each["position"], each["caller"]["number"]) for each in found["callers"]] == [(1, "103"), (2, "105")]
    assert [each["channel"].partition("-")[0] for each in found["callers"]] == ["PJSIP/103", "PJSIP/105"]
    assert [each["wait"] for each in found["callers"]] == [
        pytest.approx(time.monotonic() - since, abs=1.5) for since in (came_first, came_second)
    ]
    assert found["longest_wait"] == found["callers"][0]["wait"] >= 1
    for each in found["callers"]:
        assert abs(moment(each["joined_at"]) + timedelta(seconds=each["wait"]) - datetime.now(UTC)).total_seconds() < 2
    with exchange.manager() as manager:
        uniqueids = [r["Uniqueid"] for r in manager.ask("QueueStatus", Queue="sales") if r.get("Event") == "QueueEntry"]
    assert [each["channel_id"] for each in found["callers"]] == uniqueids

    lunch = {"extension": "101", "paused": True, "reason": "lunch: at noon"}
    paused, paused_at = desk.post("/queues/sales/members", lunch, status=201), time.monotonic()
    assert (paused["paused"], paused["paused_reason"], paused["free"]) == (True, "lunch: at noon", False)
    assert abs(moment(paused["paused_since"]) - datetime.now(UTC)).total_seconds() < 3
    waited = time.monotonic() - came_first
    added = desk.send("POST", "/queues/sales/members", status=201, json={"extension": "100"})
    ana = added.get_json()
    assert added.headers["Location"] == "/queues/sales/members/PJSIP%2F100"
    assert (ana["interface"], ana["name"], ana["state_interface"]) == ("PJSIP/100", "Ana", "PJSIP/100")
    assert (ana["membership"], ana["penalty"], ana["calls_taken"], ana["last_call"]) == ("dynamic", 0, 0, None)
    assert abs(moment(ana["logged_in_at"]) - datetime.now(UTC)).total_seconds() < 3

    eventually(lambda: agent(desk, "100")["in_call"], "Ana talks")
    talks = time.monotonic()
    found = sales(desk)
    assert agent(desk, "100")["state"] == "inuse"
    assert [(each["position"], each["caller"]["number"]) for each in found["callers"]] == [(1, "105")]
    assert (found["agents_busy"], found["agents_paused"], found["agents_free"], found["agents_unavailable"]) == (
        1, 1, 0, 0,
    )  # fmt: skip
    assert found["holdtime"] == pytest.approx(waited, abs=2.5)  # it rang for a while too
    assert first.sound.hears()

    gave_up = time.monotonic() - came_second
    second.hang_up()
    eventually(lambda: sales(desk)["abandoned"] == 1, "105 has given up")
    assert sales(desk)["callers"] == []
    talked = wait_until(talks, 1.1)
    first.hang_up()
    eventually(lambda: sales(desk)["completed"] == 1, "the call is over")
    ana = eventually(lambda: (one := agent(desk, "100"))["state"] == "not_inuse" and one, "Ana's phone is free")
    assert (ana["in_call"], ana["calls_taken"], ana["free"]) == (False, 1, True)
    assert abs(moment(ana["last_call"]) - datetime.now(UTC)).total_seconds() < 3
    found = sales(desk)
    assert (found["completed"], found["abandoned"], found["waiting"], found["longest_wait"]) == (1, 1, 0, 0)
    assert found["talktime"] == pytest.approx(talked, abs=1.5)
    assert (found["service_level_percent"], found["service_level_percent_2"]) == (100.0, 100.0)
    assert (found["agents_busy"], found["agents_free"]) == (0, 1)
    assert exchange.phones["101"].incoming == [], "a paused agent was called"
    assert len(exchange.phones["100"].incoming) == 1

    stats = desk.get(f"/queues/sales/stats?start={start:%Y-%m-%dT%H:%M:%SZ}&service_level=20")
    assert (stats["source"], stats["offered"], stats["answered"], stats["abandoned"]) == ("queue_log", 2, 1, 1)
    assert (stats["timed_out"], stats["left"], stats["waiting"], stats["service_level"]) == (0, 0, 0, 100.0)
    # Each is its own look at the clock.
    assert stats["wait"]["longest"] == pytest.approx(found["holdtime"], abs=1)
    assert stats["talk"]["longest"] == pytest.approx(found["talktime"], abs=1)
    assert stats["wait_abandoned"]["longest"] == pytest.approx(gave_up, abs=1.5)
    agents = {each["agent"]: (each["name"], each["answered"], each["missed"]) for each in stats["agents"]}
    assert agents == {"100": ("Ana", 1, 0), "101": ("Bruno", 0, 0)}
    talk_times = {each["agent"]: each["talk_time"] for each in stats["agents"]}
    assert talk_times == {"100": stats["talk"]["longest"], "101": 0}
    [bruno] = [each for each in stats["agents"] if each["agent"] == "101"]
    assert bruno["paused_time"] == pytest.approx(time.monotonic() - paused_at, abs=2)


def test_who_is_paused_does_not_ring_until_the_pause_is_over(desk: Api, exchange: Exchange) -> None:
    for number in ("100", "101"):
        exchange.phones[number].answer_after = None
        desk.post("/queues/sales/members", {"extension": number, "penalty": 1}, status=201)
    paused = desk.post("/agents/100/pause", {"reason": "lunch"}, status=200)
    assert paused["paused"]
    assert {each["queue"]: (each["paused"], each["paused_reason"]) for each in paused["queues"]} == {
        "sales": (True, "lunch"),
        "support": (True, "lunch"),
    }
    call, _ = queue_up(desk, exchange, "103", 1)
    exchange.phones["101"].wait_incoming()
    eventually(lambda: agent(desk, "101")["state"] == "ringing", "its ringing is told")
    assert exchange.phones["100"].incoming == []
    assert not desk.post("/agents/100/unpause", {}, status=200)["paused"]
    desk.send("POST", "/agents/101/pause", status=200, json={})  # it rings on, as app_queue has it
    exchange.phones["101"].incoming[0].reject(486)
    exchange.phones["100"].wait_incoming()
    assert len(exchange.phones["101"].incoming) == 1
    call.hang_up()


def test_the_one_with_the_lower_penalty_rings(desk: Api, exchange: Exchange) -> None:
    for number in ("100", "101"):
        exchange.phones[number].answer_after = None
        desk.post("/queues/sales/members", {"extension": number, "penalty": 1}, status=201)
    change = {"penalty": 5, "ring_in_use": True}
    changed = desk.send("PATCH", "/queues/sales/members/100", json=change).get_json()
    assert changed["penalty"] == 5
    queue_up(desk, exchange, "103", 1)
    exchange.phones["101"].wait_incoming()
    assert exchange.phones["100"].incoming == []


def test_whose_state_nobody_knows_is_called_and_counts_as_free(desk: Api, exchange: Exchange) -> None:
    exchange.phones["100"].answer_after = None
    with exchange.manager() as manager:
        manager.ask("QueueAdd", Queue="sales", Interface="PJSIP/100", StateInterface="Custom:nobody-has-set-this")
    member = desk.get("/queues/sales/members/100?fresh=true")
    assert (member["state"], member["free"]) == ("unknown", True)
    queue_up(desk, exchange, "103", 1)
    exchange.phones["100"].wait_incoming()


def test_the_least_rights_are_enough(desk: Api, exchange: Exchange, tmp_path: Path, apps: Callable[..., Api]) -> None:
    rights = {"AMI_USERNAME": "least", "AMI_SECRET": "least-secret"}
    least = apps(exchange, tmp_path / "least.db", **rights)
    least.post("/agents/105/login", {"queues": ["sales"]}, status=200)
    assert least.post("/agents/105/pause", {"reason": "lunch"}, status=200)["paused"]
    least.post("/agents/105/logout", {}, status=200)
    fewer = apps(exchange, tmp_path / "few.db", AMI_USERNAME="readonly", AMI_SECRET="readonly-secret")
    assert fewer.get("/queues/sales")["running"]
    assert "agent" in fewer.post("/agents/105/login", {"queues": ["sales"]}, status=501)["detail"]


def old(desk: Api, command: str, **form: str) -> TestResponse:
    client = desk.app.test_client()
    return client.post(f"/api/api.php?cmd={command}", data=form, headers={"Authorization": KEY})


def test_the_old_interface_lets_in_and_out(desk: Api) -> None:
    rows = old(desk, "getqueues").get_json()
    assert {row["extension"] for row in rows} == {"sales", "support"}
    added = old(desk, "queueaddmember", queue="sales", device="PJSIP/105", penalty="3")
    assert (added.status_code, added.get_json()) == (200, {"status": "MEMBER ADDED", "code": 200})
    found = agent(desk, "105")
    assert (found["interface"], found["penalty"], found["membership"]) == ("PJSIP/105", 3, "dynamic")
    failed = {"status": "FAILED", "code": 200}
    for command, queue, device in (
        ("queueaddmember", "sales", "PJSIP/105"),
        ("queueaddmember", "nowhere", "PJSIP/105"),
        ("queueremovemember", "sales", "PJSIP/100"),
        ("queueremovemember", "support", "PJSIP/100"),
    ):
        assert old(desk, command, queue=queue, device=device).get_json() == failed, (command, queue, device)
    removed = old(desk, "queueremovemember", queue="sales", device="PJSIP/105")
    assert removed.get_json() == {"status": "MEMBER REMOVED", "code": 200}
    assert sales(desk)["members"] == []
