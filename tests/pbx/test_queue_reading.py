"""A QueueStatus as Asterisk 16 and 22 sent it, beside what the tables of a platform hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxapi.ami import Message
from pbxapi.pbx.queue_reading import QueueReader, extension_of
from pbxapi.pbx.queueing import Queue, QueueSettings, StaticMember

CAPTURES = Path(__file__).parent / "queue_status"
BOTH = pytest.mark.parametrize(("version", "seconds"), [("16", 0), ("22", 1)])
"""Where Asterisk had counted that many seconds of waiting."""
ANA = "Local/200@from-queue/n"


def captured(name: str) -> list[Message]:
    return [Message(block) for block in (CAPTURES / f"{name}.txt").read_bytes().split(b"\r\n\r\n")[1:] if block]


def event(name: str, *lines: str, action_id: str = "c2") -> Message:
    return Message("\r\n".join([f"Event: {name}", "Queue: 400", *lines, f"ActionID: {action_id}"]).encode())


def member(*lines: str, interface: str = ANA, action_id: str = "c2") -> Message:
    return event("QueueMember", f"Location: {interface}", "Membership: dynamic", *lines, action_id=action_id)


def caller(wait: int, *lines: str, action_id: str = "c2") -> Message:
    return event("QueueEntry", "Position: 1", "Uniqueid: 1.1", f"Wait: {wait}", *lines, action_id=action_id)


PARAMS = event("QueueParams", "Max: 0", "Strategy: ringall", "Calls: 0", "ServiceLevel: 0")


def read(*events: Message, settings: dict[str, QueueSettings] | None = None) -> tuple[Queue, ...]:
    return QueueReader().read(events, settings)


def configured(*members: str, **values: Any) -> dict[str, QueueSettings]:
    static = tuple(StaticMember(interface, 3, extension_of(interface)) for interface in members)
    return {"400": QueueSettings(queue="400", static_members=static, **values)}


@BOTH
def test_who_waits_and_who_serves_is_read(version: str, seconds: int) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    [support] = read(*captured(f"{version}-waiting"))
    assert (support.queue, support.running, support.configured, support.settings) == ("support", True, None, None)
    assert (support.strategy, support.max_callers, support.weight, support.service_level) == ("ringall", 0, 0, 0)
    assert (support.completed, support.abandoned, support.service_level_percent) == (0, 0, None)
    [waiting] = support.callers
    assert (waiting.position, waiting.caller.number, waiting.caller.name) == (1, "100", "User One")
    assert waiting.channel.startswith("PJSIP/100-")
    assert (waiting.wait, waiting.priority, support.longest_wait) == (seconds, 0, seconds)
    assert before - timedelta(seconds=seconds) <= waiting.joined_at <= datetime.now(UTC)
    one, two = support.members
    assert [one.interface, one.extension, one.name, one.state_interface, one.penalty] == [
        "PJSIP/100", "100", "User One", "PJSIP/100", 0,
    ]  # fmt: skip
    assert (one.membership, one.configured, one.state, two.state, two.penalty) == (
        "static", None, "inuse", "ringing", 1,
    )  # fmt: skip
    assert (one.last_call, one.paused, one.paused_since, one.in_call) == (None, False, None, False)
    assert one.logged_in_at
    assert one.logged_in_at.year == 2026


@BOTH
def test_who_talks_is_in_a_call_and_waits_no_more(version: str, seconds: int) -> None:
    [support] = read(*captured(f"{version}-incall"))
    assert (support.callers, support.holdtime) == ((), seconds)
    assert [(each.interface, each.in_call, each.busy) for each in support.members] == [
        ("PJSIP/100", False, True),
        ("PJSIP/101", True, True),
    ]


def test_a_pause_has_a_reason_and_a_beginning_only_while_it_lasts() -> None:
    more = "PausedReason: lunch: at noon", "LastPause: 1767607200"
    [[paused], [back]] = [read(PARAMS, member(f"Paused: {word}", *more))[0].members for word in "10"]
    assert (paused.paused_reason, paused.paused_since) == ("lunch: at noon", datetime(2026, 1, 5, 10, 0, tzinfo=UTC))
    assert (back.paused, back.paused_reason, back.paused_since) == (False, None, None)


@pytest.mark.parametrize(
    ("said", "state", "free"),
    [
        ("0", "unknown", True),  # app_queue calls whom nothing is known of
        ("1", "not_inuse", True),
        ("2", "inuse", False),
        ("5", "unavailable", False),
        ("8", "onhold", False),
        ("9", "unknown", True),
        ("", "unknown", True),
    ],
)
def test_the_state_is_that_of_the_device(said: str, state: str, free: bool) -> None:
    [queue] = read(PARAMS, member(f"Status: {said}"))
    [found] = queue.members
    assert (found.state, found.free) == (state, free)
    [queue] = read(PARAMS, member(f"Status: {said}", "Paused: 1"))
    assert not queue.members[0].free


def test_a_member_without_a_name_of_its_own_has_none() -> None:
    [queue] = read(PARAMS, member(f"Name: {ANA}", "StateInterface: hint:200@ext-local", "InCall: "))
    [found] = queue.members
    assert (found.name, found.extension, found.state_interface, found.in_call) == (
        None, "200", "hint:200@ext-local", None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("interface", "extension"),
    [
        (ANA, "200"), ("local/200@from-queue", "200"), ("PJSIP/200", "200"), ("SIP/200", "200"), ("IAX2/2", "2"),
        ("PJSIP/trunk/sip:5@192.0.2.1", None), ("Agent/7", None), ("DAHDI/g1/5", None), ("Local/2@a&Local/3@a", None),
        ("", None),
    ],
)  # fmt: skip
def test_the_number_behind_an_interface(interface: str, extension: str | None) -> None:
    assert extension_of(interface) == extension


def test_a_queue_of_the_tables_alone_is_shown_with_its_members_and_does_not_run() -> None:
    [queue] = read(settings=configured(ANA, strategy="linear", max_callers=9, weight=2, service_level=20))
    assert (queue.queue, queue.configured, queue.running) == ("400", True, False)
    assert (queue.strategy, queue.max_callers, queue.weight, queue.service_level) == ("linear", 9, 2, 20)
    assert (queue.completed, queue.holdtime, queue.service_level_percent, queue.callers) == (None, None, None, ())
    [found] = queue.members
    assert (found.interface, found.extension, found.configured, found.membership) == (ANA, "200", True, None)
    assert (found.penalty, found.free, found.busy) == (3, False, False)


def test_a_queue_of_asterisk_alone_says_that_no_table_has_it() -> None:
    [queue] = read(PARAMS, member(), settings={})
    assert (queue.configured, queue.running, queue.settings) == (False, True, None)
    assert (queue.strategy, queue.service_level) == ("ringall", 0)
    assert queue.members[0].configured is False


def test_where_there_are_no_tables_nobody_says_that_something_is_not_configured() -> None:
    [queue] = read(PARAMS, member())
    assert (queue.configured, queue.members[0].configured) == (None, None)


def test_a_queue_of_both_has_its_settings_and_every_member_once() -> None:
    own = configured(ANA.upper(), "Local/201@from-queue/n", service_level=20, strategy="linear")
    [queue] = read(PARAMS, member("Penalty: 5"), member(interface="PJSIP/9"), settings=own)
    assert (queue.configured, queue.running, queue.settings) == (True, True, own["400"])
    assert (queue.strategy, queue.service_level) == ("linear", 20)
    assert [(each.interface, each.membership, each.configured, each.penalty) for each in queue.members] == [
        ("PJSIP/9", "dynamic", False, 0),
        (ANA, "dynamic", True, 5),
        ("Local/201@from-queue/n", None, True, 3),
    ]


def test_queues_are_in_the_order_of_their_numbers() -> None:
    names = "1000", "support", "99", "400"
    queues = read(*(Message(f"Event: QueueParams\r\nQueue: {name}".encode()) for name in names))
    assert [queue.queue for queue in queues] == ["99", "400", "1000", "support"]


def test_what_has_not_changed_is_the_same_object_in_the_next_list() -> None:
    reader = QueueReader()
    [first] = reader.read([PARAMS, member("Status: 1")], None)
    [again] = reader.read([PARAMS, member("Status: 1", action_id="c3")], None)
    assert again.members[0] is first.members[0]
    [changed] = reader.read([PARAMS, member("Status: 2", action_id="c4")], None)
    assert changed.members[0].state == "inuse"
    [stored] = reader.read([PARAMS, member("Status: 2", action_id="c5")], configured(ANA))
    assert stored.members[0].configured is True


def test_members_are_told_apart_wherever_the_action_id_stands() -> None:
    lines = ("Event: QueueMember", "ActionID: c2", "Queue: 400")
    events = [Message("\r\n".join([*lines, f"Location: PJSIP/{number}"]).encode()) for number in (1, 2)]
    reader = QueueReader()
    for _ in range(2):
        [queue] = reader.read([PARAMS, *events], None)
        assert [each.interface for each in queue.members] == ["PJSIP/1", "PJSIP/2"]


def test_who_waits_on_came_when_it_came() -> None:
    reader = QueueReader()
    [first] = reader.read([PARAMS, caller(100)], None)
    [again] = reader.read([PARAMS, caller(101, action_id="c3")], None)
    assert (first.callers[0].wait, again.callers[0].wait) == (100, 101)
    assert again.callers[0].joined_at is first.callers[0].joined_at  # by a second it may be told either way
    [other] = reader.read([PARAMS, caller(5)], None)
    assert other.callers[0].joined_at > first.callers[0].joined_at


def test_a_caller_of_whom_nothing_is_known_has_neither_number_nor_name() -> None:
    [queue] = read(PARAMS, caller(1, "CallerIDNum: unknown", "CallerIDName: <unknown>", "Priority: -2"))
    assert (queue.callers[0].caller.number, queue.callers[0].caller.name) == (None, None)
    assert queue.callers[0].priority == -2  # QUEUE_PRIO may be below nothing


HEADERS = (
    "Max", "Calls", "Holdtime", "ServicelevelPerf", "Weight", "Location", "Name", "Membership", "Penalty", "CallsTaken",
    "LastCall", "LastPause", "LoginTime", "InCall", "Status", "Paused", "Wrapuptime", "Position", "Wait", "Priority",
    "CallerIDNum", "ActionID", "Queue", "StateInterface",
)  # fmt: skip
ODD = st.one_of(
    st.text(max_size=12).map(lambda text: text.replace("\r", "").replace("\n", "")),
    st.integers().map(str),
    st.sampled_from(["", "²", "9" * 30, "-1", "nan", "inf", "1e999", "99999999999999", "1", "9" * 5000]),
)


@given(
    events=st.lists(
        st.tuples(
            st.sampled_from(["QueueParams", "QueueMember", "QueueEntry", "Other"]),
            st.lists(st.tuples(st.sampled_from(HEADERS), ODD), max_size=8),
        ),
        max_size=4,
    )
)
def test_no_header_keeps_the_rest_from_being_read(events: list[tuple[str, list[tuple[str, str]]]]) -> None:
    lines = [[f"Event: {name}", *(f"{header}: {value}" for header, value in some)] for name, some in events]
    messages = [Message("\r\n".join(some).encode("utf-8", "replace")) for some in lines]
    [queue, *_] = [each for each in read(PARAMS, *messages, settings=configured(ANA)) if each.queue == "400"]
    assert queue.running
    assert queue.longest_wait >= 0
    assert queue.service_level_percent is None or queue.service_level_percent < float("inf")
