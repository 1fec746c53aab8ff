"""What clients were told, so that it can be held against what is there at the end."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from time import monotonic

from tests.soak.client import Answer

UNKNOWN_IN_WORDS = re.compile(r"may have (happened|run)")


def certain(answer: Answer) -> bool:
    """Whether this answer to a write that failed promises that nothing was changed."""
    if answer.status in {0, 500, 504} or answer.problem == "not JSON":
        # No answer; half done or not known, as it says; not in time; nginx lost the worker.
        return False
    return not UNKNOWN_IN_WORDS.search(answer.detail)


ASTDB_LATE = 3.0
"""Seconds of AstDB that a killed Asterisk may lose: it writes a second late (main/db.c), and may be busy."""


@dataclass
class Register:
    """One value of the exchange that one client alone writes: what it may be now, None being that it is not there.

    `last` was told to be written last. Times are seconds of the monotonic clock.
    """

    may_be: set[str | None] = field(default_factory=lambda: {None})
    last: str | None = None
    _history: deque[tuple[float, set[str | None]]] = field(default_factory=lambda: deque(maxlen=50))
    _doubted: float = 0.0
    _written: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=50))

    def told(self, value: str | None, answer: Answer) -> None:
        """A write of this value was answered."""
        self._history.append((monotonic(), self.may_be))
        if answer.good:
            # It may have been forgotten already, before it was answered.
            forgotten = self.may_be if answer.began < self._doubted else set()
            self.may_be, self.last = {value} | forgotten, value
            self._written.append((answer.began, answer.ended))
        elif not certain(answer):
            self.may_be = self.may_be | {value}

    def doubt(self, since: float) -> None:
        """What was written since then may be forgotten again."""
        self._doubted = monotonic()
        for at, before in self._history:
            if at > since:
                self.may_be = self.may_be | before

    def written(self, since: float, until: float) -> bool:
        """Whether a write that was told to be done was under way between then and then."""
        return any(began < until and since < ended for began, ended in self._written)

    @property
    def unclear(self) -> bool:
        """Whether it may be more than one."""
        return len(self.may_be) > 1


@dataclass
class Entry:
    """What a client knows of its number: a name, and where calls are forwarded to, which is in AstDB alone."""

    number: str
    name: Register = field(default_factory=Register)
    forward: Register = field(default_factory=Register)
    half_done: bool = False
    """An answer said so, or an answer was lost: the journal of changes may name it."""
