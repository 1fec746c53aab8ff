"""An action under way, as its caller sees it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from time import monotonic
from typing import NoReturn

from pbxapi.ami.connection import Connection
from pbxapi.ami.errors import AmiDenied, AmiError, AmiRefused, AmiTimeout, AmiUnavailable, AmiUnknownAction
from pbxapi.ami.exchange import Exchange, Reply
from pbxapi.ami.protocol import Message

logger = logging.getLogger("pbxapi.ami")

observers: list[Callable[[str, str, float], None]] = []
"""Who is told of every action that ended: its name, `ok` or the error's class, and seconds."""


class Pending:
    """An action that was sent and not yet awaited. Get its answer with `result()`; dropped, it is forgotten."""

    __slots__ = ("_action", "_deadline", "_exchange", "_session", "_started")

    def __init__(self, action: str, exchange: Exchange, session: Connection, started: float, deadline: float) -> None:
        self._action = action
        self._exchange = exchange
        self._session = session
        self._started = started
        self._deadline = deadline

    def __del__(self) -> None:
        self._session.forget(self._exchange)

    def result(self) -> Reply:
        """Wait for the answer until the deadline that was set at the start.

        Raises AmiRefused (AmiUnknownAction, AmiDenied), AmiTimeout, and AmiUnavailable when the session was lost.
        """
        try:
            if not self._session.wait(self._exchange, self._deadline):
                self._give_up()
            reply = self._reply()
        except AmiError as error:
            log_outcome(self._action, self._session.name, self._started, error)
            raise
        log_outcome(self._action, self._session.name, self._started)
        return reply

    def _give_up(self) -> None:
        if self._session.forget(self._exchange, self._started):
            seconds = max(0.0, self._deadline - self._started)
            text = f"{self._action}: no whole answer within {seconds:.3g} s; the action may have run"
            self._exchange.end(AmiTimeout(text))
        else:  # who has just taken it is about to end it
            self._exchange.ended.acquire()
            self._exchange.ended.release()

    def _reply(self) -> Reply:
        exchange = self._exchange
        if isinstance(exchange.error, AmiUnavailable):
            raise exchange.error.again(self._action, may_have_run=True) from exchange.error
        if exchange.error is not None:
            raise AmiTimeout(str(exchange.error))
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
    if words == "Asterisk is shutting down":
        raise AmiUnavailable(f"{action}: {words}")  # it says nothing of what was asked for
    raise AmiRefused(action, words)


def log_outcome(action: str, lane: str, started: float, error: AmiError | None = None) -> None:
    """Log an action's name, lane, time and outcome, and nothing that it carried."""
    seconds = monotonic() - started
    outcome = type(error).__name__ if error else "ok"
    for observe in observers:
        observe(action, outcome, seconds)
    level = logging.INFO if error else logging.DEBUG
    if logger.isEnabledFor(level):
        logger.log(level, "%s on %s: %s in %.1f ms", action, lane, outcome, seconds * 1000)
