"""Actions on queues and their members."""

from __future__ import annotations

from pbxapi.demo.actions import Asked, action
from pbxapi.demo.queue import Member, Queue
from pbxapi.demo.session import Answer
from pbxapi.demo.wire import Message

_TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})


def _chosen(asked: Asked) -> list[Queue]:
    """The queue that is asked for, or all; none when there is no such queue."""
    name, queues = asked.request.get("Queue"), asked.world.queues.by_name
    if not name:
        return list(queues.values())
    return [queues[name]] if name in queues else []


@action("QueueStatus", "Show queue status.")
def queue_status(asked: Asked) -> Answer:
    """Each queue with its members and callers."""
    wanted = asked.request.get("Member").lower()
    items: list[Message] = []
    for queue in _chosen(asked):
        items.append(asked.late_item("QueueParams", _params(queue)))
        items.extend(
            asked.late_item("QueueMember", _member(asked, queue, member))
            for member in reversed(queue.members)
            if wanted in ("", member.interface.lower(), member.name.lower())
        )
        items.extend(asked.late_item("QueueEntry", entry) for entry in _entries(asked, queue))
    return asked.listing("Queue status will follow", items, "QueueStatusComplete")


def _params(queue: Queue) -> Message:
    figures, options = queue.figures, queue.options
    return [
        ("Queue", queue.name),
        ("Max", str(options.maxlen)),
        ("Strategy", options.strategy),
        ("Calls", str(len(queue.waiting))),
        ("Holdtime", str(figures.holdtime)),
        ("TalkTime", str(figures.talktime)),
        ("Completed", str(figures.completed)),
        ("Abandoned", str(figures.abandoned)),
        ("ServiceLevel", str(options.service_level)),
        ("ServicelevelPerf", f"{figures.percent:.1f}"),
        ("ServicelevelPerf2", f"{figures.percent_of_all:.1f}"),
        ("Weight", str(options.weight)),
    ]


def _member(asked: Asked, queue: Queue, member: Member) -> Message:
    return [
        ("Queue", queue.name),
        ("Name", member.name),
        ("Location", member.interface),
        *asked.world.queues.roster.kind(member),
        *asked.world.queues.roster.counters(member),
        ("Wrapuptime", "0"),
    ]


def _entries(asked: Asked, queue: Queue) -> list[Message]:
    return [
        [
            ("Queue", queue.name),
            ("Position", str(position)),
            ("Channel", waiting.channel.name),
            ("Uniqueid", waiting.channel.uniqueid),
            ("CallerIDNum", waiting.channel.caller.number or "unknown"),
            ("CallerIDName", waiting.channel.caller.name or "unknown"),
            ("ConnectedLineNum", waiting.channel.connected.number or "unknown"),
            ("ConnectedLineName", waiting.channel.connected.name or "unknown"),
            ("Wait", str(waiting.waited)),
            ("Priority", "0"),
        ]
        for position, waiting in enumerate(queue.waiting, 1)
    ]


@action("QueueSummary", "Show queue summary.")
def queue_summary(asked: Asked) -> Answer:
    """Each queue in numbers."""
    roster = asked.world.queues.roster
    items = []
    for queue in _chosen(asked):
        there = [member for member in queue.members if roster.status(member) not in {"4", "5"}]
        longest = max((waiting.waited for waiting in queue.waiting), default=0)
        numbers = [
            ("Queue", queue.name),
            ("LoggedIn", str(len(there))),
            ("Available", str(sum(roster.available(queue, member) for member in there))),
            ("Callers", str(len(queue.waiting))),
            ("HoldTime", str(queue.figures.holdtime)),
            ("TalkTime", str(queue.figures.talktime)),
            ("LongestHoldTime", str(longest)),
        ]
        items.append(asked.late_item("QueueSummary", numbers))
    return asked.listing("Queue summary will follow", items, "QueueSummaryComplete")


