"""Sessions that break, stall, fall silent or cannot be had."""

from __future__ import annotations

import gc
import socket
import threading
import time
import tracemalloc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pbxapi.ami import AmiError, AmiTimeout, AmiUnavailable, Client
from tests.ami.scripted import Action, ScriptedManager, Session
from tests.real.deadline import eventually


def say_nothing(session: Session, action: Action) -> None:
    pass


def test_a_server_gone_in_mid_answer_fails_all_waiters_at_once(manager: ScriptedManager, client: Client) -> None:
    manager.on("X", say_nothing)
    failures: list[tuple[float, AmiError]] = []

    def ask() -> None:
        try:
            client.request("X", timeout=30)
        except AmiError as error:
            failures.append((time.monotonic(), error))

    threads = [threading.Thread(target=ask) for _ in range(32)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(manager.actions) == 32, "all actions sent")
    manager.sessions[0].send(b"Response: Success\r\nActionID: half an ans")
    gone = time.monotonic()
    manager.sessions[0].hang_up()
    for thread in threads:
        thread.join(5)
    assert len(failures) == 32
    assert max(when for when, _ in failures) - gone < 0.1
    assert all(isinstance(error, AmiUnavailable) and error.may_have_run for _, error in failures)


def test_a_session_that_was_lost_is_opened_again(manager: ScriptedManager, client: Client) -> None:
    client.request("Ping")
    manager.sessions[0].hang_up()
    eventually(lambda: client.status()["quick"] == "idle", "the loss is noticed without an action")
    client.request("Ping")
    assert len(manager.sessions) == 2


def test_nothing_is_sent_twice_after_a_loss(manager: ScriptedManager, client: Client) -> None:
    manager.on("Originate", lambda session, action: session.hang_up())
    with pytest.raises(AmiUnavailable) as lost:
        client.request("Originate")
    assert lost.value.may_have_run
    client.request("Ping")
    assert [action.name for action in manager.actions] == ["Originate", "Ping"]


def test_an_end_before_the_banner_is_unavailable_and_tried_again(manager: ScriptedManager) -> None:
    # so does Asterisk when its authlimit is reached
    manager.banner = b""
    manager.on("Challenge", lambda session, action: None)
    client = manager.client(backoff_first=0.001)

    def hang_up() -> None:
        eventually(lambda: manager.sessions, "a session")[0].hang_up()

    hanging_up = threading.Thread(target=hang_up)
    hanging_up.start()
    with pytest.raises(AmiUnavailable, match="closed the session") as unavailable:
        client.request("Ping")
    hanging_up.join(5)
    assert type(unavailable.value) is AmiUnavailable
    assert not unavailable.value.may_have_run
    manager.banner = b"Asterisk Call Manager/11.0.0\r\n"
    manager.on("Challenge", lambda session, action: session.answer(action, "Challenge: 102569458"))
    eventually(lambda: works(client), "it connects again")
    client.close()


def works(client: Client) -> bool:
    try:
        client.request("Ping")
    except AmiUnavailable:
        return False
    return True


def test_no_server_fails_at_once_while_waiting_to_connect_again() -> None:
    manager = ScriptedManager()
    manager.stop_listening()
    client = manager.client(backoff_first=60.0, backoff_max=60.0)
    for text in ("cannot connect", "waiting to connect"):
        with pytest.raises(AmiUnavailable, match=text) as unavailable:
            client.request("Ping")
        assert 20 < unavailable.value.retry_after <= 60
        assert not unavailable.value.may_have_run


def test_back_off_grows_to_its_limit_and_no_further() -> None:
    manager = ScriptedManager()
    manager.stop_listening()
    client = manager.client(backoff_first=0.001, backoff_max=0.02)
    waits: list[float] = []
    while len(waits) < 12:
        with pytest.raises(AmiUnavailable) as unavailable:
            client.request("Ping")
        if "cannot connect" in str(unavailable.value):
            waits.append(unavailable.value.retry_after)
    assert waits[0] <= 0.001
    assert 0.01 <= waits[-1] <= 0.02


