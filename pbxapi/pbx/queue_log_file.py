"""A range of time out of the file queue_log, which may have gigabytes: found by bisection, then read line by line."""

from __future__ import annotations

import gzip
import os
import re
import stat
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from pathlib import Path

from pbxapi.errors import Unavailable
from pbxapi.pbx.queue_log import DATED

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
            return _dated(b"\n" + file.read(BLOCK))

    def last(self) -> int | None:
        """When the last line was written; of a packed file that is not known."""
        if self._packed:
            return None
        with self._open() as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - BLOCK))
            text = b"\n" + file.read(BLOCK)
            dates = DATED.findall(text, 0, text.rfind(b"\n") + 1)
            return int(dates[-1]) if dates else None

    def between(
        self, start: int, end: int, lines: re.Pattern[bytes], tick: Callable[[], None]
    ) -> Iterator[re.Match[bytes]]:
        """The lines that were written from `start` until before `end`, in the order of the file.

        `lines` finds those that are wanted, with their date as its first group, each after the end of a line. `tick`
        is called once in a while, and may raise: a packed file is read from its beginning.
        """
        with self._open() as file:
            place = 0 if self._packed else _place(file, start - SLACK)
            file.seek(place)
            for text in _whole_lines(file, b"" if place else b"\n"):
                tick()
                begins = _dated(text)
                if begins is not None and begins >= end + SLACK:
                    return
                for match in lines.finditer(text):
                    if start <= int(match[1]) < end:
                        yield match

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
    """Where there is nothing but older lines before, no more than a few blocks before the first that is not."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while high - low > BLOCK:
        middle = (low + high) // 2
        file.seek(middle)
        at = _dated(file.read(BLOCK))
        if at is None or at >= wanted:
            high = middle
        else:
            low = middle
    return low


def _whole_lines(file: BufferedIOBase, before: bytes) -> Iterator[bytes]:
    """Many lines at a time, with the end of the one before. What has no end yet is still being written."""
    rest = before
    while block := file.read(BLOCK):
        text = rest + block
        end = text.rfind(b"\n")
        yield text[: end + 1]
        rest = text[max(end, 0) :]
        if len(rest) > LONGEST:
            rest = b"\n" + rest[-LONGEST:]


def _dated(text: bytes) -> int | None:
    match = DATED.search(text)
    return int(match[1]) if match else None
