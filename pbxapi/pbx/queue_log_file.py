"""A range of time out of the file queue_log, which may have gigabytes: found by bisection, then read line by line."""

from __future__ import annotations

import gzip
import os
import stat
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from pbxapi.errors import Unavailable
from pbxapi.pbx.queue_log import epoch_of

BLOCK = 1 << 16
LONGEST = 1 << 14
"""Bytes of a line, of which Asterisk writes 8,192 at most: with more than that it is rubbish."""

SLACK = 60
"""Seconds that a line may be older than one before it: each is dated before its writer waits for its turn."""


class QueueLogFile:
    """One file, also one that was rotated and packed. Whatever fails raises Unavailable."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._packed = path.suffix == ".gz"

    def first(self) -> int | None:
        """When the first line was written, None when there is none at the beginning of the file."""
        with self._open() as file:
            return next(_epochs(_lines([file.read(BLOCK)])), None)

    def last(self) -> int | None:
        """When the last line was written; of a packed file that is not known."""
        if self._packed:
            return None
        with self._open() as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - BLOCK))
            return next(iter(deque(_epochs(_lines([file.read(BLOCK)])), maxlen=1)), None)

    def between(self, start: int, end: int, tick: Callable[[], None]) -> Iterator[bytes]:
        """The lines that were written from `start` until before `end`, in the order of the file.

        `tick` is called once in a while, and may raise: a packed file is read from its beginning.
        """
        with self._open() as file:
            if not self._packed:
                file.seek(_place(file, start - SLACK))
            for line in _lines(_blocks(file, tick)):
                at = epoch_of(line)
                if at is None:
                    continue
                if at >= end + SLACK:
                    return
                if start <= at < end:
                    yield line

    @contextmanager
    def _open(self) -> Iterator[BufferedIOBase]:
        try:
            # What is no file must not be waited for.
            number = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(number, "rb") as file:
                if not stat.S_ISREG(os.fstat(number).st_mode):
                    raise Unavailable("The queue log is not a file", part="queue_log")
                if not self._packed:
                    yield file
                    return
                with gzip.GzipFile(fileobj=file) as unpacked:
                    yield unpacked
        except (OSError, EOFError, zlib.error) as error:
            raise Unavailable("The queue log cannot be read", part="queue_log") from error


def _place(file: BufferedIOBase, wanted: int) -> int:
    """Where a line begins that is older than `wanted`, no more than a few blocks before the first that is not."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while high - low > BLOCK:
        middle = (low + high) // 2
        file.seek(middle)
        # The line that the middle lies in has lost its beginning.
        _, end, rest = file.read(BLOCK).partition(b"\n")
        at = next(_epochs(_lines([end and rest])), None)
        if at is None or at >= wanted:
            high = middle
        else:
            low = middle
    file.seek(low)
    # Nor is it known whether one begins at `low`.
    return low + file.read(BLOCK).find(b"\n") + 1 if low else 0


def _blocks(file: BufferedIOBase, tick: Callable[[], None]) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        tick()
        yield block


def _lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their ends. The last one, as long as it has none, is still being written."""
    rest = b""
    for block in blocks:
        *whole, rest = (rest + block).split(b"\n")
        rest = rest[-LONGEST:]
        yield from whole


def _epochs(lines: Iterable[bytes]) -> Iterator[int]:
    return (at for at in map(epoch_of, lines) if at is not None)
