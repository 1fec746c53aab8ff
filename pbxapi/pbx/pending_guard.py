"""Seeing to it that a change which was left to be applied later stays marked as such."""

from __future__ import annotations

import logging
import os
import threading
import weakref
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Protocol

from pbxapi.errors import PbxError, Unavailable
from pbxapi.pbx.locks import HostLock
from pbxapi.pbx.provisioning import WRITTEN, Journal

log = logging.getLogger("pbxapi.apply")

WINDOW = 20.0
"""Seconds that a reload of the platform lasts at most: 6.5 for 1,000 extensions on FreePBX 16, 4.2 on Issabel 4."""

SLOWER = 3
"""Times our own last run: more than any other reload takes."""

INTERVAL = 2.0
PATIENCE = 1.0
"""Seconds to wait for the write lock; who does not get it looks again later."""

JOIN = 2.0


class PendingFlag(Protocol):
    """The platform's own mark that something waits to be applied. Both raise Unavailable and Timeout."""

    def is_set(self) -> bool:
        """Whether something waits."""
        ...

    def set(self) -> None:
        """Mark it."""
        ...


class PendingGuard:
    """Watches the platform's flag for `window` seconds after each change that was left, every `interval` seconds.

    A write sets the flag, and a reload clears it at its end (FreePBX `fwconsole reload`, Issabel `module_admin reload`
    and the button in their screens). A reload that began before the write and ends after it clears the flag and does
    not have the change: the flag would say that nothing waits, and nobody would ever apply it. When a reload began
    cannot be seen from here, but how long it may last is known. So:

    - Within the window, a flag that is gone though no run of ours had the change is set again. Where that reload did
      have the change, this makes for one apply too many, which harms nobody.
    - A flag that goes after the window went by a reload that began after the write, and has the change. So at the end
      of its window the change is marked as left (LEFT), with the flag set, and from then on the flag alone tells
      whether it waits: `Applier.status` forgets such changes once the flag is gone.
    - The window is longer where our own runs have shown that a reload takes longer.
    - A change that is older than two windows and still not marked was left by a process that died, or failed to be
      applied. Whoever comes across it watches it as if it had been left now.

    Looking takes the write lock, so that it does not take the end of a run of ours for somebody else's.
    """

    def __init__(
        self, journal: Journal, lock: HostLock, flag: PendingFlag, *, window: float = WINDOW, interval: float = INTERVAL
    ) -> None:
        self._journal = journal
        self._lock = lock
        self._flag = flag
        self._window = window
        self._interval = interval
        self._closed = False
        self._mutex = threading.Lock()
        self._stop = threading.Event()
        self._ends: dict[int, float] = {}
        self._thread: threading.Thread | None = None
        _guards.add(self)

    def watch(self, change: int) -> None:
        """Watch from now on; begins the thread, if it does not run in this process."""
        with self._mutex:
            self._ends[change] = monotonic() + self._window
            if self._closed or (self._thread is not None and self._thread.is_alive()):
                return
            self._thread = threading.Thread(target=self._run, args=(self._stop,), name="pbxapi-pending", daemon=True)
            self._thread.start()

    def adopt(self) -> None:
        """Watch what nobody watches any more. Raises Unavailable."""
        old = datetime.now(UTC) - timedelta(seconds=2 * self._window)
        for change in self._journal.open(WRITTEN):
            if change.at < old and change.id not in self._ends:
                self.watch(change.id)

    def look(self) -> None:
        """Look once. Raises Unavailable and Timeout."""
        with self._lock.hold(PATIENCE):
            pending = {change.id for change in self._journal.open(WRITTEN)}
            latest = monotonic() - self._longer()
            with self._mutex:
                self._ends = {change: end for change, end in self._ends.items() if change in pending}
                watched = dict(self._ends)
            # The flag goes first: a change that is marked as left counts as applied without it.
            if watched and not self._flag.is_set():
                log.info("a reload has ended that may not have had our last changes: they are marked as pending again")
                self._flag.set()
            over = [change for change, end in watched.items() if end <= latest]
            if over:
                self._journal.leave(over)

    def _longer(self) -> float:
        """Seconds that a window is longer than usual, because a reload takes that long here."""
        _, run = self._journal.last_run() or (0, None)
        return max(0.0, SLOWER * run.seconds - self._window) if run else 0.0

    def close(self) -> None:
        """End the thread."""
        with self._mutex:
            self._closed = True
            thread = self._thread
        self._stop.set()
        if thread is not None:
            thread.join(JOIN)

    def forget(self) -> None:
        """Be as if new: in a forked child the thread is gone, and what it held is held for ever. The parent watches."""
        self._mutex = threading.Lock()
        self._stop = threading.Event()
        self._ends = {}
        self._thread = None

    def _run(self, stop: threading.Event) -> None:
        while not stop.wait(self._interval):
            try:
                self.adopt()
                self.look()
            except PbxError as error:
                # While somebody writes or applies there is nothing to see.
                if not (isinstance(error, Unavailable) and error.part == "lock"):
                    log.warning("whether changes are still marked as pending cannot be seen: %s", error)
            with self._mutex:
                if not self._ends:
                    self._thread = None
                    return


_guards: weakref.WeakSet[PendingGuard] = weakref.WeakSet()


def _forget_after_fork() -> None:
    for guard in list(_guards):
        guard.forget()


os.register_at_fork(after_in_child=_forget_after_fork)
