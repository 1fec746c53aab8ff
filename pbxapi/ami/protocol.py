"""The manager protocol: bytes in, messages out. No socket, no thread, no clock.

A message is lines that end in CR LF, closed by an empty line. Some values end in a bare LF and some messages are
followed by an extra empty line (seen on Asterisk 16 and 22), so lines are split at CR LF alone, never with
`str.splitlines`, which also splits at VT, FF, U+0085 and U+2028: in AMI those are data.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from pbxapi.ami.errors import AmiInvalid, AmiProtocolError

CRLF = b"\r\n"
END = b"\r\n\r\n"
BLANKS = " \t\r\n"

# What Asterisk's manager.c takes: 1,024 bytes a line with its CR LF, 128 headers with Action and ActionID.
MAX_SENT_LINE = 1022
MAX_SENT_HEADERS = 128

# What we take. GetConfig of 1,000 extensions is 1 MB in one message, GetConfigJSON the same in one line.
MAX_GREETING = 1024
MAX_LINE = 16 * 1024 * 1024
MAX_MESSAGE = 64 * 1024 * 1024

_NAME = re.compile(r"[A-Za-z0-9_.-]+", re.ASCII)


class Framer:
    """Cuts the byte stream of a session into messages, however the bytes arrive.

    The first item is the greeting line; each one after it is a message without its closing empty line. Empty
    messages are dropped. Raises AmiProtocolError when the peer passes a bound; the framer is of no use after that.
    """

    __slots__ = ("_buffer", "_greeting", "_line", "_max_line", "_max_message")

    def __init__(self, *, greeting: bool = True, max_line: int = MAX_LINE, max_message: int = MAX_MESSAGE) -> None:
        self._greeting = greeting
        self._max_line = max_line
        self._max_message = max_message
        self._buffer = bytearray()
        self._line = 0  # where the last, unfinished line of the buffer begins

    @property
    def buffered(self) -> int:
        """How many bytes wait for the rest of their message."""
        return len(self._buffer)

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes and return the messages that they complete."""
        seen = len(self._buffer)
        if seen:
            self._buffer += data
            if not self._greeting and self._buffer.find(END, max(0, seen - 3)) < 0:
                self._check_rest(seen)
                return []
            data = bytes(self._buffer)
        messages: list[bytes] = []
        if self._greeting:
            line, found, rest = data.partition(CRLF)
            if len(line) > MAX_GREETING:
                self._refuse(f"a greeting of more than {MAX_GREETING} bytes")
            if not found:
                self._buffer = bytearray(data)
                return messages
            self._greeting = False
            messages.append(line)
            data = rest
        blocks = data.split(END)
        self._buffer = bytearray(blocks.pop())
        self._line = 0
        if len(data) > self._max_line:
            self._check_blocks(blocks)
        if self._buffer:
            self._check_rest(0)
        messages += [block.removeprefix(CRLF) for block in blocks if block]
        return messages

    def _check_blocks(self, blocks: list[bytes]) -> None:
        for block in blocks:
            if len(block.removeprefix(CRLF)) > self._max_message:
                self._refuse(f"a message of more than {self._max_message} bytes")
            if len(block) > self._max_line and max(map(len, block.split(CRLF))) > self._max_line:
                self._refuse(f"a line of more than {self._max_line} bytes")

    def _check_rest(self, seen: int) -> None:
        """Bound what is buffered. The slack is the CR LF of an extra empty line and a part of the closing one."""
        size = len(self._buffer)
        if size > self._max_message + 5:
            self._refuse(f"a message of more than {self._max_message} bytes")
        last = self._buffer.rfind(CRLF, max(0, seen - 1))
        if last >= 0:
            self._line = last + 2
        if size - self._line > self._max_line + 1:
            self._refuse(f"a line of more than {self._max_line} bytes")

    def _refuse(self, what: str) -> None:
        self._buffer = bytearray()
        raise AmiProtocolError(f"the server sent {what}")


def action_id_of(block: bytes) -> bytes:
    """The ActionID of a message, b"" when it has none. Where there are two the first counts, as in Asterisk."""
    start = block.find(b"\r\nActionID: ")
    if start < 0:
        return b""
    start += 12
    end = block.find(CRLF, start)
    return block[start:] if end < 0 else block[start:end]


