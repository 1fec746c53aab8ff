"""The dialplan applications of the demo exchange."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pbxapi.demo import causes
from pbxapi.demo.channels import Bridge, Channel, Party, State
from pbxapi.demo.clock import Timer
from pbxapi.demo.dialling import Leg
from pbxapi.demo.dialplan import Application, Dialplan
from pbxapi.demo.phones import Phone
from pbxapi.demo.switch import Switch


@dataclass(eq=False)
class Holding:
    """An application that keeps a channel until somebody takes it away, or until its time is over."""

    timer: Timer | None = None

    def release(self, channel: Channel) -> Callable[[], None] | None:
        """Nobody else is concerned."""
        if self.timer:
            self.timer.cancel()
        return None


@dataclass(eq=False)
class Talk:
    """Two channels in a bridge that ends when one of them leaves: the other is hung up, as Dial does."""

    switch: Switch
    channels: tuple[Channel, Channel]

    def begin(self) -> None:
        """Put them together."""
        one, other = self.channels
        bridge = Bridge(one.numbering.uuid())
        one.owner = other.owner = self
        self.switch.bridge(bridge, other, one)

    def release(self, channel: Channel) -> Callable[[], None]:
        """One is taken away."""
        one, other = self.channels
        peer = other if channel is one else one
        channel.cause = channel.cause or causes.NORMAL
        self.switch.leave(channel)
        self.switch.leave(peer)
        if peer.owner is self:
            peer.owner = None
        return lambda: self._hang_up(peer)

    def _hang_up(self, peer: Channel) -> None:
        if peer.owner is None:
            self.switch.hang_up(peer, causes.NORMAL)


@dataclass(eq=False)
class Dial:
    """Calls one phone for a channel."""

    dialplan: Dialplan
    channel: Channel
    leg: Leg | None = None

    def start(self, phone: Phone, timeout: float) -> None:
        """Make the phone's leg and let it ring."""
        switch, channel = self.dialplan.switch, self.channel
        channel.owner = self
        leg = switch.create(
            phone.number, Party(phone.number, phone.name), channel.numbering, linked=channel, context=channel.context
        )
        switch.set_variable(leg, "DIALEDPEERNUMBER", phone.number)
        leg.connected = channel.caller
        switch.place(leg, channel.exten, 1, "AppDial", "(Outgoing Line)")
        switch.tell("NewConnectedLine", leg)
        self.leg = Leg(switch, phone, leg, self, channel, timeout)
        self.leg.start()
        switch.set_connected(channel, leg.caller)

    def answered(self, leg: Leg) -> None:
        """Bridge the two."""
        switch, channel = self.dialplan.switch, self.channel
        for name, value in (
            ("DIALSTATUS", "ANSWER"),
            ("DIALEDPEERNAME", leg.channel.name),
            ("DIALEDPEERNUMBER", leg.phone.number),
        ):
            switch.set_variable(channel, name, value)
        leg.channel.exten, leg.channel.application = "", ""
        leg.close("ANSWER")
        answer(switch, channel)
        switch.place(leg.channel, "", 1, "AppDial", "(Outgoing Line)")
        Talk(switch, (channel, leg.channel)).begin()

    def failed(self, leg: Leg, status: str, *, timed_out: bool = False) -> Callable[[], None]:
        """Go on in the dialplan with the reason set."""
        cause = leg.channel.cause
        if cause == causes.REJECTED:
            status = "CHANUNAVAIL"  # a 603 counts as neither busy nor unanswered in app_dial
        return lambda: self.give_up(status, cause or causes.NORMAL)

    def give_up(self, status: str, cause: int) -> None:
        """Nobody was reached."""
        self.dialplan.switch.set_variable(self.channel, "DIALSTATUS", status)
        self.channel.cause = cause
        self.dialplan.advance(self.channel)

    def release(self, channel: Channel) -> None:
        """The caller is taken away while the phone rings."""
        if self.leg:
            self.leg.cancel()
            self.dialplan.switch.set_variable(channel, "DIALSTATUS", "CANCEL")


def answer(switch: Switch, channel: Channel) -> None:
    """Answer a channel that is not up yet."""
    if channel.state is not State.UP:
        switch.set_state(channel, State.UP)
        switch.on_device_change(channel.number)


def _dial(dialplan: Dialplan, channel: Channel, data: str) -> bool:
    target, _, rest = data.partition(",")
    seconds = rest.partition(",")[0]
    switch = dialplan.switch
    for name in ("DIALSTATUS", "DIALEDPEERNUMBER", "DIALEDPEERNAME"):
        switch.set_variable(channel, name, "")
    technology, _, number = target.partition("/")
    phone = dialplan.phones.get(number) if technology.upper() == "PJSIP" else None
    if phone is None or not phone.registered:
        switch.set_variable(channel, "DIALSTATUS", "CHANUNAVAIL")
        channel.cause = causes.NO_ROUTE
        return True
    Dial(dialplan, channel).start(phone, float(seconds) if seconds.isdigit() else 60.0)
    return False


def _answer(dialplan: Dialplan, channel: Channel, data: str) -> bool:
    answer(dialplan.switch, channel)
    return True


def _hang_up(dialplan: Dialplan, channel: Channel, data: str) -> bool:
    given = int(data) if data.isdigit() else 0
    dialplan.switch.hang_up(channel, given or channel.cause or causes.NORMAL)
    return False


def _wait(dialplan: Dialplan, channel: Channel, data: str) -> bool:
    try:
        seconds = min(max(float(data), 0.0), 86400.0)
    except ValueError:
        return True
    channel.owner = Holding(dialplan.switch.clock.later(seconds, lambda: dialplan.advance(channel)))
    return False


def _hold(dialplan: Dialplan, channel: Channel, data: str) -> bool:
    """Echo and its like: until hung up."""
    answer(dialplan.switch, channel)
    channel.owner = Holding()
    return False


def _tone(cause: int) -> Application:
    def run(dialplan: Dialplan, channel: Channel, data: str) -> bool:
        seconds = float(data) if data.isdigit() else 3600.0
        end = dialplan.switch.clock.later(seconds, lambda: dialplan.switch.hang_up(channel, cause))
        channel.owner = Holding(end)
        return False

    return run


def _music(dialplan: Dialplan, channel: Channel, data: str) -> bool:
    dialplan.switch.tell("MusicOnHoldStart", channel, ("Class", data or "default"))
    return _hold(dialplan, channel, data)


def _playback(dialplan: Dialplan, channel: Channel, data: str) -> bool:
    answer(dialplan.switch, channel)
    return _wait(dialplan, channel, "2")


def _nothing(dialplan: Dialplan, channel: Channel, data: str) -> bool:
    return True


APPLICATIONS: dict[str, Application] = {
    "answer": _answer,
    "busy": _tone(causes.BUSY),
    "congestion": _tone(causes.CONGESTION),
    "dial": _dial,
    "echo": _hold,
    "hangup": _hang_up,
    "milliwatt": _hold,
    "musiconhold": _music,
    "noop": _nothing,
    "playback": _playback,
    "verbose": _nothing,
    "voicemailmain": _hold,
    "wait": _wait,
}
