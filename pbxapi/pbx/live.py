"""Live reads, shared: one question to Asterisk for everybody who asks at about the same time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pbxapi.errors import Timeout

T = TypeVar("T")

# What a list may cost Asterisk: one of 0.35 s (10,000 endpoints) is asked for every 7 s, one of 20 ms each second.
COST_FACTOR = 20


@dataclass(slots=True, eq=False)
class Snapshot(Generic[T]):
    """A value, when the question for it was sent (monotonic seconds), and what was made of it (encoded bytes)."""

    value: T
    asked_at: float
    good_until: float
    memo: dict[Any, Any] = field(default_factory=dict)
    making: threading.Lock = field(default_factory=threading.Lock)

    @property
    def age(self) -> float:
        """Seconds since the question was sent."""
        return max(0.0, time.monotonic() - self.asked_at)


class _Flight(Generic[T]):
    __slots__ = ("done", "epoch", "error", "snapshot")

    def __init__(self) -> None:
        self.epoch = -1
        self.done = threading.Event()
        self.snapshot: Snapshot[T] | None = None
        self.error: BaseException | None = None


class Shared(Generic[T]):
    """One flight at a time; its result serves all who asked after it began, and all who ask while it is good.

    Who asks for a fresh answer, or asks after a write dropped the old one, waits for the next flight, which begins
    when the present one has landed and is shared by all who wait for it: so nobody can make Asterisk answer two of
    the same question at once. `fetch` is called with no lock held. `ttl` is in seconds; 0 switches sharing over time
    off. `wait` bounds how long one waits for another's flight. A failed flight fails its waiters and is not kept.
    """

    def __init__(self, fetch: Callable[[], T], *, ttl: float, wait: float = 10.0) -> None:
        self._fetch = fetch
        self._ttl = ttl
        self._wait = wait
        self._lock = threading.Lock()
        self._epoch = 0
        self._kept: Snapshot[T] | None = None
        self._present: _Flight[T] | None = None
        self._next: _Flight[T] | None = None

    def drop(self) -> None:
        """Forget what is kept, and do not serve a flight that is already under way to those who ask from now on."""
        with self._lock:
            self._epoch += 1
            self._kept = None

    def get(self, *, fresh: bool = False) -> Snapshot[T]:
        """The kept snapshot, another's flight, or a new one. Raises what `fetch` raises; Timeout after `wait`."""
        with self._lock:
            kept, present = self._kept, self._present
            if not fresh and kept is not None and time.monotonic() < kept.good_until:
                return kept
            if not fresh and present is not None and present.epoch == self._epoch:
                flight, mine = present, False
            else:
                flight, mine = self._next or _Flight(), self._next is None
                self._next = flight
        if mine:
            return self._fly(flight, after=present)
        if not flight.done.wait(self._wait):
            raise Timeout("The exchange has not answered in time: another request waits for the same answer")
        if flight.snapshot is None:
            raise flight.error or RuntimeError("a flight ended with nothing")
        return flight.snapshot

    def _fly(self, flight: _Flight[T], *, after: _Flight[T] | None) -> Snapshot[T]:
        if after is not None:
            after.done.wait(self._wait)
        with self._lock:
            self._present, self._next = flight, None
            flight.epoch = self._epoch
        try:
            asked_at = time.monotonic()
            value = self._fetch()
            cost = time.monotonic() - asked_at
            ttl = max(self._ttl, COST_FACTOR * cost) if self._ttl > 0 else 0.0
            flight.snapshot = Snapshot(value, asked_at, asked_at + ttl)
        except BaseException as error:
            flight.error = error
            raise
        finally:
            with self._lock:
                if flight.epoch == self._epoch:
                    self._kept = flight.snapshot
                if self._present is flight:
                    self._present = None
            flight.done.set()
        return flight.snapshot
