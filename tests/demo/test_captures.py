"""The demo exchange beside what Asterisk 22.10.1 sent: the same bytes, and the same headers in the same order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pbxapi.demo.exchange import DemoExchange
from tests.demo.manager import BANNER, Manager, Message, masked

CAPTURES = Path(__file__).parent / "captures"
# More requests to compare, where somebody has them: a folder with NAME.req and NAME.txt.
MORE = Path(os.environ["PBXAPI_CAPTURES"]) / "22" if "PBXAPI_CAPTURES" in os.environ else CAPTURES
SAME_BYTES = sorted(path.stem for path in CAPTURES.glob("*.req"))


def lines_of(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    for line in path.read_text().splitlines():
        kind, _, names = line.partition(" | ")
        yield kind, tuple(names.split(" "))


def renamed(data: bytes) -> bytes:
    """The queues of the server that was asked have the demo's names, which are numbers."""
    return data.replace(b"Queue: support\r", b"Queue: 800\r").replace(b"Queue: sales\r", b"Queue: 801\r")


SHAPES = frozenset(lines_of(CAPTURES / "shapes.txt"))


@pytest.mark.parametrize("name", SAME_BYTES)
def test_the_answer_is_the_same_to_the_byte(exchange: DemoExchange, name: str) -> None:
    request, expected = (renamed((MORE / f"{name}{suffix}").read_bytes()) for suffix in (".req", ".txt"))
    before_login = expected.startswith(BANNER)
    ends = b"Action: Logoff" in request or b"Authentication failed" in expected
    with Manager(exchange.port, login=not before_login) as manager:
        manager.send(request)
        if not ends:
            manager.send(b"Action: Logoff\r\nActionID: the-end\r\n\r\n")
        answer = manager.read_to_end()
    if not ends:
        answer, _, _ = answer.partition(b"Response: Goodbye\r\nActionID: the-end")
    assert masked(answer) == masked(expected)


def shape(message: Message) -> tuple[str, tuple[str, ...]]:
    """What a message is, and its headers in order; one that is repeated counts once."""
    (kind, value), *rest = message
    names: list[str] = []
    for name, _ in rest:
        if not (name in ("Variable", "Output") and names and names[-1] == name):
            names.append(name)
    return f"{kind}: {value}", tuple(names)


def run_everything(manager: Manager) -> None:
    """Make the exchange say, once, all that it can say."""
    for action in (
        "CoreSettings", "CoreStatus", "Ping", "PJSIPShowEndpoints", "PJSIPShowContacts", "PJSIPShowAors",
        "PJSIPShowAuths", "PJSIPShowRegistrationsOutbound", "DeviceStateList", "ExtensionStateList", "QueueStatus",
        "QueueSummary", "Parkinglots", "VoicemailUsersList", "CoreShowChannels", "Status",
    ):  # fmt: skip
        manager.ask(action)
    manager.ask("ExtensionState", Exten="100", Context="from-internal")
    for endpoint in ("105", "104", "none"):
        manager.ask("PJSIPShowEndpoint", Endpoint=endpoint)
    manager.ask("VoicemailUserStatus", Context="default", Mailbox="100")
    manager.ask("VoicemailBoxSummary", Context="default", Mailbox="100")
    manager.ask("Challenge", AuthType="MD5")
    manager.ask("Events", EventMask="on")
    manager.ask("Command", Command="core show version")
    manager.ask("UserEvent", UserEvent="Hello", Foo="bar")
    manager.ask("DBPut", Family="f", Key="k", Val="v")
    manager.ask("DBGet", Family="f", Key="k")
    manager.ask("DBGetTree", Family="f")
    for part in (run_calls, run_sound, run_transfers, run_parking, run_queues):
        part(manager)
        hang_up_all(manager)
    manager.ask("Logoff")


def hang_up_all(manager: Manager) -> None:
    """End all calls and read what is told of it."""
    manager.ask("Hangup", Channel="/.*/")
    manager.ask("Setvar", Variable="DONE", Value="1")
    manager.until_event("VarSet", Variable="DONE")


