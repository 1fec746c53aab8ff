"""Callers from outside who come to the queues, and the agents who serve them: those from 110 on."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial

from pbxapi.demo import causes
from pbxapi.demo.channels import Channel, Numbering, State
from pbxapi.demo.history_people import World as Town
from pbxapi.demo.phones import TRUNK
from pbxapi.demo.queue import DYNAMIC, PAUSED, Member, Queue
from pbxapi.demo.queue_calls import Waiting
from pbxapi.demo.talk import Talk
from pbxapi.demo.world import World

CONTEXT = "ext-queues"


@dataclass(frozen=True)
class Pace:
    """How things go, each from and to in seconds. Who is not answered within `patience` gives up."""

    arrival: tuple[float, float] = (6, 22)
    patience: tuple[float, float] = (12, 50)
    talk: tuple[float, float] = (15, 80)


class QueueLife:
    """The seed decides who calls when. Queues that are not there are left alone. The exchange's lock is held."""

    def __init__(self, world: World, numbering: Numbering, seed: int, pace: Pace) -> None:
        self._world = world
        self._numbering = numbering
        self._random = random.Random(f"queues {seed}")  # noqa: S311  (who calls a toy exchange)
        self._town = Town(seed)
        self._pace = pace

    def start(self) -> None:
        """Let agents log in, some others have a break, and the first callers come."""
        for name in DYNAMIC:
            queue = self._world.queues.by_name.get(name)
            if queue:
                self._staff(queue)
            self._world.clock.later(self._time(self._pace.arrival) / 4, partial(self._arrive, name))

    def _staff(self, queue: Queue) -> None:
        roster, now = self._world.queues.roster, int(self._world.clock.now())
        for number, penalty in DYNAMIC[queue.name].items():
            interface, hint = f"Local/{number}@from-queue/n", f"hint:{number}@ext-local"
            phone = self._world.phones.get(number)
            if phone and not queue.member(interface):
                roster.add(queue, Member(interface, phone.name, penalty, now, hint, dynamic=True))
                self._world.custom_states.set_device(f"QUEUE{number}*{queue.name}", "INUSE")
        for member in queue.members:
            reason = PAUSED.get(member.interface.partition("/")[2].partition("@")[0])
            if reason and not member.dynamic:
                roster.pause([(queue, member)], paused=True, reason=reason, everywhere=False)

    def _arrive(self, name: str) -> None:
        """Somebody calls; and a little later the next."""
        self._world.clock.later(self._time(self._pace.arrival), partial(self._arrive, name))
        patience, talk = self._time(self._pace.patience), self._time(self._pace.talk)
        caller, by_agent = self._town.somebody(self._random), self._random.random() < 0.4
        if not self._world.dialplan.exists(CONTEXT, name):
            return
        switch = self._world.switch
        channel_name, uniqueid = self._numbering.channel(TRUNK.device)
        channel = Channel(channel_name, uniqueid, uniqueid, TRUNK.number, caller, self._numbering, switch.clock.now())
        channel.state, channel.context, channel.exten, channel.dnid = State.RING, CONTEXT, name, name
        channel.sip_call_id = self._numbering.uuid()
        switch.add(channel)
        switch.clock.later(patience, lambda: self._lose_patience(channel))
        switch.clock.later(patience + talk, lambda: self._end(channel, by_agent=by_agent))
        self._world.dialplan.run(channel, CONTEXT, name, 1)

    def _lose_patience(self, channel: Channel) -> None:
        if isinstance(channel.owner, Waiting):
            self._end(channel, by_agent=False)

    def _end(self, channel: Channel, *, by_agent: bool) -> None:
        if channel.gone:
            return
        if by_agent and isinstance(channel.owner, Talk):
            channel = channel.owner.peer(channel)
        self._world.switch.tell("HangupRequest", channel, ("Cause", str(causes.NORMAL)))
        self._world.switch.hang_up(channel, causes.NORMAL)

    def _time(self, between: tuple[float, float]) -> float:
        return self._random.uniform(*between)
