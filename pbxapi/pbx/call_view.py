"""A call as it is shown: from its live legs, and from what is known of it because it was placed here."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from pbxapi.errors import NotFound
from pbxapi.pbx.history import PastCall
from pbxapi.pbx.interfaces import Call, CallRecord, Channel, Party

INBOUND = re.compile(r"from-(trunk|pstn|did|sip-external|zaptel|dahdi|analog)|ext-did")
"""Contexts in which FreePBX and Issabel receive calls from outside."""

BORN = re.compile(r"(?:^|-)(\d{9,11})\.\d+\Z")
"""Asterisk's uniqueid: [systemname-]epoch.sequence."""


def make_call(legs: Sequence[Channel], record: CallRecord | None, now: datetime) -> Call:
    """A call from its live legs and from what is known of it because it was placed here."""
    first = max(legs, key=lambda c: c.duration, default=None)
    bridge = next((c.bridge for c in legs if c.bridge), None)
    if record is not None:
        caller, callee = Party(_number(record.origin), None), Party(record.to, None)
        started_at, status, direction = record.created_at, record.status, _placed_direction(record)
    else:
        if first is None:
            raise NotFound("No such call")
        caller, callee = _parties(first)
        started_at, status, direction = _started_at(first, now), _status(legs), _direction(legs)
    ended_at = record.ended_at if record else None
    external_id = record.external_id if record else next((c.external_id for c in legs if c.external_id), None)
    return Call(
        id=record.id if record else legs[0].linkedid,
        status=status,
        direction=direction,
        caller=caller,
        callee=callee,
        started_at=started_at,
        ringing_at=record.ringing_at if record else None,
        answered_at=record.answered_at if record else None,
        ended_at=ended_at,
        duration=max(0, int(((ended_at or now) - started_at).total_seconds())),
        channels=tuple(legs),
        bridge=bridge,
        external_id=external_id,
        leg=record.leg if record else None,
        cause=record.cause if record else None,
        reason=record.reason if record else None,
    )


def ended_call(past: PastCall) -> Call:
    """A call as its records tell it. Raises NotFound for one that has no date."""
    if past.started_at is None:
        raise NotFound("No such call")
    status, reason = _ENDS.get(past.status, (past.status, None))
    answered = past.talk_time > 0 or past.status == "completed"
    return Call(
        id=past.id,
        status=status,
        direction=None,
        caller=past.caller,
        callee=past.callee,
        started_at=past.started_at,
        ringing_at=None,
        answered_at=past.started_at + timedelta(seconds=past.ring_time) if answered else None,
        ended_at=past.ended_at,
        duration=past.duration,
        channels=(),
        bridge=None,
        external_id=None,
        leg=None,
        cause=None,
        reason=reason,
    )


_ENDS = {"voicemail": ("completed", "The voicemail answered"), "abandoned": ("no_answer", "Left the queue unserved")}


def _placed_direction(record: CallRecord) -> str:
    """By what is dialled alone, so that it is the same while the call lasts and after: short numbers are inside."""
    return "internal" if len(record.to) < 7 else "outbound"


def _number(origin: str) -> str:
    return origin.partition("/")[2].partition("@")[0] or origin


def _parties(first: Channel) -> tuple[Party, Party]:
    if first.connected.number or first.connected.name:
        return first.caller, first.connected
    return first.caller, Party(first.extension, None)


def _started_at(first: Channel, now: datetime) -> datetime:
    """When the oldest leg was made. Its age alone would give another second at each reading; its id has it exactly."""
    started_at = now.replace(microsecond=0) - timedelta(seconds=first.duration)
    born = BORN.search(first.id)
    if born and abs(int(born[1]) - started_at.timestamp()) <= 3:
        return datetime.fromtimestamp(int(born[1]), UTC)
    return started_at


def _status(legs: Sequence[Channel]) -> str:
    if any(c.state in {"ringing", "ring"} for c in legs):
        return "ringing"
    return "answered" if any(c.state == "up" for c in legs) else "queued"


def _direction(legs: Sequence[Channel]) -> str:
    """From the legs' contexts and names: a device whose name is not a number is taken for a trunk."""
    first = max(legs, key=lambda c: c.duration)
    if INBOUND.match(first.context or ""):
        return "inbound"
    names = [re.sub(r"-[0-9a-f]+$", "", c.name.partition("/")[2]) for c in legs if c.technology != "local"]
    return "outbound" if any(not n.isdigit() for n in names) else "internal"
