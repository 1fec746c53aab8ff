"""Peers from what stacks answer, over a manager made of bytes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pbxapi.ami import Client
from pbxapi.errors import NotFound, NotSupported, Unavailable
from pbxapi.pbx.channels import AmiChannels
from pbxapi.pbx.peers import AmiPeers
from tests.ami.scripted import Action, Answer, ScriptedManager, Session


@pytest.fixture
def manager() -> Iterator[ScriptedManager]:
    with ScriptedManager() as manager:
        for action in ("PJSIPShowEndpoints", "PJSIPShowContacts", "SIPpeers", "IAXpeerlist", "DeviceStateList"):
            manager.on(action, UNKNOWN)
        manager.on("Status", listing("StatusComplete"))
        yield manager


@pytest.fixture
def client(manager: ScriptedManager) -> Iterator[Client]:
    client = manager.client()
    yield client
    client.close()


@pytest.fixture
def peers(client: Client) -> AmiPeers:
    return AmiPeers(client, AmiChannels(client, contexts=frozenset(), ttl=0), ttl=0)


def refusing(words: str) -> Answer:
    return lambda session, action: session.answer(action, f"Message: {words}", response="Error")


UNKNOWN = refusing("Invalid/unknown command: X. Use Action: ListCommands to show available commands.")
DENIED = refusing("Permission denied")


def listing(closing: str, *events: tuple[str, ...]) -> Answer:
    def answer(session: Session, action: Action) -> None:
        session.answer(action, "EventList: start", "Message: A list follows")
        for name, *lines in events:
            session.event(name, *lines, action=action)
        session.event(closing, "EventList: Complete", f"ListItems: {len(events)}", action=action)

    return answer


def endpoint(name: str, contacts: str = "", state: str = "Not in use", active: str = "0") -> tuple[str, ...]:
    headers = {"ObjectName": name, "Aor": name, "Contacts": contacts, "DeviceState": state, "ActiveChannels": active}
    return "EndpointList", *(f"{header}: {value}" for header, value in headers.items())


def contact(aor: str, status: str, microseconds: str = "N/A") -> tuple[str, ...]:
    return (
        "ContactList", f"ObjectName: {aor};@0f3a", f"Uri: sip:{aor}@192.0.2.7:5060", "ViaAddr: 2001:db8::7",
        "ViaPort: 5060", "UserAgent: Phone 1", f"Status: {status}", f"RoundtripUsec: {microseconds}",
        "ExpirationTime: 1767607200",
    )  # fmt: skip


def with_pjsip(manager: ScriptedManager, endpoints: list[tuple[str, ...]], *contacts: tuple[str, ...]) -> None:
    manager.on("PJSIPShowEndpoints", listing("EndpointListComplete", *endpoints))
    manager.on(
        "PJSIPShowContacts",
        listing("ContactListComplete", *contacts) if contacts else refusing("No Contacts found"),
    )


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Reachable", "online"), ("Avail", "online"), ("Unreachable", "offline"), ("NonQualified", "unmonitored"),
        ("x", "unknown"),
    ],
)  # fmt: skip
def test_a_contacts_status_is_the_peers_state(
    manager: ScriptedManager, peers: AmiPeers, status: str, state: str
) -> None:
    with_pjsip(manager, [endpoint("200")], contact("200", status, "12345"))
    (peer,) = peers.all().value
    assert (peer.state, peer.latency_ms, peer.user_agent) == (state, 12.345, "Phone 1")
    assert peer.address == "[2001:db8::7]:5060"


def test_where_nobody_is_registered_every_phone_is_offline(manager: ScriptedManager, peers: AmiPeers) -> None:
    with_pjsip(manager, [endpoint("200", state="Unavailable")])
    (peer,) = peers.all().value
    assert (peer.state, peer.device_state, peer.contacts) == ("offline", "unavailable", ())


def test_an_exchange_with_no_endpoints_has_no_peers(manager: ScriptedManager, peers: AmiPeers) -> None:
    manager.on("PJSIPShowEndpoints", refusing("No endpoints found"))
    manager.on("PJSIPShowContacts", refusing("No Contacts found"))
    assert peers.all().value == ()
    assert peers.rows("pjsip") == []


def test_the_permanent_contact_of_a_trunk_is_shown(manager: ScriptedManager, peers: AmiPeers) -> None:
    with_pjsip(manager, [endpoint("trunk", "trunk/sip:sip.example.com:5060,")])
    (peer,) = peers.all().value
    assert [c.uri for c in peer.contacts] == ["sip:sip.example.com:5060"]
    assert peer.state == "unmonitored"


def test_an_exchange_with_no_stack_has_no_peers(peers: AmiPeers) -> None:
    assert peers.all().value == ()


def test_a_stack_that_was_there_a_moment_ago_is_missed_and_not_taken_for_gone(
    manager: ScriptedManager, peers: AmiPeers
) -> None:
    """A starting Asterisk knows PJSIP's actions not yet, then denies them."""
    with_pjsip(manager, [endpoint("200")])
    assert len(peers.all().value) == 1
    for starting in (UNKNOWN, DENIED):
        manager.on("PJSIPShowEndpoints", starting)
        with pytest.raises(Unavailable):
            peers.all(fresh=True)


def test_without_the_right_to_list_devices_states_have_to_do(manager: ScriptedManager, peers: AmiPeers) -> None:
    for action in ("PJSIPShowEndpoints", "PJSIPShowContacts", "PJSIPShowEndpoint"):
        manager.on(action, DENIED)
    states = {"PJSIP/200": "INUSE", "PJSIP/201": "UNAVAILABLE", "Queue:x": "NOT_INUSE"}
    devices = [("DeviceStateChange", f"Device: {device}", f"State: {state}") for device, state in states.items()]
    manager.on("DeviceStateList", listing("DeviceStateListComplete", *devices))
    found = {peer.name: (peer.state, peer.device_state) for peer in peers.all().value}
    assert found == {"200": ("online", "inuse"), "201": ("offline", "unavailable")}
    with pytest.raises(NotSupported):
        peers.get("200")


def test_two_stacks_may_have_a_peer_of_one_name(manager: ScriptedManager, peers: AmiPeers) -> None:
    with_pjsip(manager, [endpoint("200")], contact("200", "Reachable"))
    entry = ("PeerEntry", "ObjectName: 200", "IPaddress: 192.0.2.8", "IPport: 5060", "Status: OK (8 ms)")
    manager.on("SIPpeers", listing("PeerlistComplete", entry))
    detail = listing(
        "EndpointDetailComplete", ("EndpointDetail", "Context: inside", "Allow: (ulaw|alaw)"),
        ("AuthDetail", "Password: hunter2"),
    )  # fmt: skip
    manager.on("PJSIPShowEndpoint", detail)
    assert [(p.technology, p.state) for p in peers.all().value] == [("pjsip", "online"), ("sip", "online")]
    found = peers.get("200")
    assert (found.technology, found.context, found.codecs) == ("pjsip", "inside", ("ulaw", "alaw"))
    assert "hunter2" not in repr(found)
    assert peers.get("200", "sip").latency_ms == 8.0
    with pytest.raises(NotFound):
        peers.get("200", "iax2")
