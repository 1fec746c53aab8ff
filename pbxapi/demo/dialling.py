"""A leg that is being called: how a phone reacts, until it answers, refuses or is given up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pbxapi.demo import causes
from pbxapi.demo.channels import Channel, State
from pbxapi.demo.clock import Timer
from pbxapi.demo.phones import ANSWER_DELAY, REPLY_DELAY, Habit, Phone
from pbxapi.demo.switch import Switch
from pbxapi.demo.wire import Message


class Caller(Protocol):
    """Who waits for a leg."""

    def answered(self, leg: Leg) -> None:
        """The phone picked up. It is for the caller to close the leg, and to take its channel in hand."""

    def failed(self, leg: Leg, status: str, *, timed_out: bool = False) -> Callable[[], None] | None:
        """It will not; `status` is that of DialEnd. Returns what follows once the leg's channel is gone."""


@dataclass(eq=False)
class Leg:
    """One phone that rings for `caller_channel` (None when it is called for an Originate)."""

    switch: Switch
    phone: Phone
    channel: Channel
    caller: Caller
    caller_channel: Channel | None
    timeout: float
    rang: bool = False
    timers: tuple[Timer, ...] = ()

    def start(self) -> None:
        """Call the phone."""
        self.channel.owner = self
        self._tell("DialBegin", ("DialString", self.phone.number))
        reaction, delay = {
            Habit.ANSWERS: (self._answer, ANSWER_DELAY),
            Habit.RINGS: (self._give_up, self.timeout),
            Habit.BUSY: (self._busy, REPLY_DELAY),
            Habit.DECLINES: (self._decline, REPLY_DELAY),
        }[self.phone.habit]
        if self.phone.habit in (Habit.ANSWERS, Habit.RINGS):
            self._ring()
        clock = self.switch.clock
        self.timers = (clock.later(delay, reaction), clock.later(self.timeout, self._give_up))

    def cancel(self, cause: int = causes.NORMAL) -> None:
        """The caller is gone: stop ringing."""
        if self.close("CANCEL"):
            self.switch.hang_up(self.channel, cause)

    def release(self, channel: Channel) -> Callable[[], None] | None:
        """The leg's own channel is taken away while it rings."""
        status = "BUSY" if channel.cause == causes.BUSY else "NOANSWER"
        return self.caller.failed(self, status) if self.close(status) else None

    def close(self, status: str) -> bool:
        """Tell how it ended, once."""
        if not self._stop():
            return False
        self._tell("DialEnd", ("DialStatus", status))
        return True

    def _ring(self) -> None:
        self.rang = True
        self.switch.set_state(self.channel, State.RINGING)
        self._tell("DialState", ("DialStatus", "RINGING"))
        self.switch.on_device_change(self.phone.number)

    def _answer(self) -> None:
        self.switch.set_state(self.channel, State.UP)
        self.switch.on_device_change(self.phone.number)
        self.caller.answered(self)

    def _busy(self) -> None:
        self._refuse("BUSY", causes.BUSY, 486)

    def _decline(self) -> None:
        self._refuse("NOANSWER", causes.REJECTED, 603)

    def _refuse(self, status: str, cause: int, sip: int) -> None:
        self.switch.tell("HangupRequest", self.channel, ("Cause", str(cause)), ("TechCause", str(sip)))
        self.close(status)
        self.channel.cause = cause
        after = self.caller.failed(self, status)
        self.switch.hang_up(self.channel, cause, sip)
        if after:
            after()

    def _give_up(self) -> None:
        """Nobody answered in time. An Originate says why it hangs up (cause 19), Dial does not."""
        if self.caller_channel:
            self.close("NOANSWER")
        else:
            self._stop()
        after = self.caller.failed(self, "NOANSWER", timed_out=True)
        self.switch.hang_up(self.channel, causes.NONE if self.caller_channel else causes.NO_ANSWER)
        if after:
            after()

    def _stop(self) -> bool:
        running = bool(self.timers)
        for timer in self.timers:
            timer.cancel()
        self.timers = ()
        self.channel.owner = None
        return running

    def _tell(self, event: str, *extra: tuple[str, str]) -> None:
        head: Message = self.caller_channel.headers() if self.caller_channel else ()
        self.switch.bus.tell(event, "call", [*head, *self.channel.headers("Dest"), *extra])
