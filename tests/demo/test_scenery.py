"""The life in the background: the same for the same seed, and never on the phones that tests use."""

from __future__ import annotations

import itertools

import pytest

from pbxapi.demo.bus import Bus
from pbxapi.demo.channels import Numbering
from pbxapi.demo.database import Database
from pbxapi.demo.exchange import DemoExchange
from pbxapi.demo.phones import PHONES, Phone
from pbxapi.demo.registrar import Registrar
from tests.demo.manager import Manager, Message
from tests.demo.test_captures import SHAPES, shape


def background(seed: int) -> list[tuple[str, str, str]]:
    """The calls that are there from the start, with their ids."""
    with DemoExchange(seed=seed) as exchange, Manager(exchange.port) as manager:
        callers = [one for one in manager.channels() if one.get("Application") == "Dial"]
        return [(one.get("Channel"), one.get("Exten"), one.get("Uniqueid")) for one in callers]


@pytest.mark.parametrize("seed", range(6))
def test_there_are_two_calls_at_once_among_the_registered_phones_from_110_on(seed: int) -> None:
    calls = background(seed)
    assert len(calls) == 2
    numbers = {number for name, exten, _ in calls for number in (name[6:9], exten)}
    assert len(numbers) == 4
    assert numbers <= {phone.number for phone in PHONES if phone.registered and phone.number >= "110"}


def test_the_same_seed_makes_the_same_calls_and_another_seed_others() -> None:
    assert background(1) == background(1)
    assert background(1) != background(2)


def test_background_calls_change_no_id_of_others() -> None:
    ids = []
    for background_calls in (True, False):
        with (
            DemoExchange(seed=7, background_calls=background_calls) as exchange,
            Manager(exchange.port) as manager,
        ):
            manager.originate("PJSIP/103", "101")
            channel = next(one for one in manager.channels() if one.get("CallerIDNum") == "103")
            ids.append((channel.get("Channel"), channel.get("Uniqueid")))
    assert ids[0] == ids[1]


def test_the_same_actions_give_the_same_events(exchange: DemoExchange) -> None:
    def run(port: int) -> list[Message]:
        with Manager(port, events="call,dialplan") as manager:
            manager.originate("PJSIP/101", "102", ChannelId="a")
            manager.until_event("Hangup", Uniqueid="a")
            manager.originate("PJSIP/103", "101")
            manager.until_event("DialState")
            return [one for one in manager.heard if one.event]

    with DemoExchange(seed=1, background_calls=False) as again:
        assert run(exchange.port) == run(again.port)


@pytest.mark.parametrize("seed", [1, 2])
def test_numbering_never_gives_an_id_twice(seed: int) -> None:
    own, others = Numbering("demo", seed), Numbering("demo", seed, 0x10000)
    ids = list(itertools.chain.from_iterable((*one.channel("PJSIP/1"), one.uuid()) for one in [own, others] * 50))
    assert len(set(ids)) == len(ids)


class Ear:
    """Hears everything."""

    def __init__(self) -> None:
        self.heard: list[Message] = []

    def hear(self, kind: str, data: bytes) -> None:
        self.heard.append(Message(data.decode().removesuffix("\r\n\r\n")))


def test_a_phone_that_goes_and_comes_back_is_told_as_on_asterisk_22() -> None:
    ear, bus = Ear(), Bus("demo")
    bus.attach(ear)
    phones: dict[str, Phone] = {phone.number: phone for phone in PHONES}
    changed: list[str] = []
    registrar = Registrar(bus, phones, Database(), changed.append)
    for step in (registrar.unregister, registrar.register):
        step("105")
        changed.append(str(phones["105"].registered))
    told = [(one.event, one.get("PeerStatus") or one.get("ContactStatus")) for one in ear.heard]
    assert told == [
        ("PeerStatus", "Unreachable"),
        ("ContactStatus", "Removed"),
        ("ContactStatus", "NonQualified"),
        ("PeerStatus", "Reachable"),
        ("ContactStatus", "Reachable"),
    ]
    assert changed == ["105", "False", "105", "True"]
    assert {shape(one) for one in ear.heard} <= SHAPES
