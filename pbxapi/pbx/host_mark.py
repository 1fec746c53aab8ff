"""When something was last written, by whichever process of ours on this host: who keeps an answer looks there first."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

log = logging.getLogger("pbxapi.live")


class HostMark:
    """The time of a file. Where it cannot be kept, other processes show what they have for its time to live."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def set(self) -> None:
        """Something was written just now."""
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
            try:
                now = time.time_ns()  # the file system's own clock goes in steps of some milliseconds
                os.utime(handle, ns=(now, now))
            finally:
                os.close(handle)
        except OSError as error:
            log.warning("other processes are not told of a write: %s", error.strerror)

    def last(self) -> int:
        """When that was; 0 for never. A number that changes, and no more."""
        try:
            return self._path.lstat().st_mtime_ns
        except OSError:
            return 0
