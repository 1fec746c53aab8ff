"""Sessions: logging in, what is heard, what is allowed, who is dropped, and how all of it ends."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from pbxapi.demo.access import ALL, CLASSES, User, parse_mask
from pbxapi.demo.exchange import DemoExchange
from tests.demo.manager import BANNER, Manager, eventually


def demo_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("demo-")]


def test_it_greets_at_once_and_listens_on_loopback_alone(exchange: DemoExchange) -> None:
    with Manager(exchange.port, login=False) as manager:
        assert manager.socket.getpeername()[0] == "127.0.0.1"
        assert manager.socket.recv(len(BANNER), socket.MSG_WAITALL) == BANNER


def test_md5_login_takes_the_hash_of_challenge_and_secret(exchange: DemoExchange) -> None:
    with Manager(exchange.port, login=False) as manager:
        challenge = manager.ask("Challenge", AuthType="md5")[0].get("Challenge")
        key = hashlib.md5(f"{challenge}demo".encode()).hexdigest()
        answer = manager.ask("Login", AuthType="MD5", Username="demo", Key=key)[0]
        assert answer.get("Message") == "Authentication accepted"
        assert manager.ask("Login", Username="demo", Secret="wrong")[0].get("Message") == "Already authenticated"


def test_a_failed_login_says_the_same_a_second_later_and_ends_the_session(exchange: DemoExchange) -> None:
    attempts = [
        {"Username": "demo", "Secret": "wrong"},
        {"Username": "nobody", "Secret": "demo"},
        {"Username": "demo", "AuthType": "MD5", "Key": hashlib.md5(b"demo").hexdigest()},
        {},
    ]
    with contextlib.ExitStack() as stack:
        sessions = [stack.enter_context(Manager(exchange.port, login=False)) for _ in attempts]
        before = time.monotonic()
        for manager, headers in zip(sessions, attempts, strict=True):
            manager.act("Login", **headers)
        for manager in sessions:
            (answer,) = manager.until(lambda one: True)
            assert list(answer) == [
                ("Response", "Error"),
                ("ActionID", "a1"),
                ("Message", "Authentication failed"),
            ]
            assert time.monotonic() - before >= 1.0
            assert manager.read_to_end() == b""


def test_before_login_only_login_challenge_and_logoff_are_answered(exchange: DemoExchange) -> None:
    with Manager(exchange.port, login=False) as manager:
        for action in ("Ping", "ListCommands", "NoSuchAction"):
            assert manager.ask(action)[0].get("Message") == "Permission denied"
        assert manager.ask("Logoff")[0].get("Response") == "Goodbye"
        assert manager.read_to_end() == b""


def test_an_idle_session_that_never_logs_in_is_closed_without_a_word() -> None:
    with (
        DemoExchange(background_calls=False, auth_timeout=0.5) as exchange,
        Manager(exchange.port) as logged_in,
        Manager(exchange.port, login=False) as idle,
    ):
        assert idle.read_to_end() == BANNER
        assert logged_in.ask("Ping")[0].get("Ping") == "Pong"


@pytest.mark.parametrize(
    ("mask", "classes"),
    [
        ("on", ALL),
        ("", ALL),
        ("off", frozenset()),
        ("no", frozenset()),
        ("0", frozenset()),
        ("3", frozenset(CLASSES[:2])),
        ("call, USER", frozenset({"call", "user"})),
        ("nonsense,call", frozenset({"call"})),
        ("-1", frozenset()),
    ],
)
def test_a_mask_is_read_as_asterisk_reads_it(mask: str, classes: frozenset[str]) -> None:
    assert parse_mask(mask) == classes


def test_fully_booted_comes_right_after_a_login_that_hears_system_events(exchange: DemoExchange) -> None:
    for events, booted in (("on", True), ("system,call", True), ("call", False), ("off", False)):
        with Manager(exchange.port, events=events) as manager:
            manager.ask("Ping")
            assert any(one.event == "FullyBooted" for one in manager.heard) is booted


def test_a_session_hears_the_classes_that_it_asked_for(exchange: DemoExchange, manager: Manager) -> None:
    with Manager(exchange.port, events="user") as hears, Manager(exchange.port, events="call") as other:
        manager.ask("UserEvent", UserEvent="One")
        assert hears.until_event("UserEvent")[-1].get("UserEvent") == "One"
        assert [one.event for one in other.ask("Ping")] == [""]
        other.ask("Events", EventMask="user")
        manager.ask("UserEvent", UserEvent="Two")
        assert other.until_event("UserEvent")[-1].get("UserEvent") == "Two"
        other.ask("Events", EventMask="off")
        manager.ask("UserEvent", UserEvent="Three")
        other.ask("Ping")
        assert [one.get("UserEvent") for one in other.heard if one.event] == ["Two"]


@pytest.fixture
def guarded() -> Iterator[DemoExchange]:
    classes = frozenset({"call", "reporting"})
    users = {"demo": User("demo"), "guest": User("word", read=classes, write=classes | {"originate"})}
    with DemoExchange(background_calls=False, users=users) as exchange:
        yield exchange


def test_an_action_needs_one_of_its_classes(guarded: DemoExchange) -> None:
    with Manager(guarded.port, login=False) as guest:
        guest.ask("Login", Username="guest", Secret="word", Events="off")
        assert guest.ask("Command", Command="core show version")[0].get("Message") == "Permission denied"
        assert guest.ask("CoreStatus")[0].get("Response") == "Success"
        listed = dict(guest.ask("ListCommands")[0])
        assert listed["Originate"] == "Originate a call.  (Priv: originate,all)"
        assert listed["Ping"] == "Keepalive command.  (Priv: <none>)"
        assert "Command" not in listed
        assert "PJSIPShowEndpoints" not in listed


@pytest.mark.parametrize(
    ("application", "data", "refused"),
    [
        ("System", "true", True),
        ("ExecIf", "1?x", True),
        ("Playback", "${SHELL(id)}", True),
        ("Playback", "magic", False),
    ],
)
def test_without_the_system_class_no_command_can_be_run_by_originate(
    guarded: DemoExchange, application: str, data: str, refused: bool
) -> None:
    with Manager(guarded.port, login=False) as guest:
        guest.ask("Login", Username="guest", Secret="word", Events="off")
        asked = {"Channel": "PJSIP/103", "Application": application, "Data": data, "Async": "true"}
        answer = guest.ask("Originate", **asked)[0]
        assert (answer.get("Message") == "Originate Access Forbidden: app or data blacklisted") is refused
        assert guest.ask("Getvar", Variable="SHELL(id)")[0].get("Response") == "Error"


def test_a_user_hears_no_class_that_it_may_not_read(guarded: DemoExchange) -> None:
    with Manager(guarded.port, login=False) as guest, Manager(guarded.port) as demo:
        guest.ask("Login", Username="guest", Secret="word", Events="on")
        demo.ask("UserEvent", UserEvent="Secret")
        demo.originate("PJSIP/104", "100")
        guest.until_event("OriginateResponse")
        assert {one.event for one in guest.heard if one.event} == {"OriginateResponse"}


def test_pipelined_requests_are_answered_in_order(manager: Manager) -> None:
    manager.send(b"".join(b"Action: Ping\r\nActionID: %d\r\n\r\n" % number for number in range(200)))
    answers = manager.until(lambda one: one.get("ActionID") == "199")
    assert [one.get("ActionID") for one in answers] == [str(number) for number in range(200)]


def test_a_synchronous_originate_holds_up_its_own_session_and_no_other(exchange: DemoExchange) -> None:
    with Manager(exchange.port, events="on") as one, Manager(exchange.port) as other:
        place = {"Channel": "PJSIP/103", "Context": "from-internal", "Exten": "100", "Priority": "1"}
        slow = one.act("Originate", **place, Timeout="300")
        after = one.act("Ping")
        eventually(lambda: bool(other.channels()), "the call is there")
        assert other.ask("Ping")[0].get("Ping") == "Pong"
        heard = [
            message.get("ActionID") or message.event for message in one.until(lambda m: m.get("ActionID") == after)
        ]
        assert heard.index(slow) < heard.index("Newchannel")
        assert heard[-1] == after


def test_a_reader_that_stalls_is_dropped_and_nobody_else_waits_for_it(exchange: DemoExchange, manager: Manager) -> None:
    event = b"Action: UserEvent\r\nUserEvent: Flood\r\nX: " + b"x" * 900 + b"\r\n\r\n"
    sent = 0
    others = demo_threads().count("demo-session")
    with Manager(exchange.port, events="user", receive_buffer=4096) as stalled:
        deadline = time.monotonic() + 20
        while demo_threads().count("demo-session") > others:
            assert time.monotonic() < deadline, "it was never dropped"
            manager.send(event * 100 + b"Action: Ping\r\nActionID: flood\r\n\r\n")
            manager.until(lambda one: one.get("ActionID") == "flood")
            manager.heard.clear()
            sent += 100 * len(event)
        assert len(stalled.read_to_end()) < sent


def test_events_that_wait_behind_a_slow_action_are_bounded(
    exchange: DemoExchange, manager: Manager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pbxapi.demo.session.MAX_WAITING", 10_000)
    with Manager(exchange.port, events="user") as slow:
        place = {"Channel": "PJSIP/103", "Context": "from-internal", "Exten": "100", "Priority": "1"}
        slow.act("Originate", **place, Timeout="60000")
        eventually(lambda: bool(manager.channels()), "the call is there")
        for _ in range(40):
            manager.ask("UserEvent", UserEvent="Flood", X="x" * 300)
        assert slow.read_to_end() == b""


NASTY = (
    "",
    "²",
    "9" * 900,
    "-1",
    "1e9",
    "nan",
    "/",
    "//",
    "/(/",
    "/.*/",
    "a\rb",
    ",",
    "(",
    '"',
    "\\",
    "${X",
    "é\x0b",
    "100",
)
HEADERS = (
    "AllVariables", "Application", "CallerID", "Cause", "Channel", "ChannelId", "Command", "Context", "Data", "Digit",
    "Direction", "Duration", "EventMask", "Exten", "ExtraChannel", "ExtraExten", "ExtraPriority", "Family", "File",
    "Interface", "Key", "Module", "Options", "OtherChannelId", "Paused", "Parkinglot", "Parkingspace", "Penalty",
    "Priority", "Queue", "State", "Timeout", "TimeoutChannel", "UserEvent", "Val", "Value", "Variable", "Variables",
)  # fmt: skip


@pytest.mark.parametrize("nasty", NASTY)
def test_no_value_of_any_header_ends_a_session(
    exchange: DemoExchange, nasty: str, caplog: pytest.LogCaptureFixture
) -> None:
    with Manager(exchange.port) as manager:
        actions = [name for name in manager.ask("ListCommands")[0].names() if name not in ("Response", "ActionID")]
        assert len(actions) > 40
        for channel in ("PJSIP/100-00000000", nasty):
            manager.originate("PJSIP/100", "603", Variable=f"V={nasty},__RINGTIME={nasty}", CallerID=nasty)
            headers = [(name, nasty) for name in HEADERS if name != "Channel"]
            for action in actions:
                if action not in ("Logoff", "Originate"):
                    manager.ask(action, [*headers, ("Channel", channel)])
            manager.ask("Originate", [*headers, ("Channel", "PJSIP/103"), ("Async", "true")])
            manager.originate("PJSIP/101", "103", Application="", Timeout="1", Priority="1x")
            for application in ("Wait", "Busy", "Dial", "Queue", "ParkedCall", "MixMonitor", "Hangup"):
                manager.ask("Originate", Channel="PJSIP/100", Application=application, Data=nasty, Async="true")
        assert manager.ask("Ping")[0].get("Ping") == "Pong"
    assert caplog.records == []


def test_stop_ends_every_thread_and_session_whatever_they_wait_for() -> None:
    before = demo_threads()
    exchange = DemoExchange(seed=1)
    exchange.start()
    with Manager(exchange.port) as idle, Manager(exchange.port, login=False) as refused, Manager(exchange.port) as busy:
        refused.act("Login", Username="nobody")
        place = {"Channel": "PJSIP/103", "Context": "from-internal", "Exten": "100", "Priority": "1"}
        busy.act("Originate", **place, Timeout="60000")
        eventually(lambda: any(one.get("CallerIDNum") == "103" for one in idle.channels()), "the call is there")
        exchange.stop()
        assert demo_threads() == before
        idle.read_to_end()
    with pytest.raises(ConnectionRefusedError):
        Manager(exchange.port)
    assert not exchange.recordings.exists()


def test_an_exchange_that_was_never_started_can_be_stopped() -> None:
    before = demo_threads()
    DemoExchange(seed=1).stop()
    assert demo_threads() == before


def test_a_port_in_use_is_an_oserror_and_leaves_nothing_behind(exchange: DemoExchange) -> None:
    with pytest.raises(OSError, match="in use"):
        DemoExchange(port=exchange.port)
