"""Agents: the members of all queues, taken together by whom they are, and what one does in several queues at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from pbxapi.errors import Conflict, Invalid, NotFound
from pbxapi.pbx.live import Snapshot
from pbxapi.pbx.queue_actions import AlreadySo, check_line, in_turn
from pbxapi.pbx.queue_reading import extension_of, natural
from pbxapi.pbx.queue_seats import Seat
from pbxapi.pbx.queueing import Agent, AgentMembership, Queue, QueueMember
from pbxapi.pbx.queues import AmiQueues, listed_penalty, sits
from pbxapi.pbx.step import Step
from pbxapi.pbx.text import EXTENSION

Place = tuple[Queue, QueueMember]


class QueueAgents:
    """`queueing.Agents`, made of what the queues say."""

    def __init__(self, queues: AmiQueues) -> None:
        self._queues = queues

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[Agent, ...]]:
        """Everybody whom Asterisk runs as a member of a queue, in the order of their numbers."""
        queues = self._queues.all(fresh=fresh)
        made: Snapshot[tuple[Agent, ...]] | None = queues.memo.get(QueueAgents)
        if made is None:
            with queues.making:
                made = queues.memo.get(QueueAgents) or Snapshot(
                    _agents(queues.value), queues.asked_at, queues.good_until
                )
                queues.memo[QueueAgents] = made
        return made

    def get(self, agent: str, *, fresh: bool = False) -> Agent:
        """One, by extension or interface. Raises NotFound."""
        return _named(agent, self.all(fresh=fresh).value)

    def login(self, agent: str, queues: Sequence[str] | None, penalty: int | None) -> Agent:
        """Let it into queues as a dynamic member; where it is one already, it stays as it is.

        Into all or none. Raises NotFound, Conflict, Unavailable while it is not known who may, and Invalid when no
        queue is named and none lists it.
        """
        seat = self._seat(agent)
        everywhere = self._queues.all(fresh=True).value
        names = dict.fromkeys(queues or [each.queue for each in everywhere if self._lists(each, agent)])
        if not names:
            why = "Name them: no queue that runs lists this agent in dynamic_agents."
            raise Invalid("Into which queues?", {"queues": [why]})
        steps = []
        for place in [self._queues.open_for(name, seat) for name in names]:
            if sits(place, seat) is None:
                late = listed_penalty(place, seat) if penalty is None else penalty
                back = partial(self._queues.actions.remove, place.queue, seat)
                steps.append(
                    Step(f"login to queue {place.queue}", partial(self._let_in, place.queue, seat, late), back)
                )
        in_turn(steps)
        try:
            return self.get(agent, fresh=True)
        except NotFound:  # somebody else has logged it out again
            extension = extension_of(seat.interface)
            return _nowhere(extension or seat.interface, extension, seat.name, "unknown")

    def _let_in(self, queue: str, seat: Seat, penalty: int) -> None:
        try:
            self._queues.actions.add(queue, seat, penalty)
        except Conflict:
            if sits(self._queues.get(queue, fresh=True), seat):
                raise AlreadySo from None
            self._queues.actions.add(queue, seat, penalty)  # it was there, and has gone again

    def _put_out(self, queue: str, seat: Seat) -> None:
        try:
            self._queues.actions.remove(queue, seat)
        except NotFound:
            raise AlreadySo from None

    def logout(self, agent: str, queues: Sequence[str] | None) -> Agent:
        """Take it out of queues, or of all; where it is a static member it stays, and the answer shows it.

        Raises NotFound, and Conflict when it is static in every one of them.
        """
        before, places = self._places(agent, queues)
        dynamic = [place for place in places if place[1].membership == "dynamic"]
        if not dynamic:
            raise Conflict("It is a static member, which the configuration holds: pause it instead")
        steps = []
        for queue, member in dynamic:
            seat = self._queues.seat_of(member)
            was = replace(seat, name=member.name, state_interface=member.state_interface)
            back = partial(
                self._queues.actions.add, queue.queue, was, member.penalty,
                paused=member.paused, reason=member.paused_reason,
            )  # fmt: skip
            out = partial(self._put_out, queue.queue, seat)
            steps.append(Step(f"logout of queue {queue.queue}", out, back))
        in_turn(steps)
        try:
            return self.get(agent, fresh=True)
        except NotFound:
            return _nowhere(before.agent, before.extension, before.name, before.state)

    def pause(self, agent: str, reason: str | None, queues: Sequence[str] | None) -> Agent:
        """Offer it no calls, in these queues or in all that it serves. Raises NotFound, Invalid."""
        check_line("reason", reason)
        return self._pause(agent, queues, paused=True, reason=reason)

    def unpause(self, agent: str, queues: Sequence[str] | None) -> Agent:
        """Offer it calls again. Raises NotFound, Invalid."""
        return self._pause(agent, queues, paused=False, reason=None)

    def _pause(self, agent: str, queues: Sequence[str] | None, *, paused: bool, reason: str | None) -> Agent:
        _, places = self._places(agent, queues)
        act = self._queues.actions.pause

        def back(some: Iterable[Place]) -> Callable[[], None]:
            def put_back() -> None:
                for queue, member in some:
                    act(queue.queue, member.interface, paused=member.paused, reason=member.paused_reason)

            return put_back

        if queues is None:  # one action for all queues of an interface
            each = {m.interface: [place for place in places if place[1].interface == m.interface] for _, m in places}
            steps = [
                Step(f"pausing {interface}", partial(act, None, interface, paused=paused, reason=reason), back(some))
                for interface, some in each.items()
            ]
        else:
            steps = [
                Step(
                    f"pausing in queue {queue.queue}",
                    partial(act, queue.queue, member.interface, paused=paused, reason=reason),
                    back([(queue, member)]),
                )
                for queue, member in places
            ]
        in_turn(steps)
        return self.get(agent, fresh=True)

    def _lists(self, queue: Queue, agent: str) -> bool:
        own = self._queues.configured(queue) if queue.running else None
        return own is not None and agent in own.dynamic_agents

    def _seat(self, agent: str) -> Seat:
        """Raises NotFound for an extension that is not there, Invalid for what is no interface."""
        if EXTENSION.match(agent):
            try:
                return self._queues.seat(agent, None)
            except Invalid as error:
                raise NotFound(f"There is no extension {agent}") from error
        return self._queues.seat(None, agent)

    def _places(self, agent: str, queues: Sequence[str] | None) -> tuple[Agent, list[Place]]:
        """Where it is, in these queues or in all. Raises NotFound for nobody, Invalid for a queue that it is not in."""
        everywhere = self._queues.all(fresh=True).value
        found = _named(agent, _agents(everywhere))
        places = [
            (queue, member)
            for queue in everywhere
            if queues is None or queue.queue in queues
            for member in queue.members
            if member.membership is not None and _who(member) == found.agent
        ]
        missing = sorted(set(queues or ()) - {queue.queue for queue, _ in places})
        if missing:
            raise Invalid("It does not serve every one of these queues", {"queues": [f"Not {', '.join(missing)}."]})
        return found, places


def _who(member: QueueMember) -> str:
    return member.extension or member.interface


def _agents(queues: Iterable[Queue]) -> tuple[Agent, ...]:
    found: dict[str, list[Place]] = {}
    for queue in queues:
        for member in queue.members:
            if member.membership is not None:
                found.setdefault(_who(member), []).append((queue, member))
    return tuple(sorted((_agent(who, places) for who, places in found.items()), key=lambda each: natural(each.agent)))


def _agent(who: str, places: Sequence[Place]) -> Agent:
    members = [member for _, member in places]
    calling = [member.in_call for member in members if member.in_call is not None]
    return Agent(
        agent=who,
        extension=members[0].extension,
        name=next((member.name for member in members if member.name), None),
        state=members[0].state,
        paused=all(member.paused for member in members),
        in_call=any(calling) if calling else None,
        calls_taken=sum(member.calls_taken for member in members),
        last_call=_latest(member.last_call for member in members),
        queues=tuple(
            AgentMembership(
                queue.queue, member.interface, member.membership or "", member.paused, member.paused_reason,
                member.paused_since, member.penalty, member.in_call, member.calls_taken, member.last_call,
                member.logged_in_at,
            )
            for queue, member in places
        ),
    )  # fmt: skip


def _latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((moment for moment in moments if moment), default=None)


def _named(agent: str, agents: Iterable[Agent]) -> Agent:
    for each in agents:
        if agent == each.agent or any(agent.lower() == place.interface.lower() for place in each.queues):
            return each
    raise NotFound(f"{agent} serves no queue")


def _nowhere(agent: str, extension: str | None, name: str | None, state: str) -> Agent:
    """Somebody who serves no queue any more."""
    return Agent(agent, extension, name, state, False, None, 0, None, ())
