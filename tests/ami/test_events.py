"""Subscriptions: filters, bounds, and sessions that end."""

from __future__ import annotations

import threading

import pytest

from pbxapi.ami import AmiUnavailable, Client, Subscription
from pbxapi.ami.events import Subscriptions
from tests.ami.scripted import ScriptedManager
from tests.real.deadline import eventually


def test_a_subscriber_gets_the_events_it_named(manager: ScriptedManager, client: Client) -> None:
    with client.subscribe("hangup", "Newchannel") as events:
        [session] = manager.sessions
        session.event("VarSet", "Uniqueid: 1")
        session.event("Newchannel", "Uniqueid: 2")
        session.event("HangupRequest", "Uniqueid: 3")
        session.event("Hangup", "Uniqueid: 4")
        got = [events.get(5), events.get(5)]
        assert [(event.event, event["Uniqueid"]) for event in got if event] == [("Newchannel", "2"), ("Hangup", "4")]
        assert events.get(0) is None


def test_a_subscriber_that_names_none_gets_all(manager: ScriptedManager, client: Client) -> None:
    with client.subscribe() as events:
        manager.sessions[0].event("FullyBooted")
        manager.sessions[0].event("OriginateResponse", "ActionID: x", "Response: Failure")
        assert [event.event for event in (events.get(5), events.get(5)) if event] == [
            "FullyBooted",
            "OriginateResponse",
        ]


def test_a_slow_subscriber_loses_events_and_holds_up_nobody(manager: ScriptedManager, client: Client) -> None:
    slow = client.subscribe("Tick", size=10)
    with client.subscribe("Tick", size=2000) as quick:
        for number in range(1000):
            manager.sessions[0].event("Tick", f"Number: {number}")
        numbers = [event["Number"] for _ in range(1000) if (event := quick.get(5))]
        assert numbers == [str(number) for number in range(1000)]
        assert quick.dropped == 0
    assert slow.dropped == 990
    kept = [event["Number"] for _ in range(10) if (event := slow.get(0))]
    assert kept == [str(number) for number in range(10)]
    slow.close()


def test_a_lost_session_is_told_after_what_came_before_it(manager: ScriptedManager, client: Client) -> None:
    events = client.subscribe("Hangup")
    manager.sessions[0].event("Hangup")
    manager.sessions[0].hang_up()
    assert events.get(5) is not None
    for _ in range(2):
        with pytest.raises(AmiUnavailable, match="closed the session"):
            events.get(5)
    with client.subscribe("Hangup") as again:
        manager.sessions[1].event("Hangup")
        assert again.get(5) is not None


def test_a_loss_wakes_every_thread_that_waits_for_events(manager: ScriptedManager, client: Client) -> None:
    events = client.subscribe("Hangup")
    told: list[str] = []

    def wait() -> None:
        try:
            events.get(30)
        except AmiUnavailable as error:
            told.append(str(error))

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    manager.sessions[0].hang_up()
    for thread in threads:
        thread.join(5)
    assert len(told) == 4


def test_the_last_to_leave_closes_the_events_session(manager: ScriptedManager, client: Client) -> None:
    first, second = client.subscribe("Hangup"), client.subscribe("Hangup")
    first.close()
    assert client.status()["events"] == "up"
    second.close()
    eventually(lambda: client.status()["events"] == "idle", "closed")
    with pytest.raises(AmiUnavailable, match="subscription is closed"):
        second.get(5)
    with client.subscribe("Hangup"):
        assert client.status()["events"] == "up"


def test_closing_a_subscription_that_was_lost_leaves_the_next_session_alone(
    manager: ScriptedManager, client: Client
) -> None:
    lost = client.subscribe("Hangup")
    manager.sessions[0].hang_up()
    eventually(lambda: client.status()["events"] == "idle", "lost")
    with client.subscribe("Hangup") as events:
        lost.close()
        manager.sessions[1].event("Hangup")
        assert events.get(5) is not None


def test_who_comes_when_the_last_one_has_left_is_told_to_open_again() -> None:
    first, second = (Subscription((), 1, lambda gone: None) for _ in range(2))
    subscriptions = Subscriptions()
    assert subscriptions.add(first)
    assert subscriptions.remove(first)
    assert not subscriptions.add(second)


def test_subscribing_without_a_server_is_unavailable() -> None:
    manager = ScriptedManager()
    manager.stop_listening()
    with pytest.raises(AmiUnavailable):
        manager.client().subscribe("Hangup")
