"""Queues of the demo's FreePBX: rows that become queues when they are applied, members by extension, and queue_log."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pbxapi.demo.exchange import DemoExchange
from pbxapi.demo.platform import DemoPlatform
from pbxapi.demo.queue_life import Pace
from tests.demo.manager import Manager, eventually
from tests.demo.test_queues import status

Queue = Callable[..., None]


@pytest.fixture
def platform(exchange: DemoExchange, tmp_path: Path) -> DemoPlatform:
    return exchange.provide(tmp_path)


@pytest.fixture
def change(platform: DemoPlatform) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(platform.database, isolation_level=None)) as connection:
        yield connection


@pytest.fixture
def queue(change: sqlite3.Connection, platform: DemoPlatform) -> Queue:
    """Write the rows of queue 400, whose member is 101, and apply."""

    def make(max_wait: str = "", **keywords: str) -> None:
        change.execute("INSERT INTO queues_config (extension, descr, maxwait) VALUES ('400', 'Night', ?)", (max_wait,))
        rows = {"strategy": "linear", "timeout": "9", "retry": "1", "member": "Local/101@from-queue/n,3", **keywords}
        for keyword, data in rows.items():
            change.execute("INSERT INTO queues_details (id, keyword, data) VALUES ('400', ?, ?)", (keyword, data))
        platform.apply()

    return make


def join(listener: Manager, number: str = "400") -> None:
    listener.originate("PJSIP/105", number, ChannelId="caller")
    listener.until_event("QueueCallerJoin", Uniqueid="caller")


@pytest.mark.usefixtures("platform")
def test_its_queues_are_those_of_a_freepbx(manager: Manager) -> None:
    _, members = status(manager)
    assert {name: (one.get("Name"), one.get("StateInterface")) for name, one in members.items()} == {
        "Local/100@from-queue/n": ("Ana", "hint:100@ext-local"),
        "Local/101@from-queue/n": ("Bruno", "hint:101@ext-local"),
    }
    agents = {one.get("Key"): one.get("Val") for one in manager.ask("DBGetTree", Family="QPENALTY")[1:-1]}
    assert (agents["/QPENALTY/800/dynmemberonly"], agents["/QPENALTY/800/agents/114"]) == ("no", "1")


def test_a_new_row_is_a_queue_that_is_answered_and_is_none_without_it(
    queue: Queue, change: sqlite3.Connection, platform: DemoPlatform, listener: Manager
) -> None:
    queue(maxlen="7", servicelevel="20", weight="2")
    params, members = status(listener, "400")
    shown = [params.get(name) for name in ("Strategy", "Max", "ServiceLevel", "Weight")]
    assert shown == ["linear", "7", "20", "2"]
    assert members["Local/101@from-queue/n"].get("Penalty") == "3"
    join(listener)
    listener.until_event("BridgeEnter", Uniqueid="caller")
    change.execute("DELETE FROM queues_config WHERE extension = '400'")
    change.execute("DELETE FROM queues_details WHERE id = '400'")
    platform.apply()
    assert listener.ask("QueueStatus", Queue="400")[-1].get("ListItems") == "0"
    assert [one.get("BridgeId") != "" for one in listener.channels()] == [True] * 4  # they talk on
    listener.ask("Hangup", Channel="caller")
    listener.until_event("Hangup", Uniqueid="caller")
    answer = listener.ask("Originate", Channel="PJSIP/105", Context="from-internal", Exten="400", Priority="1")
    assert answer[0].get("Message") == "Extension does not exist."


def test_a_caller_of_a_queue_that_is_deleted_waits_no_more(
    queue: Queue, change: sqlite3.Connection, platform: DemoPlatform, listener: Manager
) -> None:
    queue()
    listener.ask("QueuePause", Interface="Local/101@from-queue/n", Paused="true")
    join(listener)
    change.execute("DELETE FROM queues_config WHERE extension = '400'")
    platform.apply()
    listener.until_event("QueueCallerLeave", Uniqueid="caller")
    listener.until_event("Hangup", Uniqueid="caller")


def test_a_member_keeps_its_pause_and_its_calls_when_it_is_applied(
    queue: Queue, change: sqlite3.Connection, platform: DemoPlatform, listener: Manager
) -> None:
    queue()
    join(listener)
    listener.until_event("BridgeEnter", Uniqueid="caller")
    listener.ask("Hangup", Channel="caller")
    listener.until_event("AgentComplete")
    listener.ask("QueuePause", Queue="400", Interface="Local/101@from-queue/n", Paused="true", Reason="lunch")
    change.execute(
        "UPDATE queues_details SET data = 'Local/101@from-queue/n,5' WHERE id = '400' AND keyword = 'member'"
    )
    platform.apply()
    member = status(listener, "400")[1]["Local/101@from-queue/n"]
    kept = [member.get(name) for name in ("Penalty", "CallsTaken", "PausedReason")]
    assert kept == ["5", "1", "lunch"]


def test_an_agent_who_does_not_want_to_be_disturbed_is_busy_and_not_called(queue: Queue, listener: Manager) -> None:
    queue()
    listener.ask("DBPut", Family="DND", Key="101", Val="YES")
    listener.ask("Setvar", Variable="DEVICE_STATE(Custom:DND101)", Value="BUSY")
    listener.until_event("QueueMemberStatus", Interface="Local/101@from-queue/n", Status="3", Queue="400")
    join(listener)
    assert [one.get("Queue") for one in listener.heard if one.event == "AgentCalled"] == []


@pytest.mark.parametrize(
    ("keywords", "refused"),
    [({"joinempty": "no"}, True), ({"joinempty": "strict"}, True), ({"joinempty": "yes"}, False), ({}, False)],
)
def test_nobody_joins_a_queue_whose_members_are_away_unless_it_is_allowed(
    queue: Queue, listener: Manager, keywords: dict[str, str], *, refused: bool
) -> None:
    queue(**keywords)
    listener.ask("QueuePause", Queue="400", Interface="Local/101@from-queue/n", Paused="true")
    listener.originate("PJSIP/105", "400", ChannelId="caller")
    ends = {"VarSet": "QUEUESTATUS", "QueueCallerJoin": ""}
    told = listener.until(lambda one: one.event in ends and one.get("Variable") == ends[one.event])[-1]
    assert (told.event, told.get("Value")) == (("VarSet", "JOINEMPTY") if refused else ("QueueCallerJoin", ""))


def test_callers_leave_when_the_last_member_goes_where_that_is_so(queue: Queue, listener: Manager) -> None:
    queue(leavewhenempty="yes", member="Local/103@from-queue/n,0", timeout="1")
    join(listener)
    listener.until_event("AgentCalled")
    listener.ask("QueuePause", Queue="400", Interface="Local/103@from-queue/n", Paused="true")
    listener.until_event("VarSet", Variable="QUEUESTATUS", Value="LEAVEEMPTY")
    assert status(listener, "400")[0].get("Abandoned") == "1"


def test_who_waits_too_long_leaves(queue: Queue, listener: Manager, platform: DemoPlatform) -> None:
    queue(max_wait="1", member="Local/103@from-queue/n,0")
    join(listener)
    listener.until_event("VarSet", Variable="QUEUESTATUS", Value="TIMEOUT")
    listener.until_event("Hangup", Uniqueid="caller")
    assert "|caller|400|NONE|EXITWITHTIMEOUT|1|1|1\n" in platform.queue_log.read_text()


def test_queue_log_says_what_happened(platform: DemoPlatform, listener: Manager) -> None:
    listener.ask("QueuePause", Queue="800", Interface="Local/100@from-queue/n", Paused="true", Reason="lunch")
    join(listener, "800")
    agent = listener.until_event("AgentConnect")[-1].get("DestUniqueid")
    listener.until_event("BridgeEnter", Uniqueid="caller")
    listener.ask("Hangup", Channel="caller")
    listener.until_event("Hangup", Uniqueid="caller")
    listener.ask("QueueAdd", Queue="801", Interface="PJSIP/105", MemberName="Jo")
    listener.ask("QueueRemove", Queue="801", Interface="PJSIP/105")
    lines = [line.partition("|")[2] for line in platform.queue_log.read_text().splitlines()]
    assert lines == [
        "NONE|NONE|NONE|QUEUESTART|", "NONE|800|Ana|PAUSE|lunch", "caller|800|NONE|ENTERQUEUE||105|1",
        f"caller|800|Bruno|CONNECT|0|{agent}|0", "caller|800|Bruno|COMPLETECALLER|0|0|1",
        "MANAGER|801|Jo|ADDMEMBER|", "MANAGER|801|Jo|REMOVEMEMBER|",
    ]  # fmt: skip


def test_callers_come_to_the_queues_and_phones_that_are_for_others_stay_quiet(tmp_path: Path) -> None:
    pace = Pace(arrival=(0.1, 0.3), patience=(2.5, 4), talk=(0.1, 0.5))
    with DemoExchange(seed=1, pace=pace) as exchange:
        exchange.provide(tmp_path)
        with Manager(exchange.port) as manager:
            _, members = status(manager)
            paused = {one.get("PausedReason") for one in members.values() if one.get("Membership") == "static"}
            assert paused == {"Lunch", "Training"}
            assert {one.get("Membership") for one in members.values()} == {"static", "dynamic"}

            def moved() -> bool:
                figures = [status(manager, queue)[0] for queue in ("800", "801")]
                return all(int(one.get("Completed")) and int(one.get("Abandoned")) for one in figures)

            eventually(moved, "callers were served, and others gave up", 20)
            assert [one.get("Channel") for one in manager.channels() if "/10" in one.get("Channel")] == []
