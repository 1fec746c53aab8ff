"""Queues of the demo: who is called and who is not, and what is counted, told and written down, as app_queue does."""

from __future__ import annotations

import pytest

from pbxapi.demo.queue import Figures
from tests.demo.manager import Manager, Message


def status(manager: Manager, queue: str = "800") -> tuple[Message, dict[str, Message]]:
    """The queue, and its members by their interfaces."""
    _, params, *rest, _ = manager.ask("QueueStatus", Queue=queue)
    return params, {one.get("Location"): one for one in rest if one.event == "QueueMember"}


def queue_up(listener: Manager, number: str = "800") -> None:
    listener.originate("PJSIP/105", number, ChannelId="caller")
    listener.until_event("QueueCallerJoin", Uniqueid="caller")


def only_members(listener: Manager, *members: tuple[str, int]) -> None:
    """Let nobody else serve 801."""
    for number in ("107", "109"):
        listener.ask("QueuePause", Queue="801", Interface=f"PJSIP/{number}", Paused="true")
    for number, penalty in members:
        listener.ask("QueueAdd", Queue="801", Interface=f"PJSIP/{number}", Penalty=str(penalty))


def called(listener: Manager) -> list[str]:
    return [one.get("Interface") for one in listener.heard if one.event == "AgentCalled"]


def test_averages_are_those_of_asterisk_and_the_first_call_counts_whole() -> None:
    figures = Figures()
    for wait, talk in ((8, 40), (16, 80), (0, 0)):
        figures.connect(wait)
        figures.complete(talk, in_time=wait <= 8)
    figures.abandon(in_time=False)
    assert (figures.holdtime, figures.talktime) == (7, 37)  # 8, then (3*8+16)/4=10, then (3*10+0)/4
    assert (f"{figures.percent:.1f}", f"{figures.percent_of_all:.1f}") == ("66.7", "50.0")


def test_nothing_is_counted_before_there_was_a_call(manager: Manager) -> None:
    params, _ = status(manager)
    shown = [params.get(name) for name in ("Strategy", "Holdtime", "Completed", "ServicelevelPerf2")]
    assert shown == ["ringall", "0", "0", "0.0"]


def test_who_is_paused_in_all_queues_is_not_called(listener: Manager) -> None:
    listener.ask("QueueAdd", Queue="801", Interface="PJSIP/100")
    listener.ask("QueuePause", Interface="PJSIP/100", Paused="true", Reason="lunch")
    for queue in ("800", "801"):
        member = status(listener, queue)[1]["PJSIP/100"]
        assert (member.get("Paused"), member.get("PausedReason")) == ("1", "lunch")
        assert member.get("LastPause") != "0"
    queue_up(listener)
    listener.until_event("AgentConnect")
    assert called(listener) == ["PJSIP/101"]


def test_the_lowest_penalty_is_called_alone(listener: Manager) -> None:
    listener.ask("QueuePenalty", Queue="800", Interface="PJSIP/100", Penalty="2")
    queue_up(listener)
    listener.until_event("AgentConnect")
    assert called(listener) == ["PJSIP/101"]


def test_with_rrmemory_members_take_turns(listener: Manager) -> None:
    for _ in range(2):
        queue_up(listener, "801")
        listener.until_event("AgentConnect")
        listener.ask("Hangup", Channel="caller")
        listener.until_event("Hangup", Uniqueid="caller")
    assert called(listener) == ["PJSIP/107", "PJSIP/109"]


def test_who_does_not_answer_is_told_and_the_caller_waits_on(listener: Manager) -> None:
    only_members(listener, ("106", 0))
    queue_up(listener, "801")
    missed = listener.until_event("AgentRingNoAnswer")[-1]
    assert (missed.get("Interface"), missed.get("Queue"), missed.get("Uniqueid")) == ("PJSIP/106", "801", "caller")
    assert status(listener, "801")[0].get("Calls") == "1"