def event_of(block: bytes) -> bytes:
    """The name of an event, b"" when the message is a response: Asterisk writes the one that it is first."""
    if not block.startswith(b"Event:"):
        return b""
    end = block.find(CRLF)
    return (block[6:] if end < 0 else block[6:end]).strip()


def is_response(block: bytes) -> bool:
    """Whether this message answers an action. OriginateResponse also has a Response header, but begins as an event."""
    return block.startswith(b"Response:")


def opens_list(block: bytes) -> bool:
    """Whether events of a list follow this response (`EventList: start`, astman_send_listack in manager.c)."""
    return block.find(b"\r\nEventList: start") >= 0


class Message:
    """One response or event, read from its bytes when a header is first asked for.

    Text is UTF-8; a line that is not UTF-8 is read as Latin-1. Values come without surrounding blanks; only those
    of `Output` keep their leading ones. Header names are looked up in any case. The repr shows no values.
    """

    __slots__ = ("_folded", "_text", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self._text: str | None = None
        self._folded: dict[str, str] | None = None

    @property
    def event(self) -> str:
        """The event's name, "" for a response."""
        return self.get("Event")

    @property
    def response(self) -> str:
        """`Success`, `Error` or another word; "" when there is none."""
        return self.get("Response")

    def __getitem__(self, header: str) -> str:
        if self._text is None:
            self._text = "\r\n" + _decode(self.raw)
        # Of most messages a few headers are asked for: to look for those costs less than to split all.
        _, found, rest = self._text.partition(f"\r\n{header}:")
        if not found:
            return self._fold()[header.lower()]
        value = rest.partition("\r\n")[0]
        return value.strip(BLANKS) if header != "Output" else _value(header, value)

    def get(self, header: str, default: str = "") -> str:
        """The first value of a header, or the default."""
        try:
            return self[header]
        except KeyError:
            return default

    def all(self, header: str) -> list[str]:
        """Every value of a header, in order."""
        wanted = header.lower()
        return [value for name, value in self.items() if name.lower() == wanted]

    def items(self) -> list[tuple[str, str]]:
        """Every header and its value, in order and own spelling; a line with no colon comes as ("", line)."""
        return [_item(line) for line in _decode(self.raw).split("\r\n")]

    def fields(self) -> dict[str, str]:
        """Every header by its own spelling, the last of those that repeat: where most of a message's are wanted."""
        lines = [line.partition(":") for line in _decode(self.raw).split("\r\n")]
        return {name: value.strip(BLANKS) for name, _, value in lines}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"<Message {self.event or self.response or '?'}, {len(self.raw)} bytes>"

    def _fold(self) -> dict[str, str]:
        if self._folded is None:
            self._folded = {}
            for name, value in self.items():
                if name:
                    self._folded.setdefault(name.lower(), value)
        return self._folded


def _item(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    return (name, _value(name, value)) if colon else ("", line.strip(BLANKS))


def _value(name: str, value: str) -> str:
    return value.removeprefix(" ").rstrip(BLANKS) if name == "Output" else value.strip(BLANKS)


def _decode(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return "\r\n".join([_decode_line(line) for line in raw.split(CRLF)])


def _decode_line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def encode(action: str, fields: Iterable[tuple[str, str]], action_id: str) -> bytes:
    """The bytes of an action. Raises AmiInvalid, naming the header, where Asterisk would cut, split or misread it."""
    lines = [_line("Action", action), _line("ActionID", action_id)]
    for name, value in fields:
        if not _NAME.fullmatch(name) or name.lower() in ("action", "actionid"):
            raise AmiInvalid(f"{name!r} cannot be the name of a header", name)
        lines.append(_line(name, value))
    if len(lines) > MAX_SENT_HEADERS:
        raise AmiInvalid(f"{len(lines)} headers are more than the {MAX_SENT_HEADERS} that Asterisk reads")
    return b"".join(lines) + CRLF


def _line(name: str, value: str) -> bytes:
    if "\r" in value or "\n" in value or "\0" in value:
        raise AmiInvalid(f"{name} holds a line end or a NUL", name)
    try:
        line = f"{name}: {value}\r\n".encode()
    except UnicodeEncodeError:
        raise AmiInvalid(f"{name} holds what is no text", name) from None
    if len(line) > MAX_SENT_LINE + 2:
        raise AmiInvalid(f"{name} makes a line of more than {MAX_SENT_LINE} bytes", name)
    return line
