"""A queue as it leaves: its settings and its live state in one flat document. Built by hand: wallboards poll it."""

from __future__ import annotations

import dataclasses
from operator import attrgetter
from typing import Any

from pbxapi.http.body import Encoded, encode, tagged
from pbxapi.http.tags import keyed_tag, with_live_half
from pbxapi.pbx.queueing import Queue, QueueMember, QueueSettings

SETTINGS = tuple(field.name for field in dataclasses.fields(QueueSettings))
MEMBER = tuple(field.name for field in dataclasses.fields(QueueMember))
ALSO_RUNNING = ("strategy", "max_callers", "weight", "service_level")
"""Settings that Asterisk tells too, where there are no tables."""
COUNTERS = (
    "completed", "abandoned", "holdtime", "talktime", "service_level_percent", "service_level_percent_2",
    "longest_wait",
)  # fmt: skip

_settings_of = attrgetter(*SETTINGS)
_member_of = attrgetter(*MEMBER)


def settings_document(settings: QueueSettings, *, secrets: bool) -> dict[str, Any]:
    """The configuration as JSON has it, in an order that does not depend on the tables'."""
    found = dict(zip(SETTINGS, _settings_of(settings), strict=True))
    if not secrets:
        found["password"] = None
    found["dynamic_agents"] = dict(sorted(settings.dynamic_agents.items()))
    found["options"] = dict(sorted(settings.options.items()))
    found["static_members"] = [dataclasses.asdict(each) for each in settings.static_members]
    return found


def settings_tag(settings: QueueSettings | None) -> str:
    """The tag of what is configured, the password too: the half of a queue's ETag that If-Match compares."""
    return keyed_tag(settings and settings_document(settings, secrets=True))


def member_document(member: QueueMember) -> dict[str, Any]:
    """A member as JSON has it."""
    found = dict(zip(MEMBER, _member_of(member), strict=True))
    found["free"] = member.free
    return found


def document(queue: Queue, *, secrets: bool = False) -> dict[str, Any]:
    """The queue as JSON has it."""
    if queue.settings is None:
        found: dict[str, Any] = dict.fromkeys(SETTINGS)
        found |= {name: getattr(queue, name) for name in ("queue", *ALSO_RUNNING)}
    else:
        found = settings_document(queue.settings, secrets=secrets)
    counters = {name: getattr(queue, name) for name in COUNTERS}
    return {
        **found,
        "configured": queue.configured,
        "running": queue.running,
        "waiting": len(queue.callers),
        "callers": queue.callers,
        "members": [member_document(each) for each in queue.members],
        **counters,
        **_agents(queue),
    }


def encoded(queue: Queue, *, secrets: bool) -> Encoded:
    """The document, with an ETag in two halves: of what is configured, and of all."""
    body = encode(document(queue, secrets=secrets)).body
    return Encoded(body, with_live_half(settings_tag(queue.settings), tagged(body).etag))


def by_number(queue: str) -> tuple[int, str]:
    """The order of queues: numbers first, as numbers."""
    return (int(queue), queue) if queue.isascii() and queue.isdigit() and len(queue) < 20 else (10**20, queue)


def _agents(queue: Queue) -> dict[str, int]:
    """How many members there are of each kind; each is of one."""
    found = dict.fromkeys(("agents_free", "agents_busy", "agents_paused", "agents_unavailable"), 0)
    for each in queue.members:
        kind = "busy" if each.busy else "paused" if each.paused else "free" if each.free else "unavailable"
        found[f"agents_{kind}"] += 1
    return found
