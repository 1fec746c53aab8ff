"""Parts of a file, as bodies: what the header Range asks for (RFC 9110, 14)."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import BinaryIO

from werkzeug.exceptions import RequestedRangeNotSatisfiable
from werkzeug.http import parse_range_header

MOST = 16
"""Ranges in one answer. Who asks for more gets all of the file, as RFC 9110 (14.2) allows."""
CHUNK = 64 * 1024

Span = tuple[int, int]
"""The first byte, and the first one after."""


def wanted(header: str | None, size: int) -> list[Span]:
    """The parts that are asked for; none when that is all of it, or the header is to be ignored.

    Ranges that overlap or come in another order than in the file are ignored with the header. Raises
    RequestedRangeNotSatisfiable (416) when no part of it is in the file.
    """
    asked = parse_range_header(header)
    if asked is None or asked.units != "bytes" or len(asked.ranges) > MOST:
        return []
    spans = [_clipped(start, end, size) for start, end in asked.ranges]
    found = [span for span in spans if span[0] < span[1]]
    if not found:
        raise RequestedRangeNotSatisfiable(size, description="The file ends before the range begins.")
    if any(after[0] < before[1] for before, after in pairwise(found)):
        return []
    return found


def _clipped(start: int, end: int | None, size: int) -> Span:
    if start < 0:
        return max(0, size + start), size
    return start, size if end is None else min(end, size)


class Part:
    """A file from one place to another, as a file of its own. `close` closes the file, and calls `closed`.

    A server that has `sendfile` takes the descriptor, which stands at the first byte, and the answer's Content-Length.
    """

    def __init__(self, file: BinaryIO, span: Span, closed: Callable[[], None]) -> None:
        start, end = span
        self._file = file
        self._left = end - start
        self._closed = closed
        file.seek(start)

    def read(self, size: int = -1) -> bytes:
        """Read on, never past the end of the part."""
        chunk = self._file.read(min(size, self._left) if size >= 0 else self._left)
        self._left -= len(chunk)
        return chunk

    def fileno(self) -> int:
        """The descriptor."""
        return self._file.fileno()

    def close(self) -> None:
        """Close the file; a second time nothing happens."""
        if not self._file.closed:
            self._file.close()
            self._closed()


class Parts:
    """Several parts of a file, as multipart/byteranges (RFC 9110, 14.6)."""

    def __init__(
        self, file: BinaryIO, spans: Sequence[Span], size: int, media_type: str, closed: Callable[[], None]
    ) -> None:
        self._file = file
        self._closed = closed
        boundary = secrets.token_hex(12)
        self.media_type = f"multipart/byteranges; boundary={boundary}"
        self._pieces: list[tuple[bytes, Span]] = [
            (
                f"\r\n--{boundary}\r\nContent-Type: {media_type}\r\n"
                f"Content-Range: {content_range(span, size)}\r\n\r\n".encode(),
                span,
            )
            for span in spans
        ]
        self._last = f"\r\n--{boundary}--\r\n".encode()
        self.length = sum(len(head) + end - start for head, (start, end) in self._pieces) + len(self._last)

    def __iter__(self) -> Iterator[bytes]:
        for head, (start, end) in self._pieces:
            yield head
            place = start
            while place < end:
                chunk = os.pread(self._file.fileno(), min(CHUNK, end - place), place)
                if not chunk:
                    # It was cut in the meantime. Fewer bytes than announced tell the client.
                    return
                place += len(chunk)
                yield chunk
        yield self._last

    def close(self) -> None:
        """Close the file; a second time nothing happens."""
        if not self._file.closed:
            self._file.close()
            self._closed()


def content_range(span: Span, size: int) -> str:
    """The header Content-Range of a part."""
    return f"bytes {span[0]}-{span[1] - 1}/{size}"