def run_calls(manager: Manager) -> None:
    for origin, to in (("101", "102"), ("102", "101"), ("100", "106")):
        manager.originate(f"PJSIP/{origin}", to, ChannelId="a", Variable="X=1,Y=2", CallerID="Me <555>")
        manager.until_event("Hangup", Uniqueid="a")
    manager.originate("PJSIP/104", "101")
    manager.until_event("OriginateResponse")
    manager.originate("PJSIP/103", "100", Timeout="50")
    manager.until_event("OriginateResponse")
    manager.ask("Originate", Channel="PJSIP/100", Application="Wait", Data="9", Async="true")
    manager.until_event("OriginateResponse")
    manager.originate("Local/101@from-internal", "603")
    manager.until_event("OriginateResponse")


def run_sound(manager: Manager) -> None:
    first, second = manager.talk()
    manager.ask("Status", Variables="X,CHANNEL(name)", AllVariables="true")
    manager.ask("Command", Command="core show channels verbose")
    manager.ask("PlayDTMF", Channel=first, Digit="5", Receive="true", Duration="100")
    manager.ask("MuteAudio", Channel=first, Direction="in", State="on")
    manager.ask("MixMonitor", Channel=first, File="a.wav", Options="i(ID)")
    manager.ask("MixMonitorMute", Channel=first, Direction="both", State="1")
    manager.ask("StopMixMonitor", Channel=first)
    manager.ask("Getvar", Channel=second, Variable="CHANNEL(name)")
    manager.ask("ModuleCheck", Module="res_pjsip")


def run_transfers(manager: Manager) -> None:
    first, _ = manager.talk()
    manager.ask("BlindTransfer", Channel=first, Context="from-internal", Exten="105")
    hang_up_all(manager)
    first, _ = manager.talk()
    manager.ask("Atxfer", Channel=first, Context="from-internal", Exten="105")
    manager.until_event("BridgeEnter", CallerIDNum="105")
    manager.ask("Hangup", Channel=first)
    hang_up_all(manager)
    first, _ = manager.talk()
    manager.ask("Atxfer", Channel=first, Context="from-internal", Exten="102")
    manager.until_event("Unhold")


def run_parking(manager: Manager) -> None:
    _, second = manager.talk()
    manager.ask("Park", Channel=second, Timeout="1000")
    manager.ask("ParkedCalls")
    manager.until_event("ParkedCallTimeOut")
    manager.originate("PJSIP/105", "700")
    manager.until_event("ParkedCall")
    manager.originate("PJSIP/100", "701")
    manager.until_event("UnParkedCall")
    hang_up_all(manager)
    manager.originate("PJSIP/105", "700")
    manager.until_event("ParkedCall")


def run_queues(manager: Manager) -> None:
    manager.originate("PJSIP/105", "800")
    manager.until_event("AgentConnect")
    manager.ask("Hangup", Channel="/^PJSIP\\/105-/")
    manager.until_event("AgentComplete")
    manager.ask("QueueAdd", Queue="801", Interface="PJSIP/105")
    manager.ask("QueuePenalty", Queue="801", Interface="PJSIP/105", Penalty="2")
    manager.ask("QueueMemberRingInUse", Queue="801", Interface="PJSIP/105", RingInUse="no")
    manager.ask("QueueRemove", Queue="801", Interface="PJSIP/105")
    for number in ("107", "109"):
        manager.ask("QueuePause", Queue="801", Interface=f"PJSIP/{number}", Paused="true")
    manager.originate("PJSIP/105", "801")
    manager.until_event("QueueCallerJoin", Queue="801")
    manager.ask("QueueStatus", Queue="801")


# What the scenario must bring about at least, so that it cannot pass by saying nothing.
EVENTS = frozenset({
    "AttendedTransfer", "BlindTransfer", "BridgeDestroy", "DTMFEnd", "DialState", "ExtensionStatus", "Hangup",
    "HangupRequest", "LocalBridge", "MixMonitorStop", "MusicOnHoldStop", "NewCallerid", "OriginateResponse",
    "ParkedCallGiveUp", "ParkedCallTimeOut", "QueueCallerAbandon", "QueueEntry", "QueueMemberRemoved",
    "SoftHangupRequest", "SuccessfulAuth", "UnParkedCall", "UserEvent", "VarSet",
})  # fmt: skip


def test_every_message_has_the_headers_of_asterisk_22_in_its_order(exchange: DemoExchange) -> None:
    with Manager(exchange.port, events="on") as manager:
        run_everything(manager)
        assert EVENTS - {one.event for one in manager.heard} == set()
        assert {shape(one) for one in manager.heard} - SHAPES == set()
