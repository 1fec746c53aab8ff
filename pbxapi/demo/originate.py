"""Originate: calls a phone, and puts it into the dialplan or an application when it answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from pbxapi.demo.channels import Channel, Party
from pbxapi.demo.dialling import Leg, PhoneLeg
from pbxapi.demo.local import LocalLeg, LocalPair
from pbxapi.demo.phones import Phone
from pbxapi.demo.wire import Message
from pbxapi.demo.world import World

REASON_FAILED, REASON_NO_ANSWER, REASON_ANSWERED = 0, 3, 4


@dataclass(eq=False)
class Origination:
    """One Originate on its way, from the answer to the action to OriginateResponse."""

    world: World
    target: str  # the Channel header
    context: str
    exten: str
    priority: int
    application: str
    data: str
    caller: Party | None
    timeout: float
    channel_id: str
    other_channel_id: str
    variables: list[tuple[str, str]]
    told: Callable[[Message], None]
    """Takes what OriginateResponse would say after its ActionID: `Response` first."""

    def start(self) -> None:
        """Call the phone, or fail at once when there is nothing to call."""
        technology, _, target = self.target.partition("/")
        phone = self.world.phones.get(target) if technology.upper() == "PJSIP" else None
        local = re.fullmatch(r"([^@/]+)@([^@/]+)(/n)?", target) if technology.lower() == "local" else None
        if self.channel_id and self.world.switch.find(self.channel_id):
            self._tell(None, REASON_FAILED)
        elif phone and phone.registered:
            self._call_phone(phone)
        elif local:
            self._call_local(target, local[1], local[2])
        else:
            self._tell(None, REASON_FAILED)

    def _call_phone(self, phone: Phone) -> None:
        switch = self.world.switch
        party = Party(phone.number, phone.name)
        channel = switch.create(phone.number, party, self.world.numbering, uniqueid=self.channel_id)
        self._prepare(channel)
        self._identify(channel)
        PhoneLeg(switch, phone.number, channel, self, None, self.timeout, phone=phone).start()

    def _call_local(self, target: str, exten: str, context: str) -> None:
        switch, dialplan = self.world.switch, self.world.dialplan
        ids = (self.channel_id, self.other_channel_id)
        pair = LocalPair.create(switch, self.world.numbering, exten, context, ids=ids)
        self._prepare(pair.one)
        self._identify(pair.one)
        self._identify(pair.two)
        LocalLeg(switch, target, pair.one, self, None, self.timeout, pair=pair, dialplan=dialplan).start()

    def _prepare(self, channel: Channel) -> None:
        self.world.switch.place(channel, channel.exten, 1, "AppDial2", "(Outgoing Line)")
        for name, value in reversed(self.variables):
            self.world.switch.set_variable(channel, name, value)

    def _identify(self, channel: Channel) -> None:
        if self.caller:
            self.world.switch.set_caller(channel, self.caller)
            self.world.switch.set_connected(channel, self.caller)

    def answered(self, leg: Leg) -> None:
        """Tell of it, then go where the call was to go."""
        leg.close("ANSWER")
        self._tell(leg.channel, REASON_ANSWERED)
        leg.channel.application = ""
        if self.application:
            self.world.dialplan.start(leg.channel, self.application, self.data)
        else:
            context = self.context or leg.channel.context
            self.world.dialplan.run(leg.channel, context, self.exten or "s", self.priority)

    def failed(self, leg: Leg, status: str, *, timed_out: bool = False) -> None:
        """Tell of it: a phone that rang until the end is told apart, a busy one is not."""
        self._tell(None, REASON_NO_ANSWER if timed_out else REASON_FAILED)

    def _tell(self, channel: Channel | None, reason: int) -> None:
        if self.application:
            where = [("Application", self.application), ("Data", self.data)]
        else:
            where = [("Context", self.context), ("Exten", self.exten)]
        caller = self.caller or Party()
        self.told(
            [
                ("Response", "Success" if channel else "Failure"),
                ("Channel", channel.name if channel else self.target),
                *where,
                ("Reason", str(reason)),
                ("Uniqueid", channel.uniqueid if channel else self.channel_id or "<unknown>"),
                *caller.headers("CallerID"),
            ]
        )
