"""Queues over the manager interface: one QueueStatus for all of them, and members who come, go and pause at once."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

from pbxapi.ami import AmiDenied, AmiUnknownAction, Client
from pbxapi.errors import Conflict, Invalid, NotFound, NotSupported, Refused, Timeout, Unavailable
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.host_mark import HostMark
from pbxapi.pbx.live import Shared, Snapshot
from pbxapi.pbx.locks import HostLock
from pbxapi.pbx.peers import STARTING
from pbxapi.pbx.queue_actions import QueueActions, as_one_field, check_line, in_turn
from pbxapi.pbx.queue_reading import QueueReader, extension_of
from pbxapi.pbx.queue_seats import Seat, Seats
from pbxapi.pbx.queueing import MemberChange, NewMember, Queue, QueueMember, QueueSettings, QueueSetup
from pbxapi.pbx.step import Step
from pbxapi.pbx.text import CHANNEL, LOCAL

log = logging.getLogger("pbxapi.queues")


class AmiQueues:
    """`queueing.Queues`. QueueStatus needs no class. `lock` is the one of QueueActions.

    `mark` tells the other workers of a write, so that none of them shows what was before it.
    """

    def __init__(
        self,
        ami: Client,
        astdb: AstDb,
        seats: Seats,
        setup: QueueSetup | None,
        lock: HostLock | None = None,
        *,
        mark: HostMark | None = None,
        ttl: float,
    ) -> None:
        self._ami = ami
        self._seats = seats
        self._setup = setup
        self._reader = QueueReader()
        self._seen_at: float | None = None
        self._why_not: str | None = None
        self._live: Shared[tuple[Queue, ...]] = Shared(self._fetch, ttl=ttl)
        self._mark = mark
        self._written = mark.last() if mark else 0
        self.actions = QueueActions(ami, astdb, self.changed, lock)

    def changed(self) -> None:
        """Drop what is kept, here and in the other workers: something was just done to a queue."""
        self._live.drop()
        if self._mark:
            self._mark.set()

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[Queue, ...]]:
        """Every queue that Asterisk or the platform's tables have, in the order of their numbers."""
        if self._mark and (written := self._mark.last()) != self._written:
            self._written = written
            self._live.drop()
        return self._live.get(fresh=fresh)

    def get(self, queue: str, *, fresh: bool = False) -> Queue:
        """One queue. Raises NotFound."""
        for each in self.all(fresh=fresh).value:
            if each.queue == queue:
                return each
        raise NotFound(f"There is no queue {queue}")

    def member(self, queue: str, member: str, *, fresh: bool = False) -> QueueMember:
        """One member, by its extension or interface. Raises NotFound."""
        return _find(self.get(queue, fresh=fresh), member)

    def rows(self) -> list[dict[str, str]]:
        """For the old interface: the platform's rows, or what Asterisk alone knows."""
        if self._setup is not None:
            return self._setup.rows()
        return [{"extension": each.queue, "descr": "", "strategy": each.strategy or ""} for each in self.all().value]

    def _fetch(self) -> tuple[Queue, ...]:
        pending = self._ami.start("QueueStatus", until="QueueStatusComplete")
        settings = self._settings()
        try:
            events = pending.result().events
        except AmiUnknownAction as error:
            if self._seen_at is not None and time.monotonic() - self._seen_at < STARTING:
                raise Unavailable("The exchange is starting", part="ami") from error
            raise NotSupported("This exchange has no queues: app_queue is not loaded") from error
        self._seen_at = time.monotonic()
        return self._reader.read(events, settings)

    def _settings(self) -> Mapping[str, QueueSettings] | None:
        """What the tables hold. Who waits is told to a wallboard also while the database is away, or AstDB not ours."""
        if self._setup is None:
            return None
        try:
            found = {each.queue: each for each in self._setup.all()}
        except NotSupported:
            return None
        except (Unavailable, Timeout, AmiDenied) as error:
            if str(error) != self._why_not:
                log.warning("queues are shown without their configuration: %s", error)
            self._why_not = str(error)
            return None
        self._why_not = None
        return found

    def seat(self, extension: str | None, interface: str | None) -> Seat:
        """What a member is made of. Raises Invalid."""
        if (extension is None) == (interface is None):
            raise Invalid("A member is an extension or an interface", {"extension": ["This, or interface."]})
        if extension is not None:
            try:
                seat = self._seats.of(extension)
            except NotFound as error:
                raise Invalid("No such extension", {"extension": [f"{error}."]}) from None
            return replace(seat, name=as_one_field(seat.name))
        local = LOCAL.match(interface or "")
        if not local and not CHANNEL.match(interface or ""):
            what = "A device such as PJSIP/200, or Local/200@from-queue/n."
            raise Invalid("This is not an interface", {"interface": [what]})
        if local and local["context"] not in self._seats.contexts:
            raise Invalid("This context may not be called", {"interface": ["Its context is not an allowed one."]})
        return Seat(interface or "")

    def add(self, queue: str, member: NewMember) -> QueueMember:
        """Log a dynamic member in. Raises NotFound, Invalid, and Conflict when it is there or may not be."""
        seat = self.seat(member.extension, member.interface)
        seat = replace(seat, name=member.name or seat.name)
        check_line("name", member.name)
        check_line("reason", member.reason)
        if member.reason and not member.paused:
            raise _no_reason()
        place = self.open_for(queue, seat, fresh=True)
        if sits(place, seat):
            raise Conflict(f"It is a member of queue {queue} already")
        penalty = listed_penalty(place, seat) if member.penalty is None else member.penalty
        self.actions.add(queue, seat, penalty, paused=member.paused, reason=member.reason)
        try:
            return self.member(queue, seat.interface, fresh=True)
        except NotFound:
            raise Conflict(f"It was let into queue {queue}, and somebody else has put it out again") from None

    def open_for(self, queue: str, seat: Seat, *, fresh: bool = False) -> Queue:
        """The queue, when it can be logged in to. Raises NotFound, and Conflict saying why it cannot.

        Unavailable while its tables are away: who may log in is not known.
        """
        place = self.get(queue, fresh=fresh)
        if not place.running:
            raise Conflict(f"Queue {queue} is configured and does not run yet: apply the configuration first")
        own = self.configured(place)
        if own and own.only_listed_agents and extension_of(seat.interface) not in own.dynamic_agents:
            raise Conflict(f"Queue {queue} takes only those agents that are listed in dynamic_agents")
        return replace(place, settings=own)

    def configured(self, place: Queue) -> QueueSettings | None:
        """Its settings, None where it has none. Raises Unavailable while its tables are away."""
        if place.configured is not None or self._setup is None:
            return place.settings
        try:
            return self._setup.get(place.queue)
        except (NotSupported, NotFound):
            return None

    def change(self, queue: str, member: str, change: MemberChange) -> QueueMember:
        """Pause, go on, or be called sooner or later: at once, and kept by Asterisk for a dynamic member only.

        All of it or nothing. Raises NotFound, Refused, and Inconsistent with what could not be taken back.
        """
        check_line("reason", change.reason)
        before = _running(self.member(queue, member, fresh=True), queue)
        if change.reason and not (before.paused if change.paused is None else change.paused):
            raise _no_reason()
        in_turn(list(self._steps(queue, before, change)))
        return self.member(queue, before.interface, fresh=True)

    def _steps(self, queue: str, before: QueueMember, change: MemberChange) -> Iterator[Step]:
        act, interface = self.actions, before.interface
        if change.penalty is not None:
            do = partial(act.penalise, queue, interface, change.penalty)
            yield Step("the penalty", do, partial(act.penalise, queue, interface, before.penalty))
        paused = before.paused if change.paused is None else change.paused
        reason = before.paused_reason if change.reason is None and paused else change.reason or None
        # Not again what it is: Asterisk would let a break begin anew.
        if (paused, reason) != (before.paused, before.paused_reason):
            pause = partial(act.pause, queue, interface)
            back = partial(pause, paused=before.paused, reason=before.paused_reason)
            yield Step("the pause", partial(pause, paused=paused, reason=reason), back)
        if (wanted := change.ring_in_use) is not None:
            # The last, for Asterisk does not tell what it was.
            last = partial(act.ring_in_use, queue, interface, wanted=wanted)
            yield Step("ring_in_use", last, partial(_not_known, "ring_in_use"))

    def remove(self, queue: str, member: str) -> None:
        """Log a dynamic member out. Raises NotFound, and Conflict for a static one."""
        found = _running(self.member(queue, member, fresh=True), queue)
        if found.membership != "dynamic":
            raise Conflict(
                f"It is a {found.membership} member of queue {queue}, which its configuration holds: pause it, or "
                "take it out of the configuration (persistent=true)"
            )
        self.actions.remove(queue, self.seat_of(found))

    def seat_of(self, member: QueueMember) -> Seat:
        """Where it sits, with the lamps of its extension, as far as that is there still."""
        try:
            seat = self._seats.of(member.extension) if member.extension else Seat(member.interface)
        except NotFound:
            seat = Seat(member.interface)
        return replace(seat, interface=member.interface)


