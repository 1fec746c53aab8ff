"""Background calls among the phones from 110 on, so that there is something to look at."""

from __future__ import annotations

import random

from pbxapi.demo import causes
from pbxapi.demo.channels import Channel, Numbering, Party, State
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.phones import SCENERY, Phone
from pbxapi.demo.switch import Switch

CALLS = 2  # at once
TALK = (20, 90)  # seconds
PAUSE = (3, 15)  # seconds until the next call


class Scenery:
    """Places calls, one after the other on each of CALLS lines. The seed decides who calls whom and for how long."""

    def __init__(self, switch: Switch, dialplan: Dialplan, numbering: Numbering, seed: int) -> None:
        self._switch = switch
        self._dialplan = dialplan
        self._numbering = numbering
        self._random = random.Random(f"scenery {seed}")  # noqa: S311  (who calls whom in a toy exchange)

    def start(self) -> None:
        """Place the first calls now."""
        for _ in range(CALLS):
            self._call()

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
        order = self._random.sample(SCENERY, len(SCENERY))
        idle = [phone for phone in order if not self._switch.of_number(phone.number)]
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
