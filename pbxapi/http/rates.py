"""How often is too often: a bucket for each name, that one request fills a little and time empties."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import Protocol

SECONDS = {"second": 1, "minute": 60, "hour": 3600}
MOST = 20_000
"""Names that one bucket remembers; the one that was longest away is forgotten first."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many (`amount`) at once, and as many in `seconds` in the long run; one frees its place after `interval`."""

    amount: int
    seconds: int
    interval: float

    @classmethod
    def of(cls, text: str) -> Rate:
        """Read 6000/minute, as the settings do."""
        amount, _, unit = text.partition("/")
        return cls(int(amount), SECONDS[unit], SECONDS[unit] / int(amount))

    def refuses(self, over: float) -> bool:
        """Whether a request comes too early that finds the bucket `over` seconds too full.

        Half an interval is let through: sums of floats are not exact, and none of `amount` may be refused for that.
        """
        return over > self.interval / 2

    def remaining(self, over: float) -> int:
        """How many more may come at once."""
        return max(0, math.floor(0.5 - over / self.interval))

    def until_more(self, over: float) -> float:
        """Seconds until there is room for one more than now."""
        return over if self.refuses(over) else over + (self.remaining(over) + 1) * self.interval


class Bucket(Protocol):
    """Counts requests by name."""

    @property
    def rate(self) -> Rate:
        """How often each may come."""

    def take(self, name: str) -> float:
        """Count a request; give how many seconds too full the bucket would be with it, negative where there is room.

        One that the rate refuses is not counted: who waits so many seconds is let in, however often he asked before.
        """


class LocalBucket:
    """A bucket in this process."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        # When the bucket of each name is empty, by the monotonic clock: a step of the system's own changes nothing.
        self._empty: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str) -> float:
        """Count a request; see Bucket."""
        rate, empty = self.rate, self._empty
        with self._lock:
            now = time.monotonic()
            after = max(empty.get(name, now), now) + rate.interval
            over = after - now - rate.seconds
            if not rate.refuses(over):
                empty[name] = after
                empty.move_to_end(name)
                if len(empty) > MOST:
                    empty.popitem(last=False)
            return over
