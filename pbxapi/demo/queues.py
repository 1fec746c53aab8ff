"""All queues of the exchange, and the Queue application."""

from __future__ import annotations

from collections.abc import Iterator

from pbxapi.demo.channels import Channel
from pbxapi.demo.clock import seconds
from pbxapi.demo.devices import Devices
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.phones import Phone
from pbxapi.demo.queue import LEAVE_AFTER, MEMBERS, Member, Options, Queue
from pbxapi.demo.queue_calls import Waiting
from pbxapi.demo.queue_log import QueueLog
from pbxapi.demo.queue_members import Roster
from pbxapi.demo.switch import Switch

_STRATEGIES = {"800": "ringall", "801": "rrmemory"}


class Queues:
    """Queues by their names. The exchange's lock is held by all callers.

    Two are there from the beginning, whose members are phones as on an Asterisk alone; a platform puts others there.
    """

    def __init__(self, switch: Switch, devices: Devices, phones: dict[str, Phone], dialplan: Dialplan) -> None:
        self.by_name: dict[str, Queue] = {}
        self.switch = switch
        self.dialplan = dialplan
        self.log = QueueLog(switch.clock.now)
        self.roster = Roster(switch.bus, switch.clock, devices, dialplan, self.log)
        now = int(switch.clock.now())
        dialplan.applications["queue"] = self._application
        for name, strategy in _STRATEGIES.items():
            queue = self.put(name, Options(strategy=strategy), LEAVE_AFTER)
            queue.members += [Member(f"PJSIP/{number}", phones[number].name, 0, now) for number in MEMBERS[name]]

    def put(self, name: str, options: Options, max_wait: float | None) -> Queue:
        """Make a queue that can be dialled, or give one other options. `max_wait` is in seconds; None: for ever."""
        wait = f"{max_wait:g}" if max_wait else ""
        self.dialplan.queues[name] = (("Answer", ""), ("Queue", f"{name},t,,,{wait}"), ("Hangup", ""))
        queue = self.by_name.setdefault(name, Queue(name))
        queue.options = options
        return queue

    def drop(self, name: str) -> None:
        """A queue is there no more: who waits in it goes on in the dialplan; those who talk are let talk."""
        queue = self.by_name.pop(name)
        for waiting in list(queue.waiting):
            waiting.leave_unserved("LEAVEUNAVAIL")
        del self.dialplan.queues[name]

    def member_changed(self, number: str) -> None:
        """The state of a phone or of its hint changed: tell it for each queue that it serves."""
        for queue, member in self.memberships():
            if _number(member.state_interface) == number:
                self.roster.tell("QueueMemberStatus", queue, member)

    def memberships(self) -> Iterator[tuple[Queue, Member]]:
        """Every member of every queue."""
        return ((queue, member) for queue in self.by_name.values() for member in queue.members)

    def _application(self, dialplan: Dialplan, channel: Channel, data: str) -> bool:
        parts = [*data.split(","), *[""] * 5]
        queue = self.by_name.get(parts[0])
        refused = self._refused(queue) if queue else None
        if queue is None or refused:
            self.switch.set_variable(channel, "QUEUESTATUS", refused or "")
            return True
        Waiting(self.switch, dialplan, self.roster, queue, channel, seconds(parts[4], otherwise=0.0)).join()
        return False

    def _refused(self, queue: Queue) -> str | None:
        """Why nobody may join now."""
        if self.roster.is_empty(queue, queue.options.join_empty, joining=True):
            return "JOINEMPTY"
        return "FULL" if queue.options.maxlen and len(queue.waiting) >= queue.options.maxlen else None


def _number(device: str) -> str:
    """The number of `PJSIP/100` and of `hint:100@ext-local`."""
    return device.removeprefix("hint:").partition("@")[0].rpartition("/")[2]
