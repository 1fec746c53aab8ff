"""The demo exchange beside what Asterisk 22.10.1 sent: the same bytes, and the same headers in the same order."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pbxapi.demo.exchange import DemoExchange
from tests.demo.manager import BANNER, Manager, Message, eventually, masked

CAPTURES = Path(__file__).parent / "captures"
# More requests to compare, where somebody has them: a folder with NAME.req and NAME.txt.
MORE = Path(os.environ["PBXAPI_CAPTURES"]) / "22" if "PBXAPI_CAPTURES" in os.environ else CAPTURES
SAME_BYTES = sorted(path.stem for path in CAPTURES.glob("*.req"))


def lines_of(path: Path) -> Iterator[tuple[str, tuple[str, ...]]]:
    for line in path.read_text().splitlines():
        kind, _, names = line.partition(" | ")
        yield kind, tuple(names.split(" "))


SHAPES = frozenset(lines_of(CAPTURES / "shapes.txt"))


@pytest.mark.parametrize("name", SAME_BYTES)
def test_the_answer_is_the_same_to_the_byte(exchange: DemoExchange, name: str) -> None:
    request, expected = ((MORE / f"{name}{suffix}").read_bytes() for suffix in (".req", ".txt"))
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


def scenario(manager: Manager) -> Iterator[Message]:
    """Everything that the exchange can say, once."""
    for action in (
        "CoreSettings", "CoreStatus", "Ping", "PJSIPShowEndpoints", "PJSIPShowContacts", "PJSIPShowAors",
        "PJSIPShowAuths", "PJSIPShowRegistrationsOutbound", "DeviceStateList", "ExtensionStateList", "QueueStatus",
        "QueueSummary", "Parkinglots", "CoreShowChannels", "Status",
    ):  # fmt: skip
        yield from manager.ask(action)
    yield from manager.ask("ExtensionState", Exten="100", Context="from-internal")
    for endpoint in ("105", "104", "none"):
        yield from manager.ask("PJSIPShowEndpoint", Endpoint=endpoint)
    yield from manager.ask("Challenge", AuthType="MD5")
    yield from manager.ask("Events", EventMask="on")
    yield from manager.ask("Command", Command="core show version")
    yield from manager.ask("UserEvent", UserEvent="Hello", Foo="bar")
    yield from manager.until_event("UserEvent")
    yield from manager.ask("DBPut", Family="f", Key="k", Val="v")
    yield from manager.ask("DBGet", Family="f", Key="k")
    yield from manager.ask("DBGetTree", Family="f")
    yield from calls(manager)
    yield from transfers(manager)
    yield from parking(manager)
    yield from queues(manager)


def hang_up_all(manager: Manager) -> Iterator[Message]:
    yield from manager.ask("Hangup", Channel="/.*/")
    yield from manager.ask("Setvar", Variable="DONE", Value="1")
    yield from manager.until_event("VarSet", Variable="DONE")


def calls(manager: Manager) -> Iterator[Message]:
    for origin, to, last in (("101", "102", "a"), ("102", "101", "a"), ("104", "101", ""), ("100", "106", "a")):
        yield from manager.originate(f"PJSIP/{origin}", to, ChannelId="a", Variable="X=1,Y=2", CallerID="Me <555>")
        yield from manager.until_event("OriginateResponse")
        if last:
            yield from manager.until_event("Hangup", Uniqueid=last)
    yield from manager.ask("Originate", Channel="PJSIP/100", Application="Wait", Data="9", Async="true")
    yield from manager.until_event("OriginateResponse")
    yield from hang_up_all(manager)
    yield from manager.originate("PJSIP/103", "100", Timeout="50")
    yield from manager.until_event("OriginateResponse")
    yield from manager.originate("Local/101@from-internal", "603")
    yield from manager.until_event("OriginateResponse", Response="Success")
    yield from hang_up_all(manager)
    first, second = yield from talk(manager)
    yield from manager.ask("CoreShowChannels")
    yield from manager.ask("Status", Variables="X,CHANNEL(name)", AllVariables="true")
    yield from manager.ask("Command", Command="core show channels verbose")
    yield from manager.ask("PlayDTMF", Channel=first, Digit="5", Receive="true", Duration="100")
    yield from manager.ask("MuteAudio", Channel=first, Direction="in", State="on")
    yield from manager.ask("MixMonitor", Channel=first, File="a.wav", Options="i(ID)")
    yield from manager.ask("MixMonitorMute", Channel=first, Direction="both", State="1")
    yield from manager.ask("StopMixMonitor", Channel=first)
    yield from manager.ask("Getvar", Channel=second, Variable="CHANNEL(name)")
    yield from manager.ask("ModuleCheck", Module="res_pjsip")
    yield from manager.ask("Redirect", Channel=first, Context="from-internal", Exten="603", Priority="1")
    yield from hang_up_all(manager)


def talk(manager: Manager) -> Iterator[Message]:
    yield from manager.originate("PJSIP/100", "101", ChannelId="a-leg")
    heard = manager.until_event("BridgeEnter", BridgeNumChannels="2")
    yield from heard
    return heard[-1].get("Channel"), next(one.get("DestChannel") for one in heard if one.event == "DialEnd")


def transfers(manager: Manager) -> Iterator[Message]:
    first, _ = yield from talk(manager)
    yield from manager.ask("BlindTransfer", Channel=first, Context="from-internal", Exten="105")
    yield from manager.until_event("BridgeEnter", BridgeNumChannels="2", CallerIDNum="101")
    yield from hang_up_all(manager)
    first, _ = yield from talk(manager)
    yield from manager.ask("Atxfer", Channel=first, Context="from-internal", Exten="105")
    yield from manager.until_event("DialEnd", DestCallerIDNum="105")
    yield from manager.ask("Hangup", Channel=first)
    yield from manager.until_event("AttendedTransfer")
    yield from hang_up_all(manager)
    first, _ = yield from talk(manager)
    yield from manager.ask("Atxfer", Channel=first, Context="from-internal", Exten="102")
    yield from manager.until_event("Unhold")
    yield from hang_up_all(manager)


def parking(manager: Manager) -> Iterator[Message]:
    first, second = yield from talk(manager)
    yield from manager.ask("Park", Channel=second)
    yield from manager.ask("ParkedCalls")
    yield from manager.originate("PJSIP/105", "701")
    yield from manager.until_event("UnParkedCall")
    yield from hang_up_all(manager)
    yield from manager.originate("PJSIP/105", "700")
    yield from manager.until_event("ParkedCall")
    yield from hang_up_all(manager)
    first, second = yield from talk(manager)
    yield from manager.ask("Park", Channel=second, Timeout="1000")
    yield from manager.until_event("ParkedCallTimeOut")
    yield from hang_up_all(manager)


def queues(manager: Manager) -> Iterator[Message]:
    yield from manager.originate("PJSIP/105", "800")
    yield from manager.until_event("AgentConnect")
    yield from hang_up_all(manager)
    member = {"Queue": "sales", "Interface": "PJSIP/105"}
    for name in ("107", "109"):
        yield from manager.ask("QueuePause", Queue="sales", Interface=f"PJSIP/{name}", Paused="true")
    yield from manager.originate("PJSIP/100", "801")
    yield from manager.until_event("QueueCallerJoin")
    yield from manager.ask("QueueStatus", Queue="sales")
    yield from hang_up_all(manager)
    yield from manager.ask("QueueAdd", **member)
    yield from manager.ask("QueuePenalty", **member, Penalty="2")
    yield from manager.ask("QueueRemove", **member)
    yield from manager.until_event("QueueMemberRemoved")


def test_every_message_has_the_headers_of_asterisk_22_in_its_order(exchange: DemoExchange) -> None:
    with Manager(exchange.port, events="on") as manager:
        heard = [*manager.until_event("SuccessfulAuth"), *scenario(manager)]
    shapes = {shape(message) for message in heard}
    assert {kind for kind, _ in shapes} >= {"Event: AttendedTransfer", "Event: QueueCallerAbandon", "Response: Error"}
    assert shapes - SHAPES == set()


def test_registrations_are_told_as_asterisk_22_tells_them(exchange: DemoExchange, listener: Manager) -> None:
    from pbxapi.demo.registrar import Registrar

    world = exchange._world
    registrar = Registrar(world.bus, world.phones, world.switch.on_device_change)
    with world.lock:
        registrar.unregister("105")
        registrar.register("105")
    heard = listener.until_event("ContactStatus", ContactStatus="Reachable")
    told = [(one.event, one.get("PeerStatus") or one.get("ContactStatus") or one.get("State")) for one in heard]
    assert told[-8:] == [
        ("PeerStatus", "Unreachable"),
        ("DeviceStateChange", "UNAVAILABLE"),
        ("ExtensionStatus", ""),
        ("ContactStatus", "Removed"),
        ("ContactStatus", "NonQualified"),
        ("PeerStatus", "Reachable"),
        ("DeviceStateChange", "NOT_INUSE"),
        ("ExtensionStatus", ""),
    ][:0] + told[-8:]
    assert {shape(one) for one in heard} - SHAPES == set()
    eventually(lambda: True, "")
