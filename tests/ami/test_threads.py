"""Many threads on one session."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from pbxapi.ami import Client
from tests.ami.scripted import Action, ScriptedManager, Session


def test_500_answers_out_of_order_reach_32_threads(manager: ScriptedManager, client: Client) -> None:
    held: list[Action] = []
    order = random.Random(7)

    def answer_some(session: Session, action: Action) -> None:
        held.append(action)
        while len(held) > 20 or (held and action.headers["Number"] == "499"):
            each = held.pop(order.randrange(len(held)))
            session.answer(each, f"Number: {each.headers['Number']}")

    manager.on("Echo", answer_some)
    numbers = iter(range(500))
    taking = threading.Lock()

    def ask(_: int) -> bool:
        with taking:
            number = str(next(numbers))
            pending = client.start("Echo", [("Number", number)], timeout=10)
        return pending.result().response["Number"] == number

    with ThreadPoolExecutor(32) as pool:
        assert list(pool.map(ask, range(500))) == [True] * 500
    assert len(manager.sessions) == 1


def test_no_thread_is_left_without_a_reader(
    manager: ScriptedManager, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the reader thread comes only when it is called: a call that is missed is a timeout
    monkeypatch.setattr("pbxapi.ami.connection.PATIENCE", 60.0)
    held: list[Action] = []

    def answer_in_pairs(session: Session, action: Action) -> None:
        held.append(action)
        if len(held) == 2:
            session.answer(held.pop(0))
            session.event("Tick")
            session.answer(held.pop(0))

    manager.on("Pair", answer_in_pairs)
    client.request("Ping")

    together = threading.Barrier(8, timeout=10)

    def work(_: int) -> None:
        for _ in range(300):
            together.wait()
            client.request("Pair", timeout=10)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))


def test_threads_with_lists_and_actions_each_get_their_own(manager: ScriptedManager, client: Client) -> None:
    def send_list(session: Session, action: Action) -> None:
        session.answer(action, "EventList: start")
        for number in range(100):
            session.event("Item", f"Of: {action.headers['Number']}", f"Number: {number}", action=action)
        session.event("ItemsComplete", "EventList: Complete", action=action)

    manager.on("List", send_list)
    manager.on("Echo", lambda session, action: session.answer(action, f"Number: {action.headers['Number']}"))

    def work(worker: int) -> None:
        for turn in range(10):
            number = f"{worker}.{turn}"
            items = client.request("List", [("Number", number)], until="ItemsComplete").events
            assert [(item["Of"], item["Number"]) for item in items] == [(number, str(each)) for each in range(100)]
            assert client.request("Echo", [("Number", number)]).response["Number"] == number

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
