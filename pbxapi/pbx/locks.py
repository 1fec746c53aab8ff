"""One writer at a time on this host, whichever of our processes it is in."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pbxapi.errors import Unavailable

PAUSE = 0.002, 0.05
"""Seconds between two tries: the first, and the longest."""


class HostLock:
    """A file that is locked (flock): the kernel lets go of it when its holder dies, however that happens.

    Not reentrant: two threads of a process exclude each other as two processes do. Those who wait share the lock of a
    second file, so that others can see that somebody does.
    """

    def __init__(self, path: Path, what: str) -> None:
        self._path = path
        self._queue = path.with_name(f"{path.name}.queue")
        self._what = what

    @contextmanager
    def hold(self, timeout: float) -> Iterator[None]:
        """Hold it. Raises Unavailable when it cannot be had within `timeout` seconds, or its file not be opened."""
        deadline = time.monotonic() + timeout
        with self._opened(self._path) as handle:
            if not _locked(handle, fcntl.LOCK_EX):
                with self._opened(self._queue) as queue:
                    _locked(queue, fcntl.LOCK_SH)
                    self._wait(handle, deadline)
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

    def _wait(self, handle: int, deadline: float) -> None:
        pause, longest = PAUSE
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise Unavailable(f"{self._what} is in use by another request", part="lock", retry_after=2)
            time.sleep(min(pause, left))
            if _locked(handle, fcntl.LOCK_EX):
                return
            pause = min(2 * pause, longest)

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
