"""Background calls among the phones from 110 on, and one that comes and goes, so that there is something to look at."""

from __future__ import annotations

import random

from pbxapi.demo import causes
from pbxapi.demo.channels import Channel, Numbering, Party, State
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.phones import SCENERY, Phone
from pbxapi.demo.registrar import Registrar

CALLS = 2  # at once
TALK = (20, 90)  # seconds
PAUSE = (3, 15)  # seconds until the next call
ROAMING = "116"  # a telephone app that is closed now and then
PRESENT = (60, 180)  # seconds
AWAY = (10, 40)  # seconds


class Scenery:
    """Places calls, one after the other on each of CALLS lines. The seed decides who calls whom and for how long."""

    def __init__(self, dialplan: Dialplan, registrar: Registrar, numbering: Numbering, seed: int) -> None:
        self._switch = dialplan.switch
        self._dialplan = dialplan
        self._registrar = registrar
        self._numbering = numbering
        self._roaming = random.Random(f"roaming {seed}")  # noqa: S311
        self._random = random.Random(f"scenery {seed}")  # noqa: S311  (who calls whom in a toy exchange)

    def start(self) -> None:
        """Place the first calls now."""
        for _ in range(CALLS):
            self._call()
        self._switch.clock.later(self._roaming.randint(*PRESENT), self._go)

    def _go(self) -> None:
        if ROAMING in self._dialplan.phones and not self._switch.of_number(ROAMING):
            self._registrar.unregister(ROAMING)
        self._switch.clock.later(self._roaming.randint(*AWAY), self._come)

    def _come(self) -> None:
        phone = self._dialplan.phones.get(ROAMING)
        if phone and not phone.registered:
            self._registrar.register(ROAMING)
        self._switch.clock.later(self._roaming.randint(*PRESENT), self._go)

    def _call(self) -> None:
        talk, pause = self._random.randint(*TALK), self._random.randint(*PAUSE)
        pair = self._idle_pair()
        if pair is None:
            self._switch.clock.later(pause, self._call)
            return
        caller, callee = pair
        channel = self._pick_up(caller, callee.number)
        self._switch.clock.later(talk, lambda: self._end(channel))
        self._switch.clock.later(talk + pause, self._call)
        self._dialplan.run(channel, channel.context, callee.number, 1)

    def _idle_pair(self) -> tuple[Phone, Phone] | None:
        phones = [self._dialplan.phones.get(number) for number in self._random.sample(SCENERY, len(SCENERY))]
        idle = [phone for phone in phones if phone and phone.registered and not self._switch.of_number(phone.number)]
        return (idle[0], idle[1]) if len(idle) > 1 else None

    def _pick_up(self, phone: Phone, dialled: str) -> Channel:
        """A call that comes in from a phone."""
        name, uniqueid = self._numbering.channel(phone.device)
        party = Party(phone.number, phone.name)
        channel = Channel(name, uniqueid, uniqueid, phone.number, party, self._numbering, self._switch.clock.now())
        channel.state, channel.exten, channel.dnid = State.RING, dialled, dialled
        channel.sip_call_id = self._numbering.uuid()
        self._switch.add(channel)
        self._switch.on_device_change(phone.number)
        return channel

    def _end(self, channel: Channel) -> None:
        if not channel.gone:
            self._switch.tell("HangupRequest", channel, ("Cause", str(causes.NORMAL)))
            self._switch.hang_up(channel, causes.NORMAL)
