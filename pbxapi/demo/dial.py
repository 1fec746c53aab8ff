"""The Dial application: calls phones for a channel and bridges it with the first that answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pbxapi.demo import causes
from pbxapi.demo.channels import Channel, Party, State
from pbxapi.demo.dialling import Leg, PhoneLeg
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.phones import Phone
from pbxapi.demo.switch import Switch
from pbxapi.demo.talk import Talk


@dataclass(eq=False)
class Dial:
    """One call of some phones. `then` takes DIALSTATUS when nobody answers; without it the dialplan goes on."""

    dialplan: Dialplan
    channel: Channel
    then: Callable[[str], None] | None = None
    legs: list[Leg] = field(default_factory=list)
    statuses: set[str] = field(default_factory=set)

    def start(self, phones: Sequence[Phone], timeout: float) -> None:
        """Make a leg to each phone and let it ring."""
        channel, switch = self.channel, self.dialplan.switch
        channel.owner = self
        for phone in phones:
            called = called_channel(switch, phone, channel, "AppDial")
            self.legs.append(PhoneLeg(switch, phone.number, called, self, channel, timeout, phone=phone))
            self.legs[-1].start()
        switch.set_connected(channel, self.legs[0].channel.caller)

    def answered(self, leg: Leg) -> None:
        """Bridge the two; the others ring no more."""
        switch, channel = self.dialplan.switch, self.channel
        switch.set_variable(channel, "DIALSTATUS", "ANSWER")
        switch.set_variable(channel, "DIALEDPEERNAME", leg.channel.name)
        switch.set_variable(channel, "DIALEDPEERNUMBER", leg.target)
        leg.channel.exten, leg.channel.application = "", ""
        leg.close("ANSWER")
        self._cancel([one for one in self.legs if one is not leg])
        answer(switch, channel)
        switch.place(leg.channel, "", 1, "AppDial", "(Outgoing Line)")
        Talk(switch, channel, leg.channel).begin()

    def failed(self, leg: Leg, status: str, *, timed_out: bool = False) -> Callable[[], None] | None:
        """When it was the last, go on in the dialplan with the reason set."""
        cause = leg.channel.cause
        if cause == causes.REJECTED:
            status = "CHANUNAVAIL"  # app_dial counts a 603 as neither busy nor unanswered
        self.statuses.add(status)
        self.legs.remove(leg)
        if self.legs:
            return None
        together = status if len(self.statuses) == 1 else "NOANSWER"
        return lambda: self._go_on(together, cause or causes.NORMAL)

    def release(self, channel: Channel) -> None:
        """The caller is taken away while the phones ring."""
        self._cancel(self.legs)
        self.dialplan.switch.set_variable(channel, "DIALSTATUS", "CANCEL")

    def _cancel(self, legs: Sequence[Leg]) -> None:
        self.legs = []
        for leg in legs:
            leg.cancel()

    def _go_on(self, status: str, cause: int) -> None:
        self.dialplan.switch.set_variable(self.channel, "DIALSTATUS", status)
        self.channel.cause = cause
        if self.then is None:
            self.dialplan.advance(self.channel)
        else:
            self.channel.owner = None
            self.then(status)


def called_channel(switch: Switch, phone: Phone, caller: Channel, application: str) -> Channel:
    """A channel to a phone that is called for another channel."""
    party = Party(phone.number, phone.name)
    channel = switch.create(phone.number, party, caller.numbering, linked=caller, context=caller.context)
    switch.set_variable(channel, "DIALEDPEERNUMBER", phone.number)
    inherit(switch, caller, channel)
    channel.connected = caller.caller
    switch.place(channel, caller.exten, 1, application, "(Outgoing Line)")
    switch.tell("NewConnectedLine", channel)
    return channel


def inherit(switch: Switch, parent: Channel, child: Channel) -> None:
    """Hand down the variables whose names begin with an underscore: `_A` once, `__A` for ever."""
    for name, value in list(parent.variables.items()):
        if name.startswith("_"):
            switch.set_variable(child, name if name.startswith("__") else name[1:], value)


def answer(switch: Switch, channel: Channel) -> None:
    """Answer a channel that is not up yet."""
    switch.set_state(channel, State.UP)
