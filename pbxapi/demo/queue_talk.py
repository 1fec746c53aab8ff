"""A caller of a queue and the member who answered."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pbxapi.demo.channels import Channel
from pbxapi.demo.queue import Member, Queue
from pbxapi.demo.queue_members import Roster
from pbxapi.demo.talk import Talk

_WORDS = {"caller": "COMPLETECALLER", "agent": "COMPLETEAGENT"}


@dataclass(eq=False)
class QueueTalk(Talk):
    """`one` is the caller, `other` the member's channel. `hold` is for how long the caller waited, in seconds."""

    roster: Roster
    queue: Queue
    member: Member
    hold: int
    position: int
    since: float
    over: bool = False

    def release(self, channel: Channel) -> Callable[[], None]:
        """One of them leaves: the call of the queue is over."""
        self.complete("caller" if channel is self.one else "agent")
        return super().release(channel)

    def complete(self, reason: str, *transfer: str) -> None:
        """Count it, once: update_queue of app_queue. `reason` as AgentComplete says it."""
        if self.over:
            return
        self.over = True
        now = self.switch.clock.now()
        talked = int(now) - int(self.since)
        self.queue.figures.complete(talked, in_time=self.hold <= self.queue.options.service_level)
        self.member.in_call = False
        self.member.calls_taken += 1
        self.member.last_call = int(now)
        place = (("HoldTime", str(self.hold)), ("TalkTime", str(talked)), ("Reason", reason))
        self.roster.tell_agent("AgentComplete", self.queue, self.member, self.one, self.other, *place)
        word, *where = transfer or (_WORDS[reason],)
        data = (*where, self.hold, talked, self.position)
        self.roster.log.write(self.one.uniqueid, self.queue.name, self.member.name, word, *data)
