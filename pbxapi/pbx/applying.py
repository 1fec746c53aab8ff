"""Letting the platform write its configuration and Asterisk load it: one run for all changes that wait.

The platforms clear their flag (`admin.need_reload`) at the end of a reload, whatever was written while it ran. So no
change of ours is written while we reload: a run holds the write lock.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from pbxapi.errors import PbxError, Unavailable
from pbxapi.pbx.locks import HostLock
from pbxapi.pbx.provisioning import WRITTEN, Applied, ApplyStatus, Journal

log = logging.getLogger("pbxapi.apply")

GATHER = 0.05
MOST_GATHERED = 0.5
"""Seconds to wait for writers that come in at the same moment, again for each of them, and at most."""

GUARD = 20.0
GUARD_EVERY = 2.0
"""Seconds after a change was left pending in which somebody else's reload may have begun before it: see `leave`."""


class ApplyCommand(Protocol):
    """How a platform applies. `run` gives whether it did, and if not a reason fit for a caller."""

    method: str

    def run(self, timeout: float) -> tuple[bool, str | None]:
        """Apply, within `timeout` seconds."""
        ...

    def why_not(self) -> str | None:
        """Why it cannot be run here at all; None when it can."""
        ...


class PendingFlag(Protocol):
    """The platform's own mark that something waits to be applied. Both raise Unavailable and Timeout."""

    def is_set(self) -> bool:
        """Whether something waits."""
        ...

    def set(self) -> None:
        """Mark it."""
        ...


class Applier:
    """`provisioning.Applying`: runs are one at a time on this host, and who waited for one is answered with it.

    `writing` is the lock that writers hold. A run takes `timeout` seconds at most.
    """

    def __init__(
        self,
        journal: Journal,
        lock: HostLock,
        writing: HostLock,
        command: ApplyCommand,
        flag: PendingFlag,
        *,
        timeout: float,
        guard: tuple[float, float] = (GUARD, GUARD_EVERY),
    ) -> None:
        self._journal = journal
        self._lock = lock
        self._writing = writing
        self._command = command
        self._flag = flag
        self._timeout = timeout
        self._guard, self._guard_every = guard
        self._guarded_until = 0.0
        self._guarding = threading.Lock()
        self._closed = threading.Event()

    def settle(self, change: int) -> Applied:
        """Wait until this change is in effect, or an attempt that included it has failed. Raises nothing."""
        started = time.monotonic()
        try:
            with self._lock.hold(self._timeout):
                last = self._journal.last_run()
                if last is not None and last[0] >= change:
                    return last[1]
                self._gather()
                return self._locked_run()
        except PbxError as error:
            return Applied(False, time.monotonic() - started, str(error), datetime.now(UTC))

    def run(self) -> Applied:
        """Apply whatever waits, also what others left. Raises Unavailable."""
        with self._lock.hold(self._timeout):
            return self._locked_run()

    def _gather(self) -> None:
        """Let those who write at this very moment finish, so that one run serves them all."""
        until = time.monotonic() + MOST_GATHERED
        seen = -1
        while time.monotonic() < until and (newest := self._newest()) != seen:
            seen = newest
            time.sleep(GATHER)

    def _newest(self) -> int:
        return max((change.id for change in self._journal.open() if change.state == WRITTEN), default=0)

    def _locked_run(self) -> Applied:
        with self._writing.hold(self._timeout):
            until = self._newest()
            started = time.monotonic()
            ok, reason = self._command.run(self._timeout)
            done = Applied(ok, round(time.monotonic() - started, 3), reason, datetime.now(UTC))
            if ok:
                self._journal.applied(until)
            else:
                log.error("applying failed: %s", reason)
                self._flag.set()
            self._journal.ran(until, done)
            return done

    def leave(self, change: int) -> None:
        """Leave this change pending, and see to it that it stays so.

        A reload of the platform's own screen that began before the change may end after it, and clears the flag
        without having applied it. So for a while the flag is set again when it goes: an apply too many does no harm.
        """
        with self._guarding:
            idle = self._guarded_until < time.monotonic()
            self._guarded_until = time.monotonic() + self._guard
            if idle:
                threading.Thread(target=self._keep_flag, name="pbxapi-apply-guard", daemon=True).start()

    def _keep_flag(self) -> None:
        while not self._closed.wait(self._guard_every):
            try:
                if self._newest() and not self._flag.is_set():
                    log.info("a reload ended that may not have had our last change: it is marked as pending again")
                    self._flag.set()
            except PbxError as error:
                log.warning("whether changes are still marked as pending cannot be seen: %s", error)
            with self._guarding:
                if time.monotonic() >= self._guarded_until:
                    self._guarded_until = 0.0
                    return

    def status(self) -> ApplyStatus:
        """What waits, and how the last attempt ended. Raises Unavailable and Timeout."""
        ours = [change for change in self._journal.open() if change.state == WRITTEN]
        flagged = self._flag.is_set()
        old = datetime.now(UTC) - timedelta(seconds=self._guard)
        if ours and not flagged and ours[-1].at < old:
            # It went long after we wrote: the platform's own screen has applied our changes with its own.
            self._journal.applied(ours[-1].id)
            ours = []
        last = self._journal.last_run()
        return ApplyStatus(
            pending=flagged or bool(ours),
            running=self._is_running(),
            since=ours[0].at if ours else None,
            last=last[1] if last else None,
            method=self._command.method,
        )

    def _is_running(self) -> bool:
        try:
            with self._lock.hold(0):
                return False
        except Unavailable:
            return True

    def close(self) -> None:
        """End the thread that `leave` may have begun."""
        self._closed.set()
