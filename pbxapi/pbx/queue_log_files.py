"""The file queue_log and those that it was rotated to, as the one log that they are.

Asterisk rotates to queue_log.0, .1, ... (of which the highest is the newest, or the oldest, by `rotatestrategy` of
logger.conf) or queue_log.EPOCH, logrotate to queue_log.1, queue_log.2.gz or queue_log-20261122.gz: their names do not
tell their order, their first lines do.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from pbxapi.errors import Unavailable
from pbxapi.pbx.queue_log_file import SLACK, QueueLogFile

ROTATED = re.compile(r"(?:[.-][0-9]{1,20}){1,2}(\.gz)?\Z")


class QueueLogFiles:
    """The log whose file is written now at `path`."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    @property
    def readable(self) -> bool:
        """Whether there is such a file that the user of this API may read. One is enough: that of now."""
        return self._path.is_file() and os.access(self._path, os.R_OK)

    @property
    def forbidden(self) -> bool:
        """Whether it is there and may not be read."""
        try:
            return self._path.exists() and not os.access(self._path, os.R_OK)
        except OSError:
            return True

    def last(self) -> int | None:
        """When it was last written to, in seconds since 1970. Raises Unavailable."""
        found = QueueLogFile(self._path).last()
        return found if found is not None else max((at for at, _ in self._rotated(0)), default=None)

    def first(self, start: int) -> int | None:
        """When the oldest line was written that may be of use for what begins at `start`. Raises Unavailable."""
        return min((at for at, _ in self._files(start)), default=None)

    def between(
        self, start: int, end: int, lines: re.Pattern[bytes], tick: Callable[[], None]
    ) -> Iterator[re.Match[bytes]]:
        """The lines that were written from `start` until before `end`, file after file. Raises Unavailable.

        `lines` finds those that are wanted, as QueueLogFile has it; `tick` is called once in a while, and may raise.
        """
        files = self._files(start)
        for number, (begins, file) in enumerate(files):
            until = files[number + 1][0] if number + 1 < len(files) else None
            if begins < end + SLACK and (until is None or until > start - SLACK):
                yield from file.between(start, end, lines, tick)

    def _files(self, start: int) -> list[tuple[int, QueueLogFile]]:
        """In their order, each with the time of its first line; rotated ones where that of now begins too late."""
        now = QueueLogFile(self._path)
        begins = now.first()
        if begins is not None and begins <= start - SLACK:
            return [(begins, now)]
        found = self._rotated(start)
        if begins is not None:
            found.append((begins, now))
        return sorted(found, key=lambda each: each[0])

    def _rotated(self, start: int) -> list[tuple[int, QueueLogFile]]:
        """Those that were written to since `start`. What is no log by its first lines is left out."""
        found = []
        try:
            with os.scandir(self._path.parent) as entries:
                names = {each.name for each in entries if self._fits(each, start)}
        except OSError as error:
            raise Unavailable("The folder of the queue log cannot be read", part="queue_log") from error
        for name in sorted(names):
            # While one is packed it is there twice.
            if name.endswith(".gz") and name[:-3] in names:
                continue
            file = QueueLogFile(self._path.with_name(name))
            at = file.first()
            if at is not None:
                found.append((at, file))
        return found

    def _fits(self, entry: os.DirEntry[str], start: int) -> bool:
        name = self._path.name
        if not entry.name.startswith(name) or not ROTATED.match(entry.name[len(name) :]):
            return False
        try:
            told = entry.stat(follow_symlinks=False)
        except OSError:  # rotated on, or deleted, in between
            return False
        return stat.S_ISREG(told.st_mode) and told.st_mtime >= start - SLACK
