"""A leg that is being called, until it answers, refuses or is given up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from pbxapi.demo import causes
from pbxapi.demo.channels import Channel, State
from pbxapi.demo.clock import Timer
from pbxapi.demo.phones import REPLY_DELAY, RING_DELAY, Habit, Phone
from pbxapi.demo.switch import Switch
from pbxapi.demo.wire import Message


class Caller(Protocol):
    """Who waits for a leg."""

    def answered(self, leg: Leg) -> None:
        """The other side picked up. It is for the caller to close the leg, and to take its channel in hand."""

    def failed(self, leg: Leg, status: str, *, timed_out: bool = False) -> Callable[[], None] | None:
        """It will not; `status` is that of DialEnd. Returns what follows once the leg's channel is gone."""


@dataclass(eq=False)
class Leg:
    """A channel that is called for `caller_channel`, or for an Originate when that is None. `timeout` is in seconds."""

    switch: Switch
    target: str
    channel: Channel
    caller: Caller
    caller_channel: Channel | None
    timeout: float
    timers: list[Timer] = field(default_factory=list)
    over: bool = False

    def start(self) -> None:
        """Tell that it is called, and count the time."""
        self.channel.owner = self
        self._tell("DialBegin", ("DialString", self.target))
        self._in(self.timeout, self._give_up)

    def ring(self) -> None:
        """It rings."""
        if self.over:
            return
        self.switch.set_state(self.channel, State.RINGING)
        self._tell("DialState", ("DialStatus", "RINGING"))
        if self.caller_channel and self.caller_channel.half:
            self.caller_channel.half.ringing()

    def answer(self) -> None:
        """It picks up."""
        if self.over:
            return
        self.switch.set_state(self.channel, State.UP)
        self.caller.answered(self)

    def cancel(self) -> None:
        """The caller is gone: stop ringing."""
        if self.close("CANCEL"):
            self.switch.hang_up(self.channel, causes.NORMAL)

    def release(self, channel: Channel) -> Callable[[], None] | None:
        """The leg's own channel is taken away while it rings."""
        status = "BUSY" if channel.cause == causes.BUSY else "NOANSWER"
        return self.caller.failed(self, status) if self.close(status) else None

    def refuse(self, status: str, cause: int, sip: int) -> None:
        """The other side says no."""
        self.switch.tell("HangupRequest", self.channel, ("Cause", str(cause)), ("TechCause", str(sip)))
        self.close(status)
        self._end(status, cause, sip)

    def close(self, status: str) -> bool:
        """Tell how it ended, once."""
        if not self._stop():
            return False
        self._tell("DialEnd", ("DialStatus", status))
        return True

    def _give_up(self) -> None:
        """Nobody answered in time. An Originate says why it hangs up (cause 19) and tells no DialEnd; Dial does."""
        if self.caller_channel:
            self.close("NOANSWER")
            self._end("NOANSWER", causes.NONE, timed_out=True)
        else:
            self._stop()
            self._end("NOANSWER", causes.NO_ANSWER, timed_out=True)

    def _end(self, status: str, cause: int, sip: int | None = None, *, timed_out: bool = False) -> None:
        self.channel.cause = cause
        after = self.caller.failed(self, status, timed_out=timed_out)
        self.switch.hang_up(self.channel, cause, sip)
        if after:
            after()

    def _in(self, delay: float, action: Callable[[], None]) -> None:
        self.timers.append(self.switch.clock.later(delay, action))

    def _stop(self) -> bool:
        if self.over:
            return False
        self.over = True
        for timer in self.timers:
            timer.cancel()
        self.channel.owner = None
        return True

    def _tell(self, event: str, *extra: tuple[str, str]) -> None:
        head: Message = self.caller_channel.headers() if self.caller_channel else ()
        self.switch.bus.tell(event, "call", [*head, *self.channel.headers("Dest"), *extra])


@dataclass(eq=False, kw_only=True)
class PhoneLeg(Leg):
    """A leg to one of the phones, which does what it always does."""

    phone: Phone

    def start(self) -> None:
        """Call the phone."""
        super().start()
        habit = self.phone.habit
        if habit is Habit.BUSY:
            self._in(REPLY_DELAY, lambda: self.refuse("BUSY", causes.BUSY, 486))
        elif habit is Habit.DECLINES:
            self._in(REPLY_DELAY, lambda: self.refuse("NOANSWER", causes.REJECTED, 603))
        else:
            self._in(RING_DELAY, self.ring)
        if habit is Habit.ANSWERS:
            self._in(self.phone.answer_after, self.answer)
