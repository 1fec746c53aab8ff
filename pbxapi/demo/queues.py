"""Two queues, support and sales, and the Queue application."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pbxapi.demo import causes
from pbxapi.demo.channels import Channel
from pbxapi.demo.clock import Timer
from pbxapi.demo.devices import STATES, Devices
from pbxapi.demo.dial import called_channel
from pbxapi.demo.dialling import Leg, PhoneLeg
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.phones import Phone
from pbxapi.demo.switch import Switch
from pbxapi.demo.talk import Talk
from pbxapi.demo.wire import Message

MEMBERS = {"support": ("100", "101"), "sales": ("107", "109")}
RETRY = 2.0  # seconds between two rounds
RING_TIME = 15.0  # seconds that one member rings
LEAVE_AFTER = 60.0  # seconds that a caller waits at most


@dataclass(eq=False)
class Member:
    """Somebody who takes a queue's calls. Moments are whole seconds since the epoch, 0 for never."""

    interface: str
    name: str
    penalty: int
    login_time: int
    dynamic: bool = False
    paused: bool = False
    reason: str = ""
    calls_taken: int = 0
    last_call: int = 0
    last_pause: int = 0

    @property
    def number(self) -> str:
        """Of the phone behind the interface."""
        return self.interface.partition("/")[2]


@dataclass(eq=False)
class Queue:
    """A queue with its members in the order they were added, and its callers."""

    name: str
    strategy: str
    members: list[Member] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    completed: int = 0
    abandoned: int = 0

    def member(self, interface: str) -> Member | None:
        """The member with this interface."""
        return next((one for one in self.members if one.interface.lower() == interface.lower()), None)


class Queues:
    """All queues. The exchange's lock is held by all callers."""

    def __init__(self, switch: Switch, devices: Devices, phones: dict[str, Phone], dialplan: Dialplan) -> None:
        self.by_name: dict[str, Queue] = {}
        self.switch = switch
        self._devices = devices
        self._phones = phones
        now = int(switch.clock.now())
        dialplan.applications["queue"] = self._application
        for name, strategy in (("support", "ringall"), ("sales", "rrmemory")):
            self.by_name[name] = Queue(name, strategy)
            for number in MEMBERS[name]:
                self.by_name[name].members.append(Member(f"PJSIP/{number}", phones[number].name, 0, now))

    def set_static(self, name: str, numbers: Sequence[str]) -> None:
        """Give a queue other static members, those that stay as they are."""
        queue, now = self.by_name[name], int(self.switch.clock.now())
        interfaces = {f"PJSIP/{number}": number for number in numbers}
        for member in [one for one in queue.members if not one.dynamic and one.interface not in interfaces]:
            queue.members.remove(member)
            self.tell("QueueMemberRemoved", queue, member)
        for interface, number in interfaces.items():
            if queue.member(interface) is None:
                phone = self._phones.get(number)
                queue.members.append(Member(interface, phone.name if phone else interface, 0, now))
                self.tell("QueueMemberAdded", queue, queue.members[-1])

    def status(self, member: Member) -> str:
        """The member's device state as a number."""
        return str(STATES[self._devices.state(member.number)][3]) if member.number in self._phones else "4"

    def available(self, member: Member) -> bool:
        """Whether the member may be called now."""
        return not member.paused and self.status(member) == "1"

    def phone(self, member: Member) -> Phone | None:
        """The member's phone, when it is registered."""
        phone = self._phones.get(member.number)
        return phone if phone and phone.registered else None

    def headers(self, queue: Queue, member: Member) -> Message:
        """As the events about a member show it."""
        return [
            ("Queue", queue.name),
            ("MemberName", member.name),
            ("Interface", member.interface),
            ("StateInterface", member.interface),
            ("Membership", "dynamic" if member.dynamic else "static"),
            *self.counters(member),
            ("Ringinuse", "1" if member.dynamic else "0"),
            ("Wrapuptime", "0"),
        ]

    def counters(self, member: Member) -> Message:
        """The part that QueueMember shares with the events."""
        return [
            ("Penalty", str(member.penalty)),
            ("CallsTaken", str(member.calls_taken)),
            ("LastCall", str(member.last_call)),
            ("LastPause", str(member.last_pause)),
            ("LoginTime", str(member.login_time)),
            ("InCall", "0"),
            ("Status", self.status(member)),
            ("Paused", str(int(member.paused))),
            ("PausedReason", member.reason),
        ]

    def tell(self, event: str, queue: Queue, member: Member) -> None:
        """Tell an event about a member."""
        self.switch.bus.tell(event, "agent", self.headers(queue, member))

    def member_changed(self, number: str) -> None:
        """A phone's state changed: tell it for each queue that it serves."""
        for queue in self.by_name.values():
            for member in queue.members:
                if member.number == number:
                    self.tell("QueueMemberStatus", queue, member)

    def _application(self, dialplan: Dialplan, channel: Channel, data: str) -> bool:
        queue = self.by_name.get(data.partition(",")[0])
        if queue is None:
            return True
        Waiting(self, dialplan, queue, channel, self.switch.clock.now()).join()
        return False


