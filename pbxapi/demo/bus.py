"""Events: told once, heard by every session that wants their class."""

from __future__ import annotations

from typing import Protocol

from pbxapi.demo.wire import Message, encode


class Listener(Protocol):
    """Takes events without ever waiting."""

    def hear(self, kind: str, data: bytes) -> None:
        """Take the bytes of one event of class `kind`."""


class Bus:
    """The exchange's events. The exchange's lock is held by whoever tells one, so that all hear the same order."""

    def __init__(self, system_name: str) -> None:
        self.system_name = system_name
        self._listeners: list[Listener] = []

    def attach(self, listener: Listener) -> None:
        """Begin to hear."""
        self._listeners = [*self._listeners, listener]

    def detach(self, listener: Listener) -> None:
        """Hear no more; harmless when it never did."""
        self._listeners = [one for one in self._listeners if one is not listener]

    def tell(self, name: str, kind: str, headers: Message = ()) -> None:
        """Tell an event of one class."""
        head = [("Event", name), ("Privilege", f"{kind},all"), ("SystemName", self.system_name)]
        data = encode([[*head, *headers]])
        for listener in self._listeners:
            listener.hear(kind, data)
