"""One line of Asterisk's queue_log: `epoch|call|queue|agent|EVENT|data1|data2|...` (ast_queue_log of main/logger.c).

    ENTERQUEUE        url, caller's number, position. The number may hold a `|` itself.
    CONNECT           seconds waited, uniqueid of the member's channel, seconds that it rang
    COMPLETEAGENT     seconds waited, seconds talked, position at first. Who hung up is in the name: COMPLETECALLER
    ABANDON           position, position at first, seconds waited; likewise EXITEMPTY and EXITWITHTIMEOUT
    EXITWITHKEY       key, position, position at first, seconds waited
    RINGNOANSWER      milliseconds that it rang, 0 for a device that was busy. RINGCANCELED: the caller hung up
    BLINDTRANSFER     extension, context, seconds waited, seconds talked; likewise TRANSFER (before 12)
    ATTENDEDTRANSFER  how, with what, seconds waited, seconds talked; the call was not completed otherwise
    AGENTDUMP         the member hung up while it was told of the caller, whose ABANDON follows. SYSCOMPAT: no codec
    PAUSE, UNPAUSE    the reason; after a PAUSEALL or UNPAUSEALL, whose queue is NONE, there is one for each queue
    ADDMEMBER         PAUSED, for one who begins so; the agent is the interface, even where it has a name
    QUEUESTART        Asterisk has started: all who waited are gone

Seen on 16 and 22, which write the same. A static member goes by its name, if it has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

NOBODY = "NONE"

ENTERED = "ENTERQUEUE"
CONNECTED = "CONNECT"
COMPLETED = frozenset({"COMPLETEAGENT", "COMPLETECALLER"})
TRANSFERRED = frozenset({"BLINDTRANSFER", "ATTENDEDTRANSFER", "TRANSFER"})
ABANDONED = "ABANDON"
TIMED_OUT = "EXITWITHTIMEOUT"
LEFT = frozenset({"EXITEMPTY", "EXITWITHKEY"})
DROPPED = frozenset({"AGENTDUMP", "SYSCOMPAT"})
UNANSWERED = "RINGNOANSWER"
PAUSED = frozenset({"PAUSE", "PAUSEALL"})
UNPAUSED = frozenset({"UNPAUSE", "UNPAUSEALL"})
ADDED, REMOVED = "ADDMEMBER", "REMOVEMEMBER"
STARTED = "QUEUESTART"

OF_PAUSES = frozenset({*PAUSED, *UNPAUSED, ADDED, REMOVED})
OF_CALLS = frozenset({
    ENTERED, CONNECTED, *COMPLETED, *TRANSFERRED, ABANDONED, TIMED_OUT, *LEFT, *DROPPED, UNANSWERED, STARTED,
})  # fmt: skip

FIELDS = 5
"""Those before the data."""

DATED = re.compile(rb"\n\0*([0-9]{9,10})\|")
"""The beginning of a line, after the end of the one before. A crash leaves NULs there."""


class Event(NamedTuple):
    """What happened. `at` is in seconds since 1970; `queue`, `agent` and `call` may be NONE."""

    at: int
    call: str
    queue: str
    agent: str
    name: str
    data: tuple[str, ...] = ()

    def number(self, index: int) -> int | None:
        """A datum that is a number and not below 0; None when it is not there, or is none."""
        text = self.data[index] if index < len(self.data) else ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


def lines_of(queue: str, names: Iterable[str]) -> re.Pattern[bytes]:
    """Finds the lines of these events in one queue, and in all, each after the end of the one before: for `parse`.

    Its group is the date.
    """
    which, what = re.escape(queue.encode()), "|".join(map(re.escape, sorted(names))).encode()
    cell = rb"[^|\n]*\|"
    return re.compile(rb"\n\0*([0-9]{9,10})\|%b(?:%b|NONE)\|%b(?:%b)(?:\|[^\n]*)?(?=\n)" % (cell, which, cell, what))


def parse(line: str) -> Event | None:
    """Read a line, without its own end; None for what is none."""
    at, *parts = line.lstrip("\n\0").rstrip("\r").split("|")
    if len(parts) < FIELDS - 1 or not (at.isascii() and at.isdigit() and len(at) <= 10):
        return None
    call, queue, agent, name, *data = parts
    return Event(int(at), call, queue, agent, name, tuple(data))
