"""The Dial application: calls one phone for a channel and bridges the two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pbxapi.demo import causes
from pbxapi.demo.channels import Channel, Party, State
from pbxapi.demo.dialling import Leg, PhoneLeg
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.phones import Phone
from pbxapi.demo.switch import Switch
from pbxapi.demo.talk import Talk


@dataclass(eq=False)
class Dial:
    """One call of one phone."""

    dialplan: Dialplan
    channel: Channel
    leg: Leg | None = None

    def start(self, phone: Phone, timeout: float) -> None:
        """Make the phone's leg and let it ring."""
        channel = self.channel
        channel.owner = self
        leg = called_channel(self.dialplan.switch, phone, channel, "AppDial")
        self.leg = PhoneLeg(self.dialplan.switch, phone.number, leg, self, channel, timeout, phone=phone)
        self.leg.start()
        self.dialplan.switch.set_connected(channel, leg.caller)

    def answered(self, leg: Leg) -> None:
        """Bridge the two."""
        switch, channel = self.dialplan.switch, self.channel
        switch.set_variable(channel, "DIALSTATUS", "ANSWER")
        switch.set_variable(channel, "DIALEDPEERNAME", leg.channel.name)
        switch.set_variable(channel, "DIALEDPEERNUMBER", leg.target)
        leg.channel.exten, leg.channel.application = "", ""
        leg.close("ANSWER")
        answer(switch, channel)
        switch.place(leg.channel, "", 1, "AppDial", "(Outgoing Line)")
        Talk(switch, channel, leg.channel).begin()

    def failed(self, leg: Leg, status: str, *, timed_out: bool = False) -> Callable[[], None]:
        """Go on in the dialplan with the reason set."""
        cause = leg.channel.cause
        if cause == causes.REJECTED:
            status = "CHANUNAVAIL"  # app_dial counts a 603 as neither busy nor unanswered
        return lambda: self._go_on(status, cause or causes.NORMAL)

    def release(self, channel: Channel) -> None:
        """The caller is taken away while the phone rings."""
        if self.leg:
            self.leg.cancel()
        self.dialplan.switch.set_variable(channel, "DIALSTATUS", "CANCEL")

    def _go_on(self, status: str, cause: int) -> None:
        self.dialplan.switch.set_variable(self.channel, "DIALSTATUS", status)
        self.channel.cause = cause
        self.dialplan.advance(self.channel)


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
