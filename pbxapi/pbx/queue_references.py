"""What a queue names of the exchange: its members, who may log in, and recordings. All of them have to be there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from pbxapi.db.platform_tables import recordings, users
from pbxapi.errors import Conflict, Invalid, NotFound
from pbxapi.pbx.provisioning import Values
from pbxapi.pbx.queue_checks import interface_fault, penalty_fault
from pbxapi.pbx.queue_keywords import RECORDINGS
from pbxapi.pbx.queue_reading import extension_of
from pbxapi.pbx.queueing import NewMember, QueueSettings, StaticMember

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from pbxapi.db.schema import Schema

SEAT = "from-queue"
"""The context through which the platforms call a member."""


def seat(extension: str) -> str:
    """The interface of a member that is an extension."""
    return f"Local/{extension}@{SEAT}/n"


def static_members(
    connection: Connection, current: QueueSettings, given: Sequence[Mapping[str, Any]], contexts: Collection[str]
) -> tuple[StaticMember, ...]:
    """Those that a caller gave: each an `extension` or an `interface`, with a `penalty`. Raises Invalid.

    Those that are there already may stay, whatever they are.
    """
    found = [_member(each) for each in given]
    named = [str(each["extension"]) for each in given if each.get("interface") is None]
    there = {member.interface for member in current.static_members}
    faults = [f"There is no extension {number}." for number in _missing(connection, named)]
    for member in found:
        fault = None if member.interface in there else interface_fault(member.interface, contexts)
        fault = fault or penalty_fault(member.penalty)
        faults += [f"{member.interface[:80]!a}: {fault}"] if fault else []
    for member in found:
        if _count(member, found) > max(1, _count(member, current.static_members)):
            faults.append(f"{(member.extension or member.interface)[:80]!a} is there twice.")
    if faults:
        raise Invalid("A member cannot be had", {"static_members": list(dict.fromkeys(faults))})
    return tuple(found)


def _member(given: Mapping[str, Any]) -> StaticMember:
    """The interface counts where both are given, as GET gives it."""
    interface = given.get("interface") or seat(str(given["extension"]))
    return StaticMember(interface, given.get("penalty") or 0, extension_of(interface))


def _count(member: StaticMember, members: Iterable[StaticMember]) -> int:
    return sum(_same(each, member) for each in members)


def _same(one: StaticMember, other: StaticMember) -> bool:
    """Whether both are one: Asterisk compares interfaces in any case, and a number would ring twice."""
    if one.interface.lower() == other.interface.lower():
        return True
    return one.extension is not None and one.extension == other.extension


def new_member(
    connection: Connection, current: QueueSettings, member: NewMember, contexts: Collection[str]
) -> StaticMember:
    """One that is to be added; its penalty is the one that the queue lists for it, if none is given.

    Raises Invalid, and Conflict when it is there.
    """
    if (member.extension is None) == (member.interface is None):
        raise Invalid("A member is an extension or an interface", {"extension": ["This, or interface."]})
    if member.extension is not None and _missing(connection, [member.extension]):
        raise Invalid("No such extension", {"extension": [f"There is no extension {member.extension}."]})
    if member.interface is not None and (fault := interface_fault(member.interface, contexts)):
        raise Invalid("This is no interface", {"interface": [fault]})
    found = _member({"extension": member.extension, "interface": member.interface})
    if any(_same(each, found) for each in current.static_members):
        raise Conflict(f"It is a static member of queue {current.queue} already")
    listed = current.dynamic_agents.get(found.extension or "", 0)
    penalty = listed if member.penalty is None else member.penalty
    check_penalty(penalty)
    return replace(found, penalty=penalty)


def check_penalty(penalty: int) -> None:
    """Raise Invalid for one that cannot be."""
    if fault := penalty_fault(penalty):
        raise Invalid("The penalty cannot be had", {"penalty": [fault]})


def place_of(current: QueueSettings, member: str) -> StaticMember:
    """The static member of that interface or extension. Raises NotFound."""
    for found in current.static_members:
        if found.interface.lower() == member.lower():
            return found
    for found in current.static_members:
        if found.extension == member:
            return found
    raise NotFound(f"{member} is no static member of queue {current.queue}")


def check_agents(connection: Connection, current: QueueSettings, wanted: QueueSettings) -> None:
    """Raise Invalid when somebody is newly listed for logging in who is no extension."""
    new = [number for number in wanted.dynamic_agents if number not in current.dynamic_agents]
    if missing := _missing(connection, new):
        faults = [f"There is no extension {number}." for number in missing]
        raise Invalid("Not all agents are extensions", {"dynamic_agents": faults})


def check_announcements(connection: Connection, schema: Schema, current: QueueSettings, values: Values) -> None:
    """Raise Invalid for recordings that are not there; where the exchange keeps none, for all."""
    wanted = {name: values[name] for name in RECORDINGS if values.get(name)}
    new = {name: value for name, value in wanted.items() if value != getattr(current, name)}
    there: set[int] = set()
    if new and schema.has("recordings"):
        statement = select(recordings.c.id).where(recordings.c.id.in_(list(new.values())))
        there = set(connection.execute(statement).scalars())
    faults = {name: [f"There is no recording {value}."] for name, value in new.items() if value not in there}
    if faults:
        raise Invalid("A recording is not there", faults)


def _missing(connection: Connection, numbers: Collection[str]) -> list[str]:
    """Those of the numbers that are no extensions here."""
    if not numbers:
        return []
    statement = select(users.c.extension).where(users.c.extension.in_(list(numbers)))
    there = set(connection.execute(statement).scalars())
    return [number for number in dict.fromkeys(numbers) if number not in there]
