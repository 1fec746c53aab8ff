"""Subscriptions to events: bounded queues, so that a slow subscriber costs events and never the session."""

from __future__ import annotations

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from pbxapi.ami.errors import AmiUnavailable
from pbxapi.ami.protocol import Message


class Subscription:
    """Events by name, from the moment of subscribing. Close it when done; it is a context manager.

    When `size` events wait unread, further ones are dropped and counted in `dropped`.
    """

    def __init__(self, names: tuple[str, ...], size: int, leave: Callable[[Subscription], None]) -> None:
        self.dropped = 0
        self._names = frozenset(name.lower().encode() for name in names)
        self._size = size
        self._leave = leave
        self._queue: SimpleQueue[bytes | None] = SimpleQueue()
        self._lost: AmiUnavailable | None = None

    def get(self, timeout: float) -> Message | None:
        """The next event, or None after `timeout` seconds without one.

        Raises AmiUnavailable once the session is lost and what came before is read: subscribe again.
        """
        try:
            block = self._queue.get(timeout=max(0.0, timeout))
        except Empty:
            return None
        if block is None:
            self._queue.put(None)  # for whoever else waits here
            error = self._lost or AmiUnavailable("the subscription is closed")
            raise AmiUnavailable(str(error), retry_after=error.retry_after)
        return Message(block)

    def close(self) -> None:
        """Take no more events. What came before may still be read."""
        self._leave(self)
        self.lose(AmiUnavailable("the subscription is closed"))

    def offer(self, name: bytes, block: bytes) -> None:
        """Take an event if it is wanted; `name` is in lower case. For the reader thread: never waits."""
        if self._names and name not in self._names:
            return
        if self._queue.qsize() >= self._size:
            self.dropped += 1
        else:
            self._queue.put(block)

    def lose(self, error: AmiUnavailable) -> None:
        """Say that no more events will come, and why."""
        if self._lost is None:
            self._lost = error
            self._queue.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Subscriptions:
    """Those of one session. The tuple is replaced, never changed: the reader goes through it without a lock."""

    def __init__(self) -> None:
        self.present: tuple[Subscription, ...] = ()
        self._over = False
        self._changing = threading.Lock()

    def add(self, subscription: Subscription) -> bool:
        """Let one more have the events; false when the last one has left, and with it the session."""
        with self._changing:
            self.present += (subscription,)
            return not self._over

    def remove(self, subscription: Subscription) -> bool:
        """Let it have no more; true when it was the last one."""
        with self._changing:
            before = self.present
            self.present = tuple(each for each in before if each is not subscription)
            self._over = self._over or (bool(before) and not self.present)
            return self._over

    def publish(self, name: bytes, block: bytes) -> None:
        """Offer an event to all; a response has no name and is dropped."""
        name = name.lower()
        if name:
            for subscription in self.present:
                subscription.offer(name, block)

    def lose(self, error: AmiUnavailable) -> None:
        """Tell all that the session is lost."""
        for subscription in self.present:
            subscription.lose(error)
