"""How requests are cut out of a byte stream and how messages are written, with Asterisk's own limits and faults."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Message = Sequence[tuple[str, str]]

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
LINE_BYTES = 1024  # a line with its CR LF; main/manager.c holds one in a buffer of this size
REQUEST_LINES = 128

TOO_LONG = "Failed to parse message: line too long"
TOO_MANY = "Too many lines in message or allocation failure"
NO_ACTION = "Missing action in request"

_BLANKS = "".join(map(chr, range(33)))


@dataclass(frozen=True)
class Request:
    """One request: its lines as they came, and what was wrong with its framing (empty when nothing)."""

    lines: tuple[str, ...]
    fault: str = ""

    def get(self, header: str) -> str:
        """The first value of a header, without leading blanks; empty when there is none."""
        return next(iter(self.all(header)), "")

    def all(self, header: str) -> list[str]:
        """Every value of a header that may be repeated, in order."""
        start = f"{header.lower()}:"
        return [line[len(start) :].lstrip(_BLANKS) for line in self.lines if line.lower().startswith(start)]

    def items(self) -> list[tuple[str, str]]:
        """Every header that has a colon, in order."""
        split = (line.partition(":") for line in self.lines if ":" in line)
        return [(name, value.lstrip(_BLANKS)) for name, _, value in split]


class RequestReader:
    """Bytes in, requests out.

    Of a line that does not end within 1,024 bytes all but the last byte is thrown away, and what follows is read as the
    next line. So a line that is one byte too long leaves a lone CR LF, which closes the request early.
    """

    def __init__(self) -> None:
        self._buffer = b""
        self._lines: list[str] = []
        self._fault = ""

    def feed(self, data: bytes) -> list[Request]:
        """Take what was read and return the requests that it completed."""
        self._buffer += data
        requests = []
        while (line := self._next_line()) is not None:
            if line:
                self._keep(line)
                continue
            requests.append(Request(tuple(self._lines), self._fault))
            self._lines, self._fault = [], ""
        return requests

    def _next_line(self) -> str | None:
        while (end := self._buffer.find(b"\n", 0, LINE_BYTES)) < 0:
            if len(self._buffer) < LINE_BYTES:
                return None
            self._buffer = self._buffer[LINE_BYTES - 1 :]  # its last byte stays, in case it is half a CR LF
            self._fault = self._fault or TOO_LONG
        line, self._buffer = self._buffer[:end], self._buffer[end + 1 :]
        # A C string: one CR before the LF belongs to the line end, and a NUL ends the text.
        return line.removesuffix(b"\r").partition(b"\0")[0].decode("utf-8", "surrogateescape")

    def _keep(self, line: str) -> None:
        if len(self._lines) < REQUEST_LINES:
            self._lines.append(line)
        else:
            self._fault = TOO_MANY


def encode(messages: Iterable[Message]) -> bytes:
    """The bytes of some messages. A value is written as it is, line ends included, as Asterisk does."""
    text = "".join("".join(f"{name}: {value}\r\n" for name, value in message) + "\r\n" for message in messages)
    return text.encode("utf-8", "surrogateescape")