def test_a_caller_in_a_hurry_keeps_no_other_from_connecting(manager: ScriptedManager) -> None:
    client = manager.client(backoff_first=60.0, backoff_max=60.0)
    with pytest.raises(AmiUnavailable):
        client.request("Ping", timeout=0)
    client.request("Ping")
    client.close()


def test_while_one_thread_opens_others_wait_no_longer_than_their_deadline(manager: ScriptedManager) -> None:
    manager.banner = b""
    client = manager.client(connect_timeout=5)
    opener = threading.Thread(target=works, args=(client,))
    opener.start()
    eventually(lambda: manager.sessions, "a session")
    with pytest.raises(AmiUnavailable, match="another thread"):
        client.request("Ping", timeout=0.05)
    assert opener.is_alive()
    manager.sessions[0].hang_up()
    opener.join(5)
    client.close()


def test_while_one_thread_tries_again_others_are_told_before_it_knows(manager: ScriptedManager) -> None:
    manager.banner = b""
    client = manager.client(connect_timeout=5, backoff_first=0.001)
    first = threading.Thread(target=works, args=(client,))
    first.start()
    eventually(lambda: manager.sessions, "a session")[0].hang_up()
    first.join(5)
    again = threading.Thread(target=client_pings, args=(client,))
    again.start()
    eventually(lambda: len(manager.sessions) == 2, "another attempt")
    with pytest.raises(AmiUnavailable, match="another thread"):
        client.request("Ping", timeout=60)
    assert again.is_alive()
    manager.sessions[1].hang_up()
    again.join(5)
    client.close()


def client_pings(client: Client) -> None:
    """Until an attempt of its own has failed: while another is waited for, none is made."""
    text = "waiting"
    while "waiting" in text:
        try:
            client.request("Ping", timeout=20)
        except AmiUnavailable as error:
            text = str(error)
        else:
            return


