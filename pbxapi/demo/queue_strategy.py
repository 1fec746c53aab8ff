"""Whom a queue calls next."""

from __future__ import annotations

import random
from collections.abc import Sequence

from pbxapi.demo.queue import Member, Queue


def chosen(queue: Queue, free: Sequence[Member]) -> Sequence[Member]:
    """Of those who are free and have the lowest penalty all, or the one whose turn it is."""
    lowest = min((member.penalty for member in free), default=0)
    nearest = [member for member in free if member.penalty == lowest]
    if queue.options.strategy == "ringall" or not nearest:
        return nearest
    if queue.options.strategy in {"random", "wrandom"}:
        return [random.choice(nearest)]  # noqa: S311  (whose phone rings)
    return [min(nearest, key=lambda member: _turn(queue, member))]


def _turn(queue: Queue, member: Member) -> int:
    """Less is sooner. With rrmemory and rrordered it is the turn of who follows the last one."""
    strategy, members, last = queue.options.strategy, queue.members, queue.last_called
    if strategy == "leastrecent":
        return member.last_call
    if strategy == "fewestcalls":
        return member.calls_taken
    after = members.index(last) + 1 if last in members and strategy != "linear" else 0
    return (members.index(member) - after) % len(members)
