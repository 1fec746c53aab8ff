"""What an extension's place in a queue is made of, on each platform."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from pbxapi.ami import Client
from pbxapi.errors import NotFound
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.channels import AmiChannels
from pbxapi.pbx.peers import AmiPeers
from pbxapi.pbx.platform import PlatformLook
from pbxapi.pbx.queue_seats import PlainSeats, PlatformSeats, Seat
from tests.ami.scripted import Action, ScriptedManager, Session
from tests.pbx.queue_floor import UNKNOWN, QueueFloor
from tests.pbx.queued import platform_tables


@pytest.fixture
def manager() -> Iterator[ScriptedManager]:
    with ScriptedManager() as manager:
        QueueFloor(manager)
        yield manager


@pytest.fixture
def client(manager: ScriptedManager) -> Iterator[Client]:
    client = manager.client()
    yield client
    client.close()


@pytest.fixture
def tables() -> Iterator[Engine]:
    made = platform_tables()
    yield made
    made.dispose()


def seats(client: Client, tables: Engine, platform: str = "freepbx") -> PlatformSeats:
    return PlatformSeats(PlatformLook(tables, platform), AstDb(client), frozenset({"from-internal"}))


def test_an_extension_is_called_past_its_follow_me_and_its_hint_tells_its_state(client: Client, tables: Engine) -> None:
    seat = seats(client, tables).of("200")
    assert seat == Seat("Local/200@from-queue/n", "Alice", "hint:200@ext-local", ("200",))
    assert seat.lamps("400") == ("Custom:QUEUE200*400",)


def test_every_device_of_a_user_has_a_lamp(client: Client, tables: Engine) -> None:
    assert seats(client, tables).of("201").lamps("400") == ("Custom:QUEUE201*400", "Custom:QUEUE2201*400")


def test_whose_state_is_to_be_ignored_has_no_state_interface(client: Client, tables: Engine) -> None:
    seat = seats(client, tables).of("202")
    assert (seat.state_interface, seat.name) == (None, None)


def test_where_the_platform_sets_no_states_there_are_no_lamps(client: Client, tables: Engine) -> None:
    with tables.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO issabelpbx_settings (keyword, value, defaultval) VALUES ('USEDEVSTATE', '0', '1')"
        )
    assert seats(client, tables, "issabel").of("200").lamps("400") == ()
    assert seats(client, tables, "freepbx").of("200").lamps("400") == ("Custom:QUEUE200*400",)


@pytest.mark.parametrize("extension", ["299", "", "2/0", "200\r\nX: y", "*45"])
def test_what_is_no_extension_has_no_seat(client: Client, tables: Engine, extension: str) -> None:
    with pytest.raises(NotFound):
        seats(client, tables).of(extension)


def test_members_may_be_called_through_the_platforms_own_context(client: Client, tables: Engine) -> None:
    assert seats(client, tables).contexts == {"from-internal", "from-queue"}


def plain(manager: ScriptedManager, client: Client, caller_id: str) -> PlainSeats:
    def detail(session: Session, action: Action) -> None:
        session.answer(action, "EventList: start", "Message: Following are Events for each object")
        if action.headers["Endpoint"] == "100":
            session.event("EndpointDetail", "ObjectName: 100", f"Callerid: {caller_id}", action=action)
        session.event("EndpointDetailComplete", "EventList: Complete", action=action)

    def endpoints(session: Session, action: Action) -> None:
        session.answer(action, "EventList: start", "Message: A listing of Endpoints follows")
        state = "Not in use"
        session.event("EndpointList", "ObjectName: 100", "Aor: 100", f"DeviceState: {state}", action=action)
        session.event("EndpointListComplete", "EventList: Complete", action=action)

    def nothing(session: Session, action: Action) -> None:
        session.answer(action, "Message: No Contacts found", response="Error")

    for action in ("SIPpeers", "IAXpeerlist", "DeviceStateList", "PJSIPShowRegistrationsOutbound"):
        manager.on(action, UNKNOWN)
    manager.on("PJSIPShowEndpoint", detail)
    manager.on("PJSIPShowEndpoints", endpoints)
    manager.on("PJSIPShowContacts", nothing)
    peers = AmiPeers(client, AmiChannels(client, contexts=frozenset(), ttl=0), ttl=0)
    return PlainSeats(peers, "pjsip", frozenset({"from-internal"}))


@pytest.mark.parametrize(
    ("caller_id", "name"),
    [
        ('"Ana" <100>', "Ana"), ("Ana María <100>", "Ana María"), ("<100>", None), ("", None), ("<unknown>", None),
        ('"" <100>', None), ("100", None),
    ],
)  # fmt: skip
def test_on_an_asterisk_alone_it_is_the_endpoint_under_the_name_of_its_caller_id(
    manager: ScriptedManager, client: Client, caller_id: str, name: str | None
) -> None:
    found = plain(manager, client, caller_id)
    assert found.of("100") == Seat("PJSIP/100", name)
    assert found.of("100").lamps("support") == ()
    with pytest.raises(NotFound):
        found.of("101")
