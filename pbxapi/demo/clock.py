"""One clock and one thread for everything that happens later."""

from __future__ import annotations

import heapq
import itertools
import logging
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

_log = logging.getLogger(__name__)

LONGEST = 86400.0  # seconds: nothing here waits for more than a day


def seconds(text: str, otherwise: float) -> float:
    """A number of seconds that somebody wrote, at most LONGEST; `otherwise` when it is none."""
    return min(float(text), LONGEST) if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) else otherwise


@dataclass(order=True)
class Timer:
    """Something that will happen once, unless it is cancelled."""

    due: float
    number: int
    action: Callable[[], None] | None = field(compare=False, repr=False)

    def cancel(self) -> None:
        """It will not happen; harmless when it already has."""
        self.action = None


class Clock:
    """Runs actions when they are due, one after the other, holding the exchange's lock."""

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._heap: list[Timer] = []
        self._numbers = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="demo-clock", daemon=True)
        self.started = time.time()

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def start(self) -> None:
        """Begin to run what is due."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """End the thread; what is still to come will not happen."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(timeout)

    def later(self, delay: float, action: Callable[[], None]) -> Timer:
        """Run `action` in `delay` seconds; those due at the same time run in the order they were asked for."""
        timer = Timer(time.monotonic() + delay, next(self._numbers), action)
        with self._changed:
            if not self._stopped:
                heapq.heappush(self._heap, timer)
                self._changed.notify()
        return timer

    def _run(self) -> None:
        while (timer := self._wait()) is not None:
            with self._lock:
                action, timer.action = timer.action, None
                if action is None:
                    continue
                try:
                    action()
                except Exception:  # a fault in one call must not stop the clock for all others
                    _log.exception("demo exchange: a timer failed")

    def _wait(self) -> Timer | None:
        with self._changed:
            while not self._stopped:
                if not self._heap:
                    self._changed.wait()
                    continue
                remaining = self._heap[0].due - time.monotonic()
                if remaining <= 0:
                    return heapq.heappop(self._heap)
                self._changed.wait(remaining)
            return None
