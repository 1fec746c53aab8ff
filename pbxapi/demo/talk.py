"""Two channels that talk."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pbxapi.demo import causes
from pbxapi.demo.channels import Bridge, Channel
from pbxapi.demo.switch import Switch


@dataclass(eq=False)
class Talk:
    """Two channels in a bridge that ends when one of them leaves: the other is hung up, as Dial does."""

    switch: Switch
    one: Channel
    other: Channel

    def begin(self, bridge: Bridge | None = None) -> None:
        """Put both into a bridge, or the one who is not there yet."""
        bridge = bridge or Bridge(self.one.numbering.uuid())
        self.one.owner = self.other.owner = self
        self.switch.bridge(bridge, *(each for each in (self.other, self.one) if each.bridge is not bridge))

    def peer(self, channel: Channel) -> Channel:
        """The other side."""
        return self.other if channel is self.one else self.one

    def complete(self, reason: str, *transfer: str) -> None:
        """It is over for good, by `caller`, `agent` or `transfer`: for whoever counts calls.

        `transfer` is queue_log's word for it and where to.
        """

    def release(self, channel: Channel) -> Callable[[], None]:
        """One is taken away."""
        peer = self.peer(channel)
        channel.cause = channel.cause or causes.NORMAL
        self.switch.leave(channel)
        self.switch.leave(peer)
        if peer.owner is self:
            peer.owner = None
        return lambda: self._end(peer)

    def _end(self, peer: Channel) -> None:
        if peer.owner is None:  # nobody else has taken it in hand
            self.switch.hang_up(peer, causes.NORMAL)
