"""The dialplan applications of the demo exchange."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pbxapi.demo import causes
from pbxapi.demo.channels import Channel
from pbxapi.demo.clock import LONGEST, Timer, seconds
from pbxapi.demo.dial import Dial, answer
from pbxapi.demo.dialplan import Application, Dialplan
from pbxapi.demo.phones import Phone


@dataclass(eq=False)
class Holding:
    """An application that keeps a channel until somebody takes it away, or until its time is over."""

    timer: Timer | None = None

    def release(self, channel: Channel) -> Callable[[], None] | None:
        """Nobody else is concerned."""
        if self.timer:
            self.timer.cancel()
        return None


def _dial(dialplan: Dialplan, channel: Channel, data: str) -> bool:
    target, _, rest = data.partition(",")
    timeout = seconds(rest.partition(",")[0], otherwise=60.0)
    switch = dialplan.switch
    for name in ("DIALSTATUS", "DIALEDPEERNUMBER", "DIALEDPEERNAME"):
        switch.set_variable(channel, name, "")
    phones = [phone for one in target.split("&") if (phone := _phone(dialplan, one))]
    if not phones:
        switch.set_variable(channel, "DIALSTATUS", "CHANUNAVAIL")
        channel.cause = causes.NO_ROUTE
        return True
    Dial(dialplan, channel).start(phones, timeout)
    return False


def _phone(dialplan: Dialplan, target: str) -> Phone | None:
    """A phone that is there."""
    technology, _, number = target.partition("/")
    phone = dialplan.phones.get(number) if technology.upper() == "PJSIP" else None
    return phone if phone and phone.registered else None


def _answer(dialplan: Dialplan, channel: Channel, data: str) -> bool:
    answer(dialplan.switch, channel)
    return True


def _hang_up(dialplan: Dialplan, channel: Channel, data: str) -> bool:
    given = int(data) if data.isdecimal() else 0
    dialplan.switch.hang_up(channel, given or channel.cause or causes.NORMAL)
    return False


def _wait(dialplan: Dialplan, channel: Channel, data: str) -> bool:
    delay = seconds(data, otherwise=0.0)
    channel.owner = Holding(dialplan.switch.clock.later(delay, lambda: dialplan.advance(channel)))
    return False


def _hold(dialplan: Dialplan, channel: Channel, data: str) -> bool:
    """Echo and its like: until hung up."""
    answer(dialplan.switch, channel)
    channel.owner = Holding()
    return False


def _tone(cause: int) -> Application:
    def run(dialplan: Dialplan, channel: Channel, data: str) -> bool:
        delay = seconds(data, otherwise=LONGEST)
        end = dialplan.switch.clock.later(delay, lambda: dialplan.switch.hang_up(channel, cause))
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
