"""What would come too often for an entry each: refusals of a flood, and the parts of a recording that is played."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

from pbxapi.http.audit_trail import more
from pbxapi.store.audit import Entry

MINUTE = 60.0
MOST_ALIKE = 100
"""Kinds of refusal that are told apart in a minute, in each process."""
PLAY = 600.0
"""Seconds within which one who reads a recording again, or the rest of it, plays it once."""
MOST_PLAYS = 10_000

_ELSEWHERE = "elsewhere"


@dataclass(slots=True)
class _Window:
    until: float
    last: Entry
    count: int = 0


class Refusals:
    """The first of its kind is an entry, and those of the minute after it are one more, with their number.

    Of more kinds than `most` in a minute all others count as one. While there are `windows`, `ended` is to be asked.
    """

    def __init__(self, seconds: float = MINUTE, most: int = MOST_ALIKE) -> None:
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        # In the order in which they end, since all are of one length.
        self.windows: OrderedDict[Hashable, _Window] = OrderedDict()

    def note(self, kind: Hashable, entry: Entry) -> list[Entry]:
        """Count a refusal; what is to be written now."""
        now = time.monotonic()
        with self._lock:
            found = self._ended(now)
            if kind not in self.windows and len(self.windows) >= self._most:
                kind = _ELSEWHERE
            window = self.windows.get(kind)
            if window is None:
                self.windows[kind] = _Window(now + self._seconds, entry)
                return [*found, entry]
            window.count += 1
            window.last = entry
            return found

    def ended(self) -> list[Entry]:
        """What is to be written of minutes that are over."""
        with self._lock:
            return self._ended(time.monotonic())

    def _ended(self, now: float) -> list[Entry]:
        found = []
        while self.windows:
            kind = next(iter(self.windows))
            window = self.windows[kind]
            if window.until > now:
                break
            del self.windows[kind]
            if window.count:
                what = "of others in the same minute" if kind == _ELSEWHERE else "like it in the same minute"
                found.append(more(window.last, window.count, what))
        return found


class Plays:
    """Who played what lately."""

    def __init__(self, seconds: float = PLAY, most: int = MOST_PLAYS) -> None:
        self._seconds = seconds
        self._most = most
        self._lock = threading.Lock()
        self._until: OrderedDict[Hashable, float] = OrderedDict()

    def begins(self, who_and_what: Hashable) -> bool:
        """Whether this is a play of its own, and not a part of one."""
        now = time.monotonic()
        with self._lock:
            if self._until.get(who_and_what, 0.0) > now:
                return False
            self._until[who_and_what] = now + self._seconds
            self._until.move_to_end(who_and_what)
            if len(self._until) > self._most:
                self._until.popitem(last=False)
            return True
