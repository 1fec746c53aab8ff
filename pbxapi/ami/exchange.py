"""One action and the messages that answer it."""

from __future__ import annotations

from _thread import allocate_lock
from dataclasses import dataclass

from pbxapi.ami.errors import AmiProtocolError, AmiTimeout, AmiUnavailable
from pbxapi.ami.protocol import Message, is_response, opens_list

MAX_REPLY = 256 * 1024 * 1024  # bytes of one list; 10,000 endpoints are 2 MB


@dataclass(frozen=True, slots=True)
class Reply:
    """What answered an action. `events` are the items of a list, without the response and the closing event."""

    response: Message
    events: tuple[Message, ...] = ()
    closing: Message | None = None


class Exchange:
    """The wire's side of an action: filled by the reader thread, awaited by the caller's.

    Whoever takes it out of the session's table of waiting exchanges ends it, so it is ended once. The lock is held
    from the start and let go at the end: the cheapest hand-over between two threads.
    """

    __slots__ = ("_closing", "_size", "ended", "error", "events", "key", "last", "response")

    def __init__(self, key: bytes, until: str | None) -> None:
        self.key = key
        self.response: bytes = b""
        self.events: list[bytes] = []
        self.last: bytes | None = None
        self.error: AmiUnavailable | AmiTimeout | None = None
        self.ended = allocate_lock()
        self.ended.acquire()
        self._closing = f"Event: {until}\r\n".encode() if until else b""
        self._size = 0

    def receive(self, block: bytes) -> bool:
        """Take a message with our ActionID; true when the answer is whole."""
        if not self.response:
            if not is_response(block):
                return False
            self.response = block
            return not self._closing or not opens_list(block)
        if block.startswith(self._closing):
            self.last = block
            return True
        self._size += len(block)
        if self._size > MAX_REPLY:
            raise AmiProtocolError(f"the server sent a list of more than {MAX_REPLY} bytes")
        self.events.append(block)
        return False

    def end(self, error: AmiUnavailable | AmiTimeout | None = None) -> None:
        """Let the caller go on, with the answer or with the reason why there is none."""
        self.error = error
        self.ended.release()