@action("QueueAdd", "Add interface to queue.", "agent")
def queue_add(asked: Asked) -> Answer:
    """Add a dynamic member."""
    request, queues = asked.request, asked.world.queues
    name, interface = request.get("Queue"), request.get("Interface")
    if not name:
        return asked.error("'Queue' not specified.")
    if not interface:
        return asked.error("'Interface' not specified.")
    queue = queues.by_name.get(name)
    if queue is None:
        return asked.error("Unable to add interface to queue: No such queue")
    if queue.member(interface):
        return asked.error("Unable to add interface: Already there")
    penalty = request.get("Penalty")
    member = Member(
        interface,
        request.get("MemberName") or interface,
        int(penalty) if penalty.isdecimal() else 0,
        int(asked.world.clock.now()),
        request.get("StateInterface"),
        dynamic=True,
        ring_in_use=queue.options.ring_in_use,
        paused=request.get("Paused").lower() in _TRUE,
    )
    queues.roster.add(queue, member)
    return asked.said("Added interface to queue")


@action("QueueRemove", "Remove interface from queue.", "agent")
def queue_remove(asked: Asked) -> Answer:
    """Remove a dynamic member."""
    name, interface = asked.request.get("Queue"), asked.request.get("Interface")
    if not name or not interface:
        return asked.error("Need 'Queue' and 'Interface' parameters.")
    queue = asked.world.queues.by_name.get(name)
    if queue is None:
        return asked.error("Unable to remove interface from queue: No such queue")
    member = queue.member(interface)
    if member is None:
        return asked.error("Unable to remove interface: Not there")
    if not member.dynamic:
        return asked.error("Member not dynamic")
    asked.world.queues.roster.remove(queue, member)
    return asked.said("Removed interface from queue")


@action("QueuePause", "Makes a queue member temporarily unavailable.", "agent")
def queue_pause(asked: Asked) -> Answer:
    """Pause a member or make it available again, in one queue or in all."""
    request = asked.request
    interface, paused = request.get("Interface"), request.get("Paused")
    if not interface or not paused:
        return asked.error("Need 'Interface' and 'Paused' parameters.")
    found = _memberships(asked, interface)
    if not found:
        return asked.error("Interface not found")
    pausing = paused.lower() in _TRUE
    everywhere = not request.get("Queue")
    asked.world.queues.roster.pause(found, paused=pausing, reason=request.get("Reason"), everywhere=everywhere)
    return asked.said(f"Interface {'paused' if pausing else 'unpaused'} successfully")


@action("QueuePenalty", "Set the penalty for a queue member.", "agent")
def queue_penalty(asked: Asked) -> Answer:
    """Set how late a member is called, in one queue or in all."""
    interface, penalty = asked.request.get("Interface"), asked.request.get("Penalty")
    if not interface or not penalty:
        return asked.error("Need 'Interface' and 'Penalty' parameters.")
    found = _memberships(asked, interface)
    if not found or not penalty.isdecimal():
        return asked.error("Invalid interface, queuename or penalty")
    for queue, member in found:
        member.penalty = int(penalty)
        asked.world.queues.roster.tell("QueueMemberPenalty", queue, member)
    return asked.said("Interface penalty set successfully")


@action("QueueMemberRingInUse", "Set the ringinuse value for a queue member.", "agent")
def queue_member_ring_in_use(asked: Asked) -> Answer:
    """Set whether a member is called while it talks, in one queue or in all."""
    interface, wanted = asked.request.get("Interface"), asked.request.get("RingInUse")
    if not interface or not wanted:
        return asked.error("Need 'Interface' and 'RingInUse' parameters.")
    found = _memberships(asked, interface)
    if not found:
        return asked.error("Invalid interface, queuename, or ringinuse value")
    for queue, member in found:
        member.ring_in_use = wanted.lower() in _TRUE
        asked.world.queues.roster.tell("QueueMemberRinginuse", queue, member)
    return asked.said("Interface ringinuse set successfully")


@action("QueueReset", "Reset queue statistics.")
def queue_reset(asked: Asked) -> Answer:
    """Let one queue, or all, count from nothing."""
    for queue in _chosen(asked):
        queue.reset()
    return asked.said("Queue stats reset successfully")


@action("QueueReload", "Reload a queue, queues, or any sub-section of a queue or queues.")
def queue_reload(asked: Asked) -> Answer:
    """Nothing to read here, where the platform's apply sets what is configured."""
    return asked.said("Queue reloaded successfully")


def _memberships(asked: Asked, interface: str) -> list[tuple[Queue, Member]]:
    pairs = ((queue, queue.member(interface)) for queue in _chosen(asked))
    return [(queue, member) for queue, member in pairs if member]
