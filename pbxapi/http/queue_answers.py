"""A queue as it leaves: its settings and its live state in one flat document. Built by hand: wallboards poll it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from functools import lru_cache
from operator import attrgetter
from typing import Any

from pbxapi.http.body import Encoded, tagged, text_of
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
    found["static_members"] = [
        {"interface": each.interface, "penalty": each.penalty, "extension": each.extension}
        for each in settings.static_members
    ]
    return found


def settings_tag(settings: QueueSettings | None) -> str:
    """The tag of what is configured, the password too: the half of a queue's ETag that If-Match compares."""
    return keyed_tag(settings and settings_document(settings, secrets=True))


def member_document(member: QueueMember) -> dict[str, Any]:
    """A member as JSON has it."""
    found = dict(zip(MEMBER, _member_of(member), strict=True))
    found["free"] = member.free
    return found


def queue_text(queue: Queue, *, secrets: bool = False) -> str:
    """The queue as JSON. Of many members few change from second to second: their text is kept."""
    counters = {name: getattr(queue, name) for name in COUNTERS}
    live = {
        "configured": queue.configured, "running": queue.running, "waiting": len(queue.callers), **counters,
        **agents_of(queue), "callers": queue.callers,
    }  # fmt: skip
    members = ",".join([_member_text(each) for each in queue.members])
    return f'{_settings_text(queue, secrets=secrets)[:-1]},{text_of(live)[1:-1]},"members":[{members}]}}'


def _settings_text(queue: Queue, *, secrets: bool) -> str:
    if queue.settings is None:
        bare = dict.fromkeys(SETTINGS) | {name: getattr(queue, name) for name in ("queue", *ALSO_RUNNING)}
        return text_of(bare)
    if secrets:
        return text_of(settings_document(queue.settings, secrets=True))
    kept = _texts.get(queue.queue)
    if kept is None or kept[0] is not queue.settings:
        kept = _texts[queue.queue] = queue.settings, text_of(settings_document(queue.settings, secrets=False))
    return kept[1]


_texts: dict[str, tuple[QueueSettings, str]] = {}
"""What was last said of each queue's settings, while they are the same object: there are as many as queues."""


@lru_cache(maxsize=8_192)
def _member_text(member: QueueMember) -> str:
    return text_of(member_document(member))


def listed(queues: Iterable[Queue], cursor: str | None) -> Encoded:
    """A page of them."""
    items = ",".join([queue_text(each) for each in queues])
    return tagged(f'{{"items":[{items}],"next":{text_of(cursor)}}}'.encode("utf-8", "replace"))


def encoded(queue: Queue, *, secrets: bool) -> Encoded:
    """The document, with an ETag in two halves: of what is configured, and of all."""
    body = queue_text(queue, secrets=secrets).encode("utf-8", "replace")
    return Encoded(body, with_live_half(settings_tag(queue.settings), tagged(body).etag))


def by_number(queue: str) -> tuple[int, str]:
    """The order of queues: numbers first, as numbers."""
    return (int(queue), queue) if queue.isascii() and queue.isdigit() and len(queue) < 20 else (10**20, queue)


def agents_of(queue: Queue) -> dict[str, int]:
    """How many members there are of each kind; each is of one."""
    found = dict.fromkeys(("agents_free", "agents_busy", "agents_paused", "agents_unavailable"), 0)
    for each in queue.members:
        kind = "busy" if each.busy else "paused" if each.paused else "free" if each.free else "unavailable"
        found[f"agents_{kind}"] += 1
    return found
