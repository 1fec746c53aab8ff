"""Queues, members and agents that live in memory: a small exchange for the tests of what is served over it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from pbxapi.errors import Conflict, Invalid, NotFound, Refused
from pbxapi.pbx.interfaces import Party
from pbxapi.pbx.live import Shared, Snapshot
from pbxapi.pbx.plan import KeyChange, Plan, RowChange, Secret
from pbxapi.pbx.provisioning import Outcome, Values, Write
from pbxapi.pbx.queue_checks import check
from pbxapi.pbx.queueing import (
    Agent,
    AgentMembership,
    MemberChange,
    NewMember,
    Queue,
    QueueCaller,
    QueueMember,
    QueueSettings,
    StaticMember,
)

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
PASSWORD = "73911"


def interface_of(extension: str) -> str:
    return f"Local/{extension}@from-queue/n"


def support() -> QueueSettings:
    return QueueSettings(
        queue="400",
        description="Support",
        strategy="rrmemory",
        password=PASSWORD,
        dynamic_agents={"203": 2, "202": 1},
        static_members=(StaticMember(interface_of("200"), 0, "200"),),
        options={"servicelevel": "60"},
    )


def seated(interface: str, **more: Any) -> QueueMember:
    fields: dict[str, Any] = {
        "interface": interface, "extension": None, "name": None, "membership": "dynamic", "configured": False,
        "state_interface": None, "state": "not_inuse", "paused": False, "paused_reason": None, "paused_since": None,
        "penalty": 0, "in_call": False, "calls_taken": 0, "last_call": None, "logged_in_at": NOON, "wrapup_time": 0,
    }  # fmt: skip
    return QueueMember(**{**fields, **more})


def waiting(position: int, wait: int) -> QueueCaller:
    return QueueCaller(
        position, "PJSIP/trunk-00000001", f"1767607200.{position}", Party("5551234", None), wait, NOON, 0
    )


def queue(name: str, *members: QueueMember, **more: Any) -> Queue:
    fields: dict[str, Any] = {
        "queue": name, "configured": None, "running": True, "settings": None, "strategy": "ringall", "max_callers": 0,
        "weight": 0, "service_level": 60, "service_level_percent": 100.0, "service_level_percent_2": 97.5,
        "completed": 12, "abandoned": 1, "holdtime": 4, "talktime": 80, "callers": (), "members": members,
    }  # fmt: skip
    return Queue(**{**fields, **more})


class MemoryQueues:
    """`queueing.Queues`. `asked` counts how often the exchange would have been asked."""

    def __init__(self, *running: Queue, setup: MemoryQueueSetup | None = None) -> None:
        self.running = {each.queue: each for each in running}
        self.setup = setup
        self.asked = 0
        self.live: Shared[tuple[Queue, ...]] = Shared(self._fetch, ttl=60)

    def _fetch(self) -> tuple[Queue, ...]:
        self.asked += 1
        if self.setup is None:
            return tuple(self.running.values())
        stored = self.setup.stored
        names = dict.fromkeys([*self.running, *stored])
        return tuple(self._joined(name, stored.get(name)) for name in sorted(names))

    def _joined(self, name: str, settings: QueueSettings | None) -> Queue:
        none = dict.fromkeys(("service_level_percent", "service_level_percent_2", "completed", "abandoned"))
        live = self.running.get(name) or queue(name, running=False, holdtime=None, talktime=None, **none)
        return dataclasses.replace(live, settings=settings, configured=settings is not None)

    def changed(self) -> None:
        self.live.drop()

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[Queue, ...]]:
        return self.live.get(fresh=fresh)

    def get(self, queue: str, *, fresh: bool = False) -> Queue:
        for each in self.all(fresh=fresh).value:
            if each.queue == queue:
                return each
        raise NotFound(f"There is no queue {queue}")

    def member(self, queue: str, member: str, *, fresh: bool = False) -> QueueMember:
        for each in self.get(queue, fresh=fresh).members:
            if member in {each.interface, each.extension}:
                return each
        raise NotFound(f"Queue {queue} has no member {member}")

    def replace(self, name: str, *members: QueueMember, **more: Any) -> None:
        """Let something happen on the exchange."""
        self.running[name] = dataclasses.replace(self.running[name], members=members, **more)
        self.changed()

    def add(self, queue: str, member: NewMember) -> QueueMember:
        found = self.get(queue)
        where = member.interface or interface_of(member.extension or "")
        if where == "PJSIP/refused":
            raise Refused("QueueAdd was refused: Unable to add interface to queue")
        if member.extension == "999":
            raise Invalid("No such extension", {"extension": ["There is no extension 999."]})
        if any(where == each.interface for each in found.members):
            raise Conflict(f"It is a member of queue {queue} already")
        new = dataclasses.replace(
            seated(where),
            extension=member.extension,
            name=member.name,
            penalty=7 if member.penalty is None else member.penalty,
            paused=member.paused,
            paused_reason=member.reason,
        )
        self.replace(queue, *found.members, new)
        return new

    def change(self, queue: str, member: str, change: MemberChange) -> QueueMember:
        before = self.member(queue, member)
        given: dict[str, Any] = {"paused": change.paused, "paused_reason": change.reason, "penalty": change.penalty}
        after = dataclasses.replace(before, **{name: value for name, value in given.items() if value is not None})
        after = dataclasses.replace(after, paused_reason=after.paused_reason or None)
        rest = [each for each in self.get(queue).members if each is not before]
        self.replace(queue, *rest, after)
        return after

    def remove(self, queue: str, member: str) -> None:
        before = self.member(queue, member)
        if before.membership != "dynamic":
            raise Conflict(f"It is a static member of queue {queue}")
        self.replace(queue, *[each for each in self.get(queue).members if each is not before])

    def rows(self) -> list[dict[str, str]]:
        return [{"extension": name, "descr": "Support", "strategy": "rrmemory"} for name in self.running]


class MemoryQueueSetup:
    """`queueing.QueueSetup`. `mentions` are numbers that something else mentions, and by what."""

    def __init__(self, *settings: QueueSettings) -> None:
        self.stored = {each.queue: each for each in settings}
        self.mentions: dict[str, str] = {}
        self.wrote: list[Write] = []

    def all(self) -> tuple[QueueSettings, ...]:
        return tuple(self.stored.values())

    def get(self, queue: str) -> QueueSettings:
        if queue not in self.stored:
            raise NotFound(f"There is no queue {queue}")
        return self.stored[queue]

    def rows(self) -> list[dict[str, str]]:
        return []

    def create(self, queue: str, values: Values, how: Write) -> tuple[QueueSettings, Outcome]:
        if queue in self.stored:
            raise Conflict(f"{queue} is taken")
        check(queue, values)
        after = _filled(QueueSettings(queue=queue), values)
        return after, self._write(queue, None, after, how)

    def put(self, queue: str, values: Values, how: Write, *, merge: bool = False) -> tuple[QueueSettings, Outcome]:
        before = self.get(queue)
        base = before if merge else QueueSettings(queue=queue, password=before.password)
        check(queue, {name: value for name, value in values.items() if value != getattr(before, name)})
        after = _filled(base, values)
        return after, self._write(queue, before, after, how)

    def delete(self, queue: str, how: Write) -> Outcome:
        before = self.get(queue)
        if queue in self.mentions and not how.force:
            raise Conflict(f"{queue} is still mentioned by {self.mentions[queue]}")
        return self._write(queue, before, None, how)

    def add_member(self, queue: str, member: NewMember, how: Write) -> tuple[StaticMember, Outcome]:
        new = _static({"interface": member.interface, "extension": member.extension, "penalty": member.penalty or 0})
        if any(each.interface == new.interface for each in self.get(queue).static_members):
            raise Conflict("It is a static member already")
        return new, self._members(queue, lambda members: (*members, new), how)

    def change_member(self, queue: str, member: str, penalty: int, how: Write) -> tuple[StaticMember, Outcome]:
        after = dataclasses.replace(self._find(queue, member), penalty=penalty)
        return after, self._members(
            queue, lambda members: tuple(after if m.interface == after.interface else m for m in members), how
        )

    def remove_member(self, queue: str, member: str, how: Write) -> Outcome:
        gone = self._find(queue, member)
        return self._members(queue, lambda members: tuple(each for each in members if each is not gone), how)

    def _find(self, queue: str, member: str) -> StaticMember:
        for each in self.get(queue).static_members:
            if member in {each.interface, each.extension}:
                return each
        raise NotFound(f"Queue {queue} has no static member {member}")

    def _members(
        self, queue: str, made: Callable[[tuple[StaticMember, ...]], tuple[StaticMember, ...]], how: Write
    ) -> Outcome:
        before = self.get(queue)
        after = dataclasses.replace(before, static_members=made(before.static_members))
        return self._write(queue, before, after, how)

    def _write(self, queue: str, before: QueueSettings | None, after: QueueSettings | None, how: Write) -> Outcome:
        if how.check and before:
            how.check(before)
        self.wrote.append(how)
        if not how.dry_run and after is None:
            del self.stored[queue]
        elif not how.dry_run and after is not None:
            self.stored[queue] = after
        row = RowChange("queues_config", {"extension": queue}, _row(before), _row(after))
        plan = Plan((row,), (KeyChange("QPENALTY", f"{queue}/dynmemberonly", None, "no"),), reload=True)
        return Outcome(plan, applied=how.apply, reason=None if how.apply else "It was asked to wait")


def _row(settings: QueueSettings | None) -> dict[str, Any] | None:
    if settings is None:
        return None
    return {"descr": settings.description, "password": Secret(settings.password or "")}


def _static(sent: Values) -> StaticMember:
    where = sent.get("interface") or interface_of(sent["extension"])
    return StaticMember(where, sent["penalty"], where.partition("/")[2].partition("@")[0])


def _filled(base: QueueSettings, values: Values) -> QueueSettings:
    fresh = QueueSettings(queue=base.queue)
    given = {name: getattr(fresh, name) if value is None else value for name, value in values.items()}
    if "static_members" in given:
        given["static_members"] = tuple(_static(each) for each in values["static_members"] or ())
    if values.get("options"):
        given["options"] = {name: value for name, value in values["options"].items() if value is not None}
    return dataclasses.replace(base, **given)


class MemoryAgents:
    """`queueing.Agents`, of the members that `queues` has."""

    def __init__(self, queues: MemoryQueues) -> None:
        self._queues = queues
        self.live: Shared[tuple[Agent, ...]] = Shared(self._fetch, ttl=60)

    def _fetch(self) -> tuple[Agent, ...]:
        places: dict[str, list[AgentMembership]] = {}
        people: dict[str, QueueMember] = {}
        for each in self._queues.all(fresh=True).value:
            for member in each.members:
                name = member.extension or member.interface
                people[name] = member
                places.setdefault(name, []).append(_place(each.queue, member))
        return tuple(_agent(name, people[name], tuple(places[name])) for name in sorted(places))

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[Agent, ...]]:
        return self.live.get(fresh=fresh)

    def get(self, agent: str, *, fresh: bool = False) -> Agent:
        for each in self.all(fresh=fresh).value:
            if each.agent == agent:
                return each
        raise NotFound(f"{agent} serves no queue")

    def login(self, agent: str, queues: Sequence[str] | None, penalty: int | None) -> Agent:
        names = queues or [each.queue for each in self._queues.all().value if _lists(each, agent)]
        if not names:
            raise Invalid("Into which queues?", {"queues": ["Name them."]})
        extension, interface = (None, agent) if "/" in agent else (agent, None)
        for name in names:
            self._queues.add(name, NewMember(extension=extension, interface=interface, penalty=penalty))
        return self.get(agent, fresh=True)

    def logout(self, agent: str, queues: Sequence[str] | None) -> Agent:
        before = self.get(agent)
        for place in before.queues:
            if place.membership == "dynamic" and (queues is None or place.queue in queues):
                self._queues.remove(place.queue, place.interface)
        left = [place for place in before.queues if place.membership != "dynamic"]
        return dataclasses.replace(before, queues=tuple(left))

    def pause(self, agent: str, reason: str | None, queues: Sequence[str] | None) -> Agent:
        return self._all(agent, queues, MemberChange(paused=True, reason=reason))

    def unpause(self, agent: str, queues: Sequence[str] | None) -> Agent:
        return self._all(agent, queues, MemberChange(paused=False))

    def _all(self, agent: str, queues: Sequence[str] | None, change: MemberChange) -> Agent:
        for place in self.get(agent).queues:
            if queues is None or place.queue in queues:
                self._queues.change(place.queue, place.interface, change)
        return self.get(agent, fresh=True)


def _lists(each: Queue, agent: str) -> bool:
    return each.settings is not None and agent in each.settings.dynamic_agents


def _place(queue: str, member: QueueMember) -> AgentMembership:
    same = {field.name for field in dataclasses.fields(AgentMembership)} - {"queue"}
    return AgentMembership(queue=queue, **{name: getattr(member, name) for name in same})


def _agent(name: str, member: QueueMember, places: tuple[AgentMembership, ...]) -> Agent:
    return Agent(
        agent=name,
        extension=member.extension,
        name=member.name,
        state=member.state,
        paused=all(place.paused for place in places),
        in_call=any(place.in_call for place in places),
        calls_taken=sum(place.calls_taken for place in places),
        last_call=member.last_call,
        queues=places,
    )
