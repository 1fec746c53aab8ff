"""One writer at a time on this host, whichever of our processes it is in."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pbxapi.errors import Unavailable

PAUSE = 0.002, 0.05
"""Seconds between two tries: the first, and the longest."""


class HostLock:
    """A file that is locked (flock): the kernel lets go of it when its holder dies, however that happens.

    Not reentrant: two threads of a process exclude each other as two processes do.
    """

    def __init__(self, path: Path, what: str) -> None:
        self._path = path
        self._what = what

    @contextmanager
    def hold(self, timeout: float) -> Iterator[None]:
        """Hold it. Raises Unavailable when it cannot be had within `timeout` seconds, or its file not be opened."""
        deadline = time.monotonic() + timeout
        handle = self._open()
        try:
            self._wait(handle, deadline)
            yield
        finally:
            os.close(handle)

    def held(self) -> bool:
        """Whether somebody holds it now. Raises Unavailable when its file cannot be opened."""
        handle = self._open()
        try:
            # Shared: those who only look do not see each other.
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o660)
        except OSError as error:
            raise Unavailable(f"{self._what} cannot be locked here", part="lock", retry_after=30) from error

    def _wait(self, handle: int, deadline: float) -> None:
        pause, longest = PAUSE
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Unavailable(
                        f"{self._what} is in use by another request", part="lock", retry_after=2
                    ) from None
                time.sleep(min(pause, left))
                pause = min(2 * pause, longest)
            else:
                return
