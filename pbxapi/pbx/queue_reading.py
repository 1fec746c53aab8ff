"""Reading a QueueStatus: what Asterisk says of its queues, beside what the platform's tables hold of them.

The fields are those of apps/app_queue.c, the same on 16 and 22: LastPause and PausedReason are empty before 13.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from pbxapi.ami import Message
from pbxapi.pbx.channels import known
from pbxapi.pbx.interfaces import Party
from pbxapi.pbx.queueing import Queue, QueueCaller, QueueMember, QueueSettings, StaticMember

DEVICE_STATES = (
    "unknown", "not_inuse", "inuse", "busy", "invalid", "unavailable", "ringing", "ringinuse", "onhold",
)  # fmt: skip
"""enum ast_device_state, include/asterisk/devicestate.h: `Status` of a member is its number."""

Fields = Mapping[str, str]

DEVICE = re.compile(r"(?:PJSIP|SIP|IAX2)/([^/@&]+)\Z", re.I)
NUMBER = re.compile(r"Local/([^/@&]+)@[^/@&]+(?:/n)?\Z", re.I)
COUNT = re.compile(r"-?[0-9]{1,18}\Z")
LAST_SECOND = 253_402_300_799
"""Of the year 9999."""


def extension_of(interface: str) -> str | None:
    """The number behind an interface: 200 for Local/200@from-queue/n and for PJSIP/200; None for a trunk, an agent."""
    found = DEVICE.match(interface) or NUMBER.match(interface)
    return found[1] if found else None


def natural(name: str) -> tuple[int, str]:
    """The order of numbers and names: numbers first, as numbers."""
    return (int(name), "") if name.isascii() and name.isdigit() and len(name) < 20 else (10**20, name)


class QueueReader:
    """Reads one list after the other, and remembers what it read last: most of it has not changed since."""

    def __init__(self) -> None:
        self._members: dict[bytes, tuple[str, QueueMember]] = {}
        self._callers: dict[bytes, tuple[str, QueueCaller]] = {}

    def read(self, events: Iterable[Message], settings: Mapping[str, QueueSettings] | None) -> tuple[Queue, ...]:
        """Every queue of either, by number. `settings` None: there are no tables, or none to be had."""
        now = datetime.now(UTC).replace(microsecond=0)
        params: dict[str, Fields] = {}
        members: dict[str, list[QueueMember]] = {}
        callers: dict[str, list[QueueCaller]] = {}
        static = {name: {one.interface.lower() for one in own.static_members} for name, own in (settings or {}).items()}
        known_members, self._members = self._members, {}
        known_callers, self._callers = self._callers, {}
        for message in events:
            raw = message.raw
            if raw.startswith(b"Event: QueueMember\r\n"):
                key, _ = _without(raw, b"\r\nActionID:")  # it changes from question to question
                queue, member = known_members.get(key) or _member(message.fields())
                configured = None if settings is None else member.interface.lower() in static.get(queue, ())
                if member.configured is not configured:
                    member = replace(member, configured=configured)
                self._members[key] = queue, member
                members.setdefault(queue, []).append(member)
            elif raw.startswith(b"Event: QueueEntry\r\n"):
                key, seconds = _without(_without(raw, b"\r\nActionID:")[0], b"\r\nWait: ")
                queue, caller = known_callers.get(key) or _caller(message.fields())
                caller = _waiting(caller, int(seconds) if len(seconds) < 10 and seconds.isdigit() else 0, now)
                self._callers[key] = queue, caller
                callers.setdefault(queue, []).append(caller)
            elif raw.startswith(b"Event: QueueParams\r\n"):
                found = message.fields()
                params[found.get("Queue", "")] = found
        queues = [
            _queue(name, params.get(name), members.get(name, []), callers.get(name, []), settings)
            for name in {**params, **(settings or {})}
        ]
        return tuple(sorted(queues, key=lambda queue: natural(queue.queue)))


def _without(raw: bytes, header: bytes) -> tuple[bytes, bytes]:
    """A message without the line that begins so, and what stood in that."""
    before, _, rest = raw.partition(header)
    value, end, after = rest.partition(b"\r\n")
    return before + end + after, value


def _queue(
    name: str,
    params: Fields | None,
    running: list[QueueMember],
    callers: list[QueueCaller],
    settings: Mapping[str, QueueSettings] | None,
) -> Queue:
    own = settings.get(name) if settings is not None else None
    completed, abandoned = _count(params, "Completed"), _count(params, "Abandoned")
    there = {member.interface.lower() for member in running}
    static = own.static_members if own else ()
    missing = [_not_running(each) for each in static if each.interface.lower() not in there]
    return Queue(
        queue=name,
        configured=None if settings is None else own is not None,
        running=params is not None,
        settings=own,
        strategy=own.strategy if own else params.get("Strategy") if params else None,
        max_callers=own.max_callers if own else _count(params, "Max"),
        weight=own.weight if own else _count(params, "Weight"),
        service_level=own.service_level if own else _count(params, "ServiceLevel"),
        # Asterisk says 0.0 of no calls at all, which would be red on a wallboard all night.
        service_level_percent=_percent(params, "ServicelevelPerf") if completed else None,
        service_level_percent_2=_percent(params, "ServicelevelPerf2") if completed or abandoned else None,
        completed=completed,
        abandoned=abandoned,
        holdtime=_count(params, "Holdtime"),
        talktime=_count(params, "TalkTime"),
        callers=tuple(sorted(callers, key=lambda caller: caller.position)),
        members=tuple(sorted([*running, *missing], key=_order)),
    )


def _order(member: QueueMember) -> tuple[tuple[int, str], str]:
    return natural(member.extension or member.interface), member.interface


def _member(event: Fields) -> tuple[str, QueueMember]:
    interface = event.get("Location", "")
    paused = event.get("Paused") == "1"
    status = _count(event, "Status")
    name, state_interface = event.get("Name"), event.get("StateInterface")
    member = QueueMember(
        interface=interface,
        extension=extension_of(interface),
        name=name if name and name != interface else None,
        membership=event.get("Membership") or None,
        configured=None,
        state_interface=state_interface or None,
        state=DEVICE_STATES[status] if status is not None and 0 <= status < len(DEVICE_STATES) else "unknown",
        paused=paused,
        paused_reason=(event.get("PausedReason") or None) if paused else None,
        paused_since=_moment(event.get("LastPause", "")) if paused else None,
        penalty=_count(event, "Penalty") or 0,
        in_call={"0": False, "1": True}.get(event.get("InCall", "")),
        calls_taken=_count(event, "CallsTaken") or 0,
        last_call=_moment(event.get("LastCall", "")),
        logged_in_at=_moment(event.get("LoginTime", "")),
        wrapup_time=_count(event, "Wrapuptime"),
    )
    return event.get("Queue", ""), member


def _not_running(member: StaticMember) -> QueueMember:
    """One that the tables have and Asterisk has not: not applied yet, or refused by it."""
    return QueueMember(
        interface=member.interface, extension=extension_of(member.interface), name=None, membership=None,
        configured=True, state_interface=None, state="unknown", paused=False, paused_reason=None, paused_since=None,
        penalty=member.penalty, in_call=None, calls_taken=0, last_call=None, logged_in_at=None, wrapup_time=None,
    )  # fmt: skip


def _caller(event: Fields) -> tuple[str, QueueCaller]:
    return event.get("Queue", ""), QueueCaller(
        position=_count(event, "Position") or 0,
        channel=event.get("Channel", ""),
        channel_id=event.get("Uniqueid", ""),
        caller=Party(_said(event, "CallerIDNum"), _said(event, "CallerIDName")),
        wait=0,
        joined_at=datetime.fromtimestamp(0, UTC),
        priority=_count(event, "Priority") or 0,
    )


def _waiting(caller: QueueCaller, wait: int, now: datetime) -> QueueCaller:
    joined_at = now - timedelta(seconds=wait)
    # Both are rounded down to seconds: that they do not agree does not mean that somebody came anew.
    if abs((joined_at - caller.joined_at).total_seconds()) <= 1:
        joined_at = caller.joined_at
    return QueueCaller(
        caller.position, caller.channel, caller.channel_id, caller.caller, wait, joined_at, caller.priority
    )


def _said(event: Fields, header: str) -> str | None:
    """QueueEntry says `unknown` where other events say `<unknown>`."""
    value = known(event.get(header, ""))
    return None if value == "unknown" else value


def _count(event: Fields | None, header: str) -> int | None:
    text = event.get(header, "") if event else ""
    return int(text) if COUNT.match(text) else None


def _percent(event: Fields | None, header: str) -> float | None:
    try:
        found = float(event[header]) if event else math.nan
    except (KeyError, ValueError):
        return None
    return found if math.isfinite(found) else None


def _moment(seconds: str) -> datetime | None:
    at = int(seconds) if COUNT.match(seconds) else 0
    return datetime.fromtimestamp(at, UTC) if 0 < at <= LAST_SECOND else None