@pytest.mark.parametrize(("ends", "reason"), [("caller", "caller"), ("agent", "agent")])
def test_a_call_counts_when_it_ends_and_it_is_told_who_ended_it(listener: Manager, ends: str, reason: str) -> None:
    queue_up(listener)
    connected = listener.until_event("AgentConnect")[-1]
    member = connected.get("Interface")
    listener.until_event("BridgeEnter", Uniqueid="caller")
    assert status(listener)[0].get("Completed") == "0"
    listener.ask("Hangup", Channel="caller" if ends == "caller" else connected.get("DestChannel"))
    complete = listener.until_event("AgentComplete")[-1]
    assert (complete.get("Reason"), complete.get("Interface")) == (reason, member)
    params, members = status(listener)
    assert (params.get("Completed"), members[member].get("CallsTaken")) == ("1", "1")
    assert listener.ask("QueueReset", Queue="800")[0].get("Response") == "Success"
    params, members = status(listener)
    assert (params.get("Completed"), members[member].get("CallsTaken")) == ("0", "0")


def test_a_call_that_is_transferred_is_over_for_the_queue(listener: Manager) -> None:
    queue_up(listener)
    agent = listener.until_event("AgentConnect")[-1].get("DestChannel")
    listener.until_event("BridgeEnter", Uniqueid="caller")
    listener.ask("BlindTransfer", Channel=agent, Context="from-internal", Exten="107")
    assert listener.until_event("AgentComplete")[-1].get("Reason") == "transfer"
    listener.until_event("BridgeEnter", CallerIDNum="107")
    listener.ask("Hangup", Channel="caller")
    listener.until_event("Hangup", Uniqueid="caller")
    assert status(listener)[0].get("Completed") == "1"


def test_a_member_who_waits_behind_a_local_channel_is_one_phone(listener: Manager) -> None:
    only_members(listener)
    member = {"Queue": "801", "Interface": "Local/101@from-queue/n", "StateInterface": "hint:101@ext-local"}
    listener.ask("QueueAdd", **member, MemberName="Bruno")
    queue_up(listener, "801")
    listener.until_event("AgentConnect")
    listener.until_event("BridgeEnter", Uniqueid="caller")
    found = status(listener, "801")[1]["Local/101@from-queue/n"]
    assert [found.get(name) for name in ("Name", "StateInterface", "Status", "InCall")] == [
        "Bruno", "hint:101@ext-local", "2", "1",
    ]  # fmt: skip
    names = {one.get("Channel").rpartition("-")[0] for one in listener.channels()}
    assert names == {"PJSIP/105", "PJSIP/101", "Local/101@from-queue"}
    listener.ask("Hangup", Channel="caller")
    listener.until_event("AgentComplete")
    listener.until_event("QueueMemberStatus", Interface="Local/101@from-queue/n", Status="1")
    assert listener.channels() == []


def test_who_may_be_called_while_talking_is_set_for_a_member(listener: Manager) -> None:
    answer = listener.ask("QueueMemberRingInUse", Queue="800", Interface="PJSIP/100", RingInUse="yes")
    assert answer[0].get("Message") == "Interface ringinuse set successfully"
    assert listener.until_event("QueueMemberRinginuse")[-1].get("Ringinuse") == "1"


def test_who_is_second_waits_while_the_only_member_rings_for_the_first(listener: Manager) -> None:
    only_members(listener, ("103", 0))  # rings for ever
    listener.ask("QueueMemberRingInUse", Queue="801", Interface="PJSIP/103", RingInUse="yes")
    for channel in ("first", "second"):
        listener.originate("PJSIP/105", "801", ChannelId=channel)
        listener.until_event("QueueCallerJoin", Uniqueid=channel)
    _, _, *rest, _ = listener.ask("QueueStatus", Queue="801")
    entries = [(one.get("Position"), one.get("Uniqueid")) for one in rest if one.event == "QueueEntry"]
    assert entries == [("1", "first"), ("2", "second")]
    assert {one.get("Uniqueid") for one in listener.heard if one.event == "AgentCalled"} == {"first"}
