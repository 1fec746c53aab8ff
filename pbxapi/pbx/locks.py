"""One writer at a time on this host, whichever of our processes it is in."""

from __future__ import annotations

import fcntl
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from pbxapi.errors import Unavailable

PAUSE = 0.002
"""Seconds between two tries, of one thread in each process."""

AFTER_OURS = 0.004
"""Seconds that the next of a process leaves to other processes before its first try: two of theirs."""


class HostLock:
    """A file that is locked (flock): the kernel lets go of it when its holder dies, however that happens.

    Not reentrant: two threads of a process exclude each other as two processes do, and come in the order in which they
    asked. Those who wait share the lock of a second file, so that others can see that somebody does.
    """

    def __init__(self, path: Path, what: str) -> None:
        self._path = path
        self._queue = path.with_name(f"{path.name}.queue")
        self._what = what
        self._turns = Turns()
        _locks.add(self)

    @contextmanager
    def hold(self, timeout: float) -> Iterator[None]:
        """Hold it. Raises Unavailable when it cannot be had within `timeout` seconds, or its file not be opened."""
        deadline = time.monotonic() + timeout
        with ExitStack() as stack:
            handle = stack.enter_context(self._opened(self._path))
            turn = stack.enter_context(self._turns.taken())
            if not (turn.first and _locked(handle, fcntl.LOCK_EX)):
                with self._opened(self._queue) as queue:
                    _locked(queue, fcntl.LOCK_SH)
                    self._wait(handle, turn, deadline)
            yield

    def held(self) -> bool:
        """Whether somebody holds it now. Raises Unavailable when its file cannot be opened."""
        # Shared: those who only look do not see each other.
        with self._opened(self._path) as handle:
            return not _locked(handle, fcntl.LOCK_SH)

    def awaited(self) -> bool:
        """Whether somebody waits for it now. Raises Unavailable when its file cannot be opened."""
        with self._opened(self._queue) as handle:
            return not _locked(handle, fcntl.LOCK_EX)

    def _wait(self, handle: int, turn: Turn, deadline: float) -> None:
        if turn.came(deadline):
            pause = PAUSE if turn.first else AFTER_OURS
            while (left := deadline - time.monotonic()) > 0:
                time.sleep(min(pause, left))
                if _locked(handle, fcntl.LOCK_EX):
                    return
                pause = PAUSE
        raise Unavailable(f"{self._what} is in use by another request", part="lock", retry_after=2)

    def forget(self) -> None:
        """Be as if new: the threads that wait are not in a forked child."""
        self._turns = Turns()

    @contextmanager
    def _opened(self, path: Path) -> Iterator[int]:
        try:
            handle = _open(path)
        except OSError as error:
            raise Unavailable(f"{self._what} cannot be locked here", part="lock", retry_after=30) from error
        try:
            yield handle
        finally:
            os.close(handle)


class Turn:
    """A place in the line; `first` when nobody stood before it at the beginning."""

    def __init__(self, *, first: bool) -> None:
        self.first = first
        self._waiting = threading.Lock()
        if not first:
            self._waiting.acquire()

    def came(self, deadline: float) -> bool:
        """Wait until it is the first; false at the deadline."""
        return self._waiting.acquire(timeout=max(0.0, deadline - time.monotonic()))

    def give(self) -> None:
        """Say that it is the first now."""
        self._waiting.release()


class Turns:
    """A line of threads: whoever tries now and then, and ever more seldom, is overtaken by all who come later."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._line: deque[Turn] = deque()

    @contextmanager
    def taken(self) -> Iterator[Turn]:
        """Stand in the line, until the end."""
        with self._mutex:
            turn = Turn(first=not self._line)
            self._line.append(turn)
        try:
            yield turn
        finally:
            with self._mutex:
                was_first = self._line[0] is turn
                self._line.remove(turn)
                if was_first and self._line:
                    self._line[0].give()


_locks: weakref.WeakSet[HostLock] = weakref.WeakSet()


def _forget_after_fork() -> None:
    for lock in list(_locks):
        lock.forget()


os.register_at_fork(after_in_child=_forget_after_fork)


def _open(path: Path) -> int:
    """Open a file that other users can open too: root imports a file of extensions, asterisk serves."""
    how = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW
    try:
        # Without O_CREAT: the kernel refuses that in /tmp for a file of somebody else (fs.protected_regular).
        return os.open(path, how)
    except FileNotFoundError:
        handle = os.open(path, how | os.O_CREAT, 0o644)
        with suppress(PermissionError):
            os.fchmod(handle, 0o644)
        return handle


def _locked(handle: int, how: int) -> bool:
    """Try to lock an open file, without waiting."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
