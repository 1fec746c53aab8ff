"""Letting the platform write its configuration and Asterisk load it: one run for all changes that wait.

The platforms clear their flag (`admin.need_reload`) at the end of a reload, whatever was written while it ran. So no
change of ours is written while we reload: a run holds the write lock.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import Protocol

from pbxapi.ami import AmiError
from pbxapi.errors import NotSupported, PbxError
from pbxapi.pbx.locks import HostLock
from pbxapi.pbx.pending_guard import INTERVAL, WINDOW, PendingFlag, PendingGuard
from pbxapi.pbx.provisioning import LEFT, WRITTEN, Applied, ApplyStatus, Change, Journal

log = logging.getLogger("pbxapi.apply")

GATHER = 0.05
MOST_GATHERED = 2.0
"""Seconds to wait for writers that come in at the same moment, and for all who wait to write then, at most."""


class Observer(Protocol):
    """Who is told of every run that ended, and how many seconds it took."""

    def __call__(self, *, ok: bool, seconds: float) -> None:
        """Take note."""
        ...


observers: list[Observer] = []

STILL_PENDING = "the exchange still says that changes wait to be applied"


class ApplyCommand(Protocol):
    """How a platform applies. `run` gives whether it did, and if not a reason fit for a caller; it raises nothing."""

    @property
    def method(self) -> str:
        """What it is called, for a caller."""
        ...

    def run(self, timeout: float) -> tuple[bool, str | None]:
        """Apply, within `timeout` seconds."""
        ...

    def why_not(self) -> str | None:
        """Why it cannot be run here at all; None when it can."""
        ...


class Applier:
    """`provisioning.Applying`: runs are one at a time on this host, and who waited for one is answered with it.

    `writing` is the lock that writers hold, `flag` the platform's own mark that something waits, where it has one.
    A run takes `timeout` seconds at most, and so does waiting for those of others. `guard` is for how many seconds
    the flag is watched after a change was left, and how often (see `PendingGuard`).
    """

    def __init__(
        self,
        journal: Journal,
        lock: HostLock,
        writing: HostLock,
        command: ApplyCommand,
        flag: PendingFlag | None = None,
        *,
        timeout: float,
        guard: tuple[float, float] = (WINDOW, INTERVAL),
    ) -> None:
        self._journal = journal
        self._lock = lock
        self._writing = writing
        self._command = command
        self._flag = flag
        self._timeout = timeout
        window, interval = guard
        self._guard = PendingGuard(journal, writing, flag, window=window, interval=interval) if flag else None

    def settle(self, change: int) -> Applied:
        """Wait until this change is in effect, or a run that was for it has failed. Raises nothing.

        It is written already, so that whatever keeps it from being applied is a reason, and no error.
        """
        began = time.monotonic()
        try:
            applied = self._settle(change)
        except PbxError as error:
            log.error("a change could not be applied: %s", error)  # noqa: TRY400 (a traceback tells no more)
            applied = Applied(False, round(time.monotonic() - began, 3), str(error), datetime.now(UTC))
        if not applied.ok:
            self.leave(change)
        return applied

    def run(self) -> Applied:
        """Apply whatever waits, also what the platform's own screens left. A run that begins now serves all who ask.

        Raises NotSupported when it cannot be done here at all, and Unavailable.
        """
        why_not = self._command.why_not()
        if why_not is not None:
            raise NotSupported(f"The configuration cannot be applied from here: {why_not}")
        request = self._journal.request()
        applied = None
        try:
            applied = self._settle(request)
        finally:
            if applied is None or not applied.ok:
                self._journal.forget(request)
        return applied

    def leave(self, change: int) -> None:
        """Leave it pending, and see to it that it stays so."""
        if self._guard:
            self._guard.watch(change)

    def status(self) -> ApplyStatus:
        """What waits, and how the last run ended. Raises Unavailable and Timeout."""
        # In this order: what is in the journal first was in the flag then, too.
        waiting = self._waiting()
        flagged = self._flag is not None and self._flag.is_set()
        if self._guard:
            self._guard.adopt()
            if not flagged:
                waiting = self._without_those_that_others_applied(waiting)
        last = self._journal.last_run()
        return ApplyStatus(
            pending=flagged or bool(waiting),
            running=self._lock.held(),
            since=waiting[0].at if waiting else None,
            last=last[1] if last else None,
            method=self._command.method,
        )

    def close(self) -> None:
        """End the thread that `leave` may have begun."""
        if self._guard:
            self._guard.close()

    def _without_those_that_others_applied(self, waiting: list[Change]) -> list[Change]:
        for change in waiting:
            if change.state == LEFT:
                self._journal.forget(change.id)
        return [change for change in waiting if change.state != LEFT]

    def _waiting(self) -> list[Change]:
        return self._journal.open(WRITTEN, LEFT)

    def _settle(self, change: int) -> Applied:
        with self._lock.hold(self._timeout):
            done = self._run_for(change)
            if done is None:
                self._gather()
                done = self._run()
            return done

    def _run_for(self, change: int) -> Applied | None:
        """How the run ended that was for this change; None when there was none yet."""
        until, last = self._journal.last_run() or (0, None)
        had_it = last if until >= change else None
        if not self._journal.has(change):
            # A run that went well had it, and it need not be the last.
            return had_it if had_it and had_it.ok else Applied(True, 0.0, None, datetime.now(UTC))
        return had_it if had_it and not had_it.ok else None

    def _gather(self) -> None:
        """Let those who write at this very moment finish, so that one run serves them all."""
        end = time.monotonic() + MOST_GATHERED
        time.sleep(GATHER)
        while self._writing.awaited() and time.monotonic() < end:
            time.sleep(GATHER)

    def _run(self) -> Applied:
        with self._writing.hold(self._timeout):
            until = self._journal.newest()
            began = time.monotonic()
            reason = self._attempt()
            applied = Applied(reason is None, round(time.monotonic() - began, 3), reason, datetime.now(UTC))
            for observe in observers:
                observe(ok=applied.ok, seconds=applied.seconds)
            try:
                self._journal.ran(until, applied)
            except PbxError as error:
                log.error("how a run ended could not be noted: %s", error)  # noqa: TRY400
            return applied

    def _attempt(self) -> str | None:
        """Run the command; gives what went wrong. The flag is set first: that it is gone then proves the run."""
        try:
            if self._flag:
                self._flag.set()
            ok, reason = self._command.run(self._timeout)
            if ok and self._flag and self._flag.is_set():
                ok, reason = False, STILL_PENDING
            if not ok and self._flag:
                self._flag.set()
        except PbxError as error:
            ok, reason = False, str(error)
        except AmiError as error:
            log.error("applying failed: %s", error)  # noqa: TRY400
            ok, reason = False, "Asterisk's manager interface failed"
        return None if ok else reason or "the exchange did not apply its configuration"