def test_threads_that_need_a_session_at_once_share_one(manager: ScriptedManager, client: Client) -> None:
    threads = [threading.Thread(target=client.request, args=("Ping",)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)
    assert len(manager.actions) == 16
    assert len(manager.sessions) == 1


def test_a_late_answer_is_dropped(manager: ScriptedManager, client: Client) -> None:
    manager.on("Slow", say_nothing)
    with pytest.raises(AmiTimeout):
        client.request("Slow", timeout=0.05)
    slow = manager.actions[0]

    def answer_both(session: Session, action: Action) -> None:
        session.answer(slow, "Late: yes")
        session.answer(action)

    manager.on("Ping", answer_both)
    assert client.request("Ping").response.get("Late") == ""
    assert len(manager.sessions) == 1


def time_out(client: Client) -> None:
    with pytest.raises(AmiTimeout):
        client.request("Slow", timeout=0)


def start_and_forget(client: Client) -> None:
    client.start("Slow", timeout=3600)


@pytest.mark.parametrize("leave", [time_out, start_and_forget])
def test_actions_whose_answers_are_not_awaited_leave_nothing_behind(
    manager: ScriptedManager, client: Client, leave: Callable[[Client], None]
) -> None:
    manager.on("Slow", say_nothing)

    def repeat(times: int) -> int:
        for _ in range(times):
            client.request("Ping")
            leave(client)
        client.request("Ping")
        manager.sessions[0].actions.clear()
        gc.collect()
        # Other threads of the process, an exchange of other tests among them, allocate as they please.
        ours = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*/pbxapi/ami/*")])
        return sum(trace.size for trace in ours.traces)

    tracemalloc.start(1)
    before = repeat(20)
    after = repeat(200)
    tracemalloc.stop()
    assert after - before < 20_000


def test_bytes_for_others_that_never_cease_do_not_keep_a_waiter_past_its_deadline(
    manager: ScriptedManager, client: Client
) -> None:
    over, dry = threading.Event(), threading.Event()

    def flood(session: Session, action: Action) -> None:
        enough = time.monotonic() + 3
        while not over.is_set() and time.monotonic() < enough:
            session.send(b"Event: Other\r\nActionID: of-nobody\r\n\r\n" * 1000)
        dry.set()

    manager.on("Flood", flood)
    with pytest.raises(AmiTimeout):
        client.request("Flood", timeout=0.1)
    assert not dry.is_set()
    over.set()
    client.request("Ping")
    assert len(manager.sessions) == 1


def test_an_idle_session_that_died_in_silence_costs_a_reconnect_and_no_action(manager: ScriptedManager) -> None:
    client = manager.client(probe_after=0.0)
    client.request("Ping")
    manager.sessions[0].server = mute(manager)
    client.request("Originate")
    names = [[action.name for action in session.actions[2:]] for session in manager.sessions]
    assert names == [["Ping", "Ping"], ["Originate"]]
    client.close()


def mute(manager: ScriptedManager) -> ScriptedManager:
    other = ScriptedManager()
    other.stop_listening()
    other.dispatch = say_nothing  # type: ignore[method-assign]
    return other


def test_an_idle_session_that_lives_is_used_on(manager: ScriptedManager) -> None:
    client = manager.client(probe_after=0.0)
    client.request("CoreStatus")
    client.request("CoreStatus")
    assert len(manager.sessions) == 1
    assert [action.name for action in manager.actions] == ["CoreStatus", "Ping", "CoreStatus"]
    client.close()


def test_a_caller_in_a_hurry_does_not_end_a_session_that_lives(manager: ScriptedManager) -> None:
    client = manager.client(probe_after=0.0)
    client.request("Ping")
    with pytest.raises(AmiTimeout):
        client.request("Ping", timeout=1e-6)
    client.request("Ping")
    assert len(manager.sessions) == 1
    client.close()


def test_threads_that_come_during_the_sign_of_life_wait_for_it(manager: ScriptedManager) -> None:
    client = manager.client(probe_after=0.0)
    client.request("Ping")
    manager.sessions[0].server = mute(manager)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.request("CoreStatus"), range(8)))
    assert {action.name for action in manager.sessions[0].actions[2:]} == {"Ping"}
    client.close()


def test_a_session_that_answered_nothing_is_asked_for_a_sign_of_life(manager: ScriptedManager, client: Client) -> None:
    client.request("Ping")
    manager.sessions[0].server = mute(manager)
    with pytest.raises(AmiTimeout):
        client.request("CoreStatus", timeout=0.05)
    client.request("CoreSettings")
    assert [action.name for action in manager.sessions[1].actions[2:]] == ["CoreSettings"]


def test_a_server_that_does_not_read_is_left(manager: ScriptedManager) -> None:
    client = manager.client(write_timeout=0.2)
    released = threading.Event()

    def stall(session: Session, action: Action) -> None:
        released.wait(10)

    manager.on("Stall", stall)
    client.start("Stall", timeout=30)
    manager.sessions[0].sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    filler = [("Variable", "x" * 1000)] * 120
    with pytest.raises(AmiUnavailable, match="not sent") as stalled:
        for _ in range(500):
            client.start("Fill", filler)
    assert not stalled.value.may_have_run
    assert client.status()["quick"] == "idle"
    released.set()
    client.close()


def test_bytes_without_an_end_end_the_session(
    manager: ScriptedManager, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pbxapi.ami.connection.Framer", SmallFramer)
    manager.on("X", lambda session, action: session.send(b"Response: " + b"x" * 100_000))
    with pytest.raises(AmiUnavailable, match="more than 1000 bytes") as flood:
        client.request("X")
    assert flood.value.may_have_run


def SmallFramer() -> object:  # noqa: N802
    from pbxapi.ami.protocol import Framer

    return Framer(max_line=1000)


def test_every_wait_is_over_when_the_client_is_closed(manager: ScriptedManager, client: Client) -> None:
    manager.on("Slow", say_nothing)
    pending = client.start("Slow", timeout=30)
    client.close()
    with pytest.raises(AmiUnavailable, match="closed"):
        pending.result()
