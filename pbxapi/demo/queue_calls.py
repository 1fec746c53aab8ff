"""A caller in a queue: waits, lets members ring, and talks to the one who answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from pbxapi.demo import causes
from pbxapi.demo.channels import Channel
from pbxapi.demo.clock import Timer
from pbxapi.demo.dialling import Leg
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.queue import Member, Queue
from pbxapi.demo.queue_legs import member_leg
from pbxapi.demo.queue_log import NOBODY
from pbxapi.demo.queue_members import Roster
from pbxapi.demo.queue_strategy import chosen
from pbxapi.demo.queue_talk import QueueTalk
from pbxapi.demo.switch import Switch

RECHECK = 1.0  # seconds until who is not the next to be served looks again
AWAY = {"TIMEOUT": "EXITWITHTIMEOUT", "LEAVEEMPTY": "EXITEMPTY", "LEAVEUNAVAIL": "EXITEMPTY"}
"""QUEUESTATUS, and how queue_log says it."""


@dataclass(frozen=True)
class Ringing:
    """A member who is being called. `since` is in seconds since the epoch."""

    member: Member
    leg: Leg
    since: float


@dataclass(eq=False)
class Waiting:
    """A caller in a queue, until a member answers, the time is over or the caller leaves. `max_wait` 0 is for ever."""

    switch: Switch
    dialplan: Dialplan
    roster: Roster
    queue: Queue
    channel: Channel
    max_wait: float
    since: float = 0.0
    position: int = 0
    ringing: list[Ringing] = field(default_factory=list)
    timers: dict[str, Timer] = field(default_factory=dict)

    @property
    def waited(self) -> int:
        """Whole seconds."""
        return int(self.switch.clock.now()) - int(self.since)

    @property
    def place(self) -> int:
        """1 for the first."""
        return self.queue.waiting.index(self) + 1

    def join(self) -> None:
        """Take the last place and begin to call members."""
        self.channel.owner = self
        self.since = self.switch.clock.now()
        self.queue.waiting.append(self)
        self.position = self.place
        place = str(self.position)
        self._log(NOBODY, "ENTERQUEUE", "", self.channel.caller.number, place)
        self._tell("QueueCallerJoin", ("Position", place), ("Count", place))
        self.switch.tell("MusicOnHoldStart", self.channel, ("Class", "default"))
        if self.max_wait:
            self._later("give up", self.max_wait, lambda: self.leave_unserved("TIMEOUT"))
        self._call_members()

    def answered(self, leg: Leg) -> None:
        """A member picked up: stop the others and bridge."""
        leg.close("ANSWER")
        picked = next(one for one in self.ringing if one.leg is leg)
        others = [one for one in self.ringing if one is not picked]
        self.ringing.clear()
        for other in others:
            other.leg.cancel()
        self.switch.set_connected(self.channel, leg.channel.caller)
        waited, rang = self.waited, int(self.switch.clock.now() - picked.since)
        self._leave()
        self.queue.figures.connect(waited)
        picked.member.in_call = True
        self._log(picked.member.name, "CONNECT", waited, leg.channel.uniqueid, rang)
        self._tell_agent("AgentConnect", picked, ("HoldTime", str(waited)), ("RingTime", str(rang)))
        QueueTalk(self.switch, self.channel, leg.channel, self.roster, self.queue, picked.member, waited,
                  self.position, self.switch.clock.now()).begin()  # fmt: skip

    def failed(self, leg: Leg, status: str, *, timed_out: bool = False) -> Callable[[], None] | None:
        """A member did not answer; when it was the last, try again a little later."""
        over = next(one for one in self.ringing if one.leg is leg)
        self.ringing.remove(over)
        rang = int(1000 * (self.switch.clock.now() - over.since))
        self._log(over.member.name, "RINGNOANSWER", rang)
        self._tell_agent("AgentRingNoAnswer", over, ("RingTime", str(rang)))
        if timed_out and self.queue.options.auto_pause != "no":
            self.roster.pause([(self.queue, over.member)], paused=True, reason="Auto-Pause", everywhere=False)
        if not self.ringing and self.channel.owner is self:
            self._try_again(self.queue.options.retry)
        return None

    def release(self, channel: Channel) -> None:
        """The caller hangs up or is sent elsewhere."""
        for one in self.ringing:
            self._log(one.member.name, "RINGCANCELED", int(1000 * (self.switch.clock.now() - one.since)))
        self._abandon("ABANDON")

    def leave_unserved(self, status: str) -> None:
        """Go on in the dialplan with this QUEUESTATUS."""
        self._abandon(AWAY[status])
        self.switch.set_variable(self.channel, "QUEUESTATUS", status)
        self.channel.cause = causes.NORMAL
        self.dialplan.advance(self.channel)

    def _call_members(self) -> None:
        if self.ringing:
            return
        options = self.queue.options
        if self.roster.is_empty(self.queue, options.leave_when_empty, joining=False):
            self.leave_unserved("LEAVEEMPTY")
            return
        free = [member for member in self.queue.members if self.roster.available(self.queue, member)]
        if self.place > (max(len(free), 1) if options.autofill else 1):
            self._try_again(RECHECK)
            return
        for member in chosen(self.queue, free):
            self._call(member)
        if not self.ringing:
            self._try_again(options.retry)

    def _call(self, member: Member) -> None:
        leg = member_leg(self.dialplan, member, self.channel, self, self.queue.options.timeout)
        if leg is None:
            return
        self.queue.last_called = member
        self.ringing.append(Ringing(member, leg, self.switch.clock.now()))
        self._tell_agent("AgentCalled", self.ringing[-1])
        leg.start()

    def _abandon(self, word: str) -> None:
        """Nobody answers this caller any more."""
        waited, place = self.waited, self.place
        legs, self.ringing = [one.leg for one in self.ringing], []
        for leg in legs:
            leg.cancel()
        self.queue.figures.abandon(in_time=waited <= self.queue.options.service_level)
        where = (("Position", str(place)), ("OriginalPosition", str(self.position)))
        self._tell("QueueCallerAbandon", *where, ("HoldTime", str(waited)))
        self._log(NOBODY, word, place, self.position, waited)
        self._leave()

    def _leave(self) -> None:
        for timer in self.timers.values():
            timer.cancel()
        place = str(self.place)
        self.queue.waiting.remove(self)
        self.switch.tell("MusicOnHoldStop", self.channel)
        self._tell("QueueCallerLeave", ("Position", place), ("Count", str(len(self.queue.waiting))))

    def _try_again(self, delay: float) -> None:
        self._later("try again", delay, self._call_members)

    def _later(self, what: str, delay: float, action: Callable[[], None]) -> None:
        if what in self.timers:
            self.timers[what].cancel()
        self.timers[what] = self.switch.clock.later(delay, action)

    def _log(self, agent: str, event: str, *data: object) -> None:
        self.roster.log.write(self.channel.uniqueid, self.queue.name, agent, event, *data)

    def _tell(self, event: str, *extra: tuple[str, str]) -> None:
        self.switch.tell(event, self.channel, ("Queue", self.queue.name), *extra, kind="agent")

    def _tell_agent(self, event: str, one: Ringing, *extra: tuple[str, str]) -> None:
        self.roster.tell_agent(event, self.queue, one.member, self.channel, one.leg.channel, *extra)