@dataclass(eq=False)
class Waiting:
    """A caller in a queue, until a member answers, the time is over or the caller leaves."""

    queues: Queues
    dialplan: Dialplan
    queue: Queue
    channel: Channel
    since: float
    ringing: list[tuple[Member, Leg]] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)

    def join(self) -> None:
        """Take the last place and begin to call members."""
        self.channel.owner = self
        self.queue.waiting.append(self)
        place = str(len(self.queue.waiting))
        self._tell("QueueCallerJoin", ("Position", place), ("Count", place))
        self.queues.switch.tell("MusicOnHoldStart", self.channel, ("Class", "default"))
        self.timers.append(self.queues.switch.clock.later(LEAVE_AFTER, self._give_up))
        self._call_members()

    def answered(self, leg: Leg) -> None:
        """A member picked up: stop the others and bridge."""
        switch = self.queues.switch
        leg.close("ANSWER")
        member = next(member for member, one in self.ringing if one is leg)
        others = [one for _, one in self.ringing if one is not leg]
        self.ringing.clear()
        for other in others:
            other.cancel()
        switch.set_connected(self.channel, leg.channel.caller)
        self._leave()
        member.calls_taken += 1
        member.last_call = int(switch.clock.now())
        self.queue.completed += 1
        hold_time = ("HoldTime", str(int(switch.clock.now() - self.since)))
        self._tell_agent("AgentConnect", leg, member, hold_time, ("RingTime", "0"))
        Talk(switch, self.channel, leg.channel).begin()

    def failed(self, leg: Leg, status: str, *, timed_out: bool = False) -> Callable[[], None] | None:
        """A member did not answer; when it was the last, try again a little later."""
        self.ringing = [(member, one) for member, one in self.ringing if one is not leg]
        if not self.ringing and self.channel.owner is self:
            self.timers.append(self.queues.switch.clock.later(RETRY, self._call_members))
        return None

    def release(self, channel: Channel) -> None:
        """The caller hangs up or is sent elsewhere."""
        self.queue.abandoned += 1
        self._stop_ringing()
        self._leave(abandoned=True)

    def _call_members(self) -> None:
        free = [member for member in self.queue.members if self.queues.available(member)]
        lowest = min((member.penalty for member in free), default=0)
        chosen = [member for member in free if member.penalty == lowest]
        if self.queue.strategy != "ringall":
            chosen = sorted(chosen, key=lambda member: member.calls_taken)[:1]
        for member in chosen:
            phone = self.queues.phone(member)
            if phone:
                self._call(member, phone)
        if not self.ringing:
            self.timers.append(self.queues.switch.clock.later(RETRY, self._call_members))

    def _call(self, member: Member, phone: Phone) -> None:
        switch = self.queues.switch
        channel = called_channel(switch, phone, self.channel, "AppQueue")
        leg = PhoneLeg(switch, member.interface, channel, self, self.channel, RING_TIME, phone=phone)
        self.ringing.append((member, leg))
        self._tell_agent("AgentCalled", leg, member)
        leg.start()

    def _give_up(self) -> None:
        self._stop_ringing()
        self._leave()
        self.queues.switch.set_variable(self.channel, "QUEUESTATUS", "TIMEOUT")
        self.channel.cause = causes.NORMAL
        self.dialplan.advance(self.channel)

    def _stop_ringing(self) -> None:
        legs, self.ringing = [leg for _, leg in self.ringing], []
        for leg in legs:
            leg.cancel()

    def _leave(self, *, abandoned: bool = False) -> None:
        for timer in self.timers:
            timer.cancel()
        position = str(self.queue.waiting.index(self) + 1)
        self.queue.waiting.remove(self)
        switch = self.queues.switch
        switch.tell("MusicOnHoldStop", self.channel)
        if abandoned:
            waited = str(int(switch.clock.now() - self.since))
            places = (("Position", position), ("OriginalPosition", position))
            self._tell("QueueCallerAbandon", *places, ("HoldTime", waited))
        self._tell("QueueCallerLeave", ("Position", position), ("Count", str(len(self.queue.waiting))))

    def _tell(self, event: str, *extra: tuple[str, str]) -> None:
        self.queues.switch.tell(event, self.channel, ("Queue", self.queue.name), *extra, kind="agent")

    def _tell_agent(self, event: str, leg: Leg, member: Member, *extra: tuple[str, str]) -> None:
        who = [("Queue", self.queue.name), ("Interface", member.interface), ("MemberName", member.name)]
        headers = [*self.channel.headers(), *leg.channel.headers("Dest"), *who, *extra]
        self.queues.switch.bus.tell(event, "agent", headers)
