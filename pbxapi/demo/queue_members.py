"""Members of queues: whose state counts, who may be called, how they come, pause and go, and what is told of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pbxapi.demo.bus import Bus
from pbxapi.demo.channels import Channel
from pbxapi.demo.clock import Clock
from pbxapi.demo.devices import STATES, Devices
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.queue import Member, Queue
from pbxapi.demo.queue_log import NOBODY, QueueLog
from pbxapi.demo.wire import Message

LOCAL = re.compile(r"Local/([^/@]+)@([^/@]+)(?:/n)?\Z", re.I)
FREE, INVALID, UNAVAILABLE = "1", "4", "5"
_CALLABLE = frozenset({"0", FREE})
_GONE = frozenset({INVALID, UNAVAILABLE})

# Why nobody counts as being there: parse_empty_options of app_queue. What is not named here is a list of reasons.
_NOBODY = {"paused", "invalid", "penalty"}
_EMPTY = {"strict": _NOBODY | {"unavailable"}, "loose": {"invalid", "penalty"}}


class Roster:
    """What can be said of and done to members. The exchange's lock is held by all callers."""

    def __init__(self, bus: Bus, clock: Clock, devices: Devices, dialplan: Dialplan, log: QueueLog) -> None:
        self._bus = bus
        self._clock = clock
        self._devices = devices
        self._dialplan = dialplan
        self.log = log

    def status(self, member: Member) -> str:
        """The state of the device that counts for the member, as a number."""
        local = LOCAL.match(member.state_interface)
        if local:
            return FREE if self._dialplan.exists(local[2], local[1]) else INVALID
        return str(STATES[self._devices.named(member.state_interface)][3])

    def available(self, queue: Queue, member: Member) -> bool:
        """Whether the member may be called now (is_member_available)."""
        status, now = self.status(member), self._clock.now()
        if member.paused or status in _GONE or (queue.options.wrapup and now < member.last_call + queue.options.wrapup):
            return False
        return status in _CALLABLE or member.ring_in_use

    def is_empty(self, queue: Queue, reasons: str, *, joining: bool) -> bool:
        """Whether all members are away for a reason that counts: `yes`, `no`, strict, loose, or a list of reasons."""
        if reasons == ("yes" if joining else "no"):
            return False
        usual = _NOBODY if reasons in {"yes", "no"} else set(reasons.split(","))
        counted = _EMPTY.get(reasons, usual)
        return all(self._away(queue, member) & counted for member in queue.members)

    def _away(self, queue: Queue, member: Member) -> set[str]:
        status = self.status(member)
        words = {INVALID: "invalid", UNAVAILABLE: "unavailable", "6": "ringing", "2": "inuse", "0": "unknown"}
        wrapping = self._clock.now() < member.last_call + queue.options.wrapup
        return {words.get(status, ""), "paused" if member.paused else "", "wrapup" if wrapping else ""} - {""}

    def headers(self, queue: Queue, member: Member) -> Message:
        """As the events about a member show it."""
        return [
            ("Queue", queue.name),
            ("MemberName", member.name),
            *self.place(member),
            *self.counters(member),
            ("Ringinuse", str(int(member.ring_in_use))),
            ("Wrapuptime", "0"),
        ]

    def place(self, member: Member) -> Message:
        """The part between the name and the counters, in events."""
        return [("Interface", member.interface), *self.kind(member)]

    def kind(self, member: Member) -> Message:
        """Whose state counts, and who put the member there."""
        membership = "dynamic" if member.dynamic else "static"
        return [("StateInterface", member.state_interface), ("Membership", membership)]

    def counters(self, member: Member) -> Message:
        """The part that QueueMember shares with the events."""
        return [
            ("Penalty", str(member.penalty)),
            ("CallsTaken", str(member.calls_taken)),
            ("LastCall", str(member.last_call)),
            ("LastPause", str(member.last_pause)),
            ("LoginTime", str(member.login_time)),
            ("InCall", str(int(member.in_call))),
            ("Status", self.status(member)),
            ("Paused", str(int(member.paused))),
            ("PausedReason", member.reason),
        ]

    def tell(self, event: str, queue: Queue, member: Member) -> None:
        """Tell an event about a member."""
        self._bus.tell(event, "agent", self.headers(queue, member))

    def tell_agent(
        self, event: str, queue: Queue, member: Member, caller: Channel, called: Channel, *extra: tuple[str, str]
    ) -> None:
        """Tell an event about a caller and a member who is called."""
        who = [("Queue", queue.name), ("Interface", member.interface), ("MemberName", member.name)]
        self._bus.tell(event, "agent", [*caller.headers(), *called.headers("Dest"), *who, *extra])

    def add(self, queue: Queue, member: Member) -> None:
        """Let a dynamic member in."""
        queue.members.append(member)
        self.log.write("MANAGER", queue.name, member.name, "ADDMEMBER", "PAUSED" if member.paused else "")
        self._tell_device(queue, member)
        self.tell("QueueMemberAdded", queue, member)

    def remove(self, queue: Queue, member: Member) -> None:
        """Take a dynamic member out."""
        queue.members.remove(member)
        self.log.write("MANAGER", queue.name, member.name, "REMOVEMEMBER")
        self.tell("QueueMemberRemoved", queue, member)

    def pause(self, places: Sequence[tuple[Queue, Member]], *, paused: bool, reason: str, everywhere: bool) -> None:
        """Pause a member or make it available again, in some queues; `everywhere` when none was named."""
        word = "PAUSE" if paused else "UNPAUSE"
        if everywhere:
            self.log.write(NOBODY, NOBODY, places[0][1].interface, f"{word}ALL", reason)
        for queue, member in places:
            self.log.write(NOBODY, queue.name, member.name, word, reason)
            member.last_pause = int(self._clock.now()) if paused and not member.paused else member.last_pause
            member.paused, member.reason = paused, reason if paused else ""
            self._tell_device(queue, member)
            self.tell("QueueMemberPause", queue, member)

    def set_static(self, queue: Queue, wanted: Iterable[Member]) -> None:
        """Give a queue other static members. Those that stay keep what they did, and whether they are paused."""
        by_interface = {member.interface: member for member in wanted}
        for member in [one for one in queue.members if not one.dynamic and one.interface not in by_interface]:
            queue.members.remove(member)
            self.tell("QueueMemberRemoved", queue, member)
        for interface, new in by_interface.items():
            old = queue.member(interface)
            if old is None:
                queue.members.append(new)
                self.tell("QueueMemberAdded", queue, new)
            else:
                old.dynamic = False
                old.name, old.penalty, old.ring_in_use = new.name, new.penalty, new.ring_in_use
                old.state_interface = new.state_interface

    def _tell_device(self, queue: Queue, member: Member) -> None:
        """The device that lamps of paused agents follow."""
        device, state = f"Queue:{queue.name}_pause_{member.interface}", "INUSE" if member.paused else "NOT_INUSE"
        self._bus.tell("DeviceStateChange", "call", [("Device", device), ("State", state)])
