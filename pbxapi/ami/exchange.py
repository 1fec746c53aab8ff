"""One action and the messages that answer it."""

from __future__ import annotations

import logging
from _thread import allocate_lock
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import NoReturn

from pbxapi.ami.errors import (
    AmiDenied,
    AmiError,
    AmiProtocolError,
    AmiRefused,
    AmiTimeout,
    AmiUnavailable,
    AmiUnknownAction,
)
from pbxapi.ami.protocol import Message, is_response, opens_list

logger = logging.getLogger("pbxapi.ami")

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
        self.error: AmiUnavailable | None = None
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

    def end(self, error: AmiUnavailable | None = None) -> None:
        """Let the caller go on, with the answer or with the reason why there is none."""
        self.error = error
        self.ended.release()


class Pending:
    """An action that was sent and not yet awaited. Get its answer with `result()`; dropped, it is forgotten."""

    __slots__ = ("_action", "_deadline", "_exchange", "_forget", "_lane", "_started")

    def __init__(
        self,
        action: str,
        exchange: Exchange,
        forget: Callable[[Exchange, float], bool],
        *,
        lane: str,
        started: float,
        deadline: float,
    ) -> None:
        self._action = action
        self._exchange = exchange
        self._forget = forget
        self._lane = lane
        self._started = started
        self._deadline = deadline

    def __del__(self) -> None:
        self._forget(self._exchange, 0.0)

    def result(self) -> Reply:
        """Wait for the answer until the deadline that was set at the start.

        Raises AmiRefused (AmiUnknownAction, AmiDenied), AmiTimeout, and AmiUnavailable when the session was lost.
        """
        try:
            self._wait()
            reply = self._reply()
        except AmiError as error:
            log_outcome(self._action, self._lane, self._started, error)
            raise
        if logger.isEnabledFor(logging.DEBUG):
            log_outcome(self._action, self._lane, self._started)
        return reply

    def _wait(self) -> None:
        ended = self._exchange.ended
        if not ended.acquire(timeout=max(0.0, self._deadline - monotonic())):
            if self._forget(self._exchange, self._started):
                seconds = self._deadline - self._started
                raise AmiTimeout(f"{self._action}: no whole answer within {seconds:.3g} s; the action may have run")
            ended.acquire()  # the reader has just taken it and is about to let go
        ended.release()  # for a second call of result()

    def _reply(self) -> Reply:
        exchange = self._exchange
        if exchange.error is not None:
            raise exchange.error.again(self._action, may_have_run=True) from exchange.error
        response = Message(exchange.response)
        if exchange.response.startswith(b"Response: Error"):
            _refuse(self._action, response)
        closing = Message(exchange.last) if exchange.last is not None else None
        return Reply(response, tuple(map(Message, exchange.events)), closing)


def _refuse(action: str, response: Message) -> NoReturn:
    """Asterisk tells by its words alone why it said no (manager.c, process_message)."""
    words = "\n".join(response.all("Output")) or response.get("Message")
    if words.startswith("Invalid/unknown command"):
        raise AmiUnknownAction(action, words)
    if words == "Permission denied":
        raise AmiDenied(action, words)
    raise AmiRefused(action, words)


def log_outcome(action: str, lane: str, started: float, error: AmiError | None = None) -> None:
    """Log an action's name, lane, time and outcome, and nothing that it carried."""
    outcome = type(error).__name__ if error else "ok"
    level = logging.INFO if error else logging.DEBUG
    logger.log(level, "%s on %s: %s in %.1f ms", action, lane, outcome, (monotonic() - started) * 1000)
