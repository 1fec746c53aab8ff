"""Answers about a past that is closed, kept in memory: the same question has the same answer."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Hashable
from datetime import UTC, datetime, timedelta
from typing import Generic, TypeVar

T = TypeVar("T")

SETTLED = timedelta(hours=12)
"""How long ago a range must have ended: a record is dated at the call's start and written at its end."""

GOOD_FOR = 300.0
"""Seconds. Even old records change: a recording is deleted, a purge runs."""


def is_closed(end: datetime | None) -> bool:
    """Whether nothing is expected any more to be written into a range that ended then."""
    return end is not None and end < datetime.now(UTC) - SETTLED


class Remembered(Generic[T]):
    """The answers that were asked for last, up to so many bytes in all."""

    def __init__(self, most_bytes: int) -> None:
        self._most = most_bytes
        self._size = 0
        self._kept: OrderedDict[Hashable, tuple[T, int, float]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, question: Hashable) -> T | None:
        """The answer, or None when there is none that is still good."""
        with self._lock:
            found = self._kept.get(question)
            if found is None:
                return None
            answer, _, until = found
            if time.monotonic() > until:
                self._drop(question)
                return None
            self._kept.move_to_end(question)
            return answer

    def keep(self, question: Hashable, answer: T, size: int) -> None:
        """Keep an answer of so many bytes; those that nobody asked for any more make room."""
        if size > self._most // 4:
            return
        with self._lock:
            if question in self._kept:
                self._drop(question)
            self._kept[question] = answer, size, time.monotonic() + GOOD_FOR
            self._size += size
            while self._size > self._most:
                self._drop(next(iter(self._kept)))

    def _drop(self, question: Hashable) -> None:
        self._size -= self._kept.pop(question)[1]