def _no_reason() -> Invalid:
    return Invalid("A reason goes with a pause", {"reason": ["It is not paused: send paused too."]})


def _not_known(what: str) -> None:
    raise Refused(f"What {what} was is not known")


def sits(queue: Queue, seat: Seat) -> QueueMember | None:
    """Who is in the queue from that seat, by this interface or by another of the same extension."""
    extension = extension_of(seat.interface)
    for each in queue.members:
        same = each.interface.lower() == seat.interface.lower()
        if (same or (extension and each.extension == extension)) and each.membership is not None:
            return each
    return None


def listed_penalty(queue: Queue, seat: Seat) -> int:
    """What the platform lists for an agent who logs in."""
    return queue.settings.dynamic_agents.get(extension_of(seat.interface) or "", 0) if queue.settings else 0


def _find(queue: Queue, member: str) -> QueueMember:
    """By interface, or by extension: one that Asterisk runs before one that is only configured."""
    for each in queue.members:
        if each.interface.lower() == member.lower():
            return each
    found = [each for each in queue.members if each.extension == member]
    if not found:
        raise NotFound(f"Queue {queue.queue} has no member {member}")
    return min(found, key=lambda each: (each.membership is None, each.membership != "dynamic"))


def _running(member: QueueMember, queue: str) -> QueueMember:
    if member.membership is None:
        raise Conflict(f"It is configured for queue {queue} and does not run yet: apply the configuration first")
    return member
