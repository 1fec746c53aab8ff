"""Who hears whom, as bridges are entered and left."""

from __future__ import annotations

from pbxapi.pbx.cel_events import Event


class Talks:
    """Channels in bridges. The two ends of a Local channel are one: what is said into one comes out of the other."""

    def __init__(self) -> None:
        self._bridges: dict[str, set[str]] = {}
        self._bridge_of: dict[str, str] = {}
        self._last: tuple[str, ...] = ()

    def enter(self, event: Event) -> tuple[str, ...]:
        """Give who hear each other from now on, in the order of their names, when these were not the last to."""
        self.leave(event.channel)
        if event.extra.get("bridge_technology") == "holding_bridge":  # parked, or waiting: nobody hears another
            return ()
        bridge = self._bridge(event)
        self._bridge_of[event.channel] = bridge
        self._bridges.setdefault(bridge, set()).add(event.channel)
        parties = self.heard_by(event.channel)
        if len(parties) < 2 or parties == self._last:
            return ()
        self._last = parties
        return parties

    def heard_by(self, channel: str) -> tuple[str, ...]:
        """Who hear each other with this one, which is among them unless it is a Local channel."""
        return tuple(sorted(name for name in self._reached(channel) if not name.startswith("Local/")))

    def leave(self, channel: str) -> None:
        """Take it out of its bridge."""
        bridge = self._bridge_of.pop(channel, "")
        self._bridges.get(bridge, set()).discard(channel)

    def part(self) -> None:
        """Whoever hear each other next are told, though they be the last who did."""
        self._last = ()

    def _bridge(self, event: Event) -> str:
        """By its id, or by who is in it already, which exchanges of old tell alone."""
        told = event.extra.get("bridge_id")
        if isinstance(told, str):
            return told
        peers = event.peer.split(",")
        return next((self._bridge_of[peer] for peer in peers if peer in self._bridge_of), event.channel)

    def _reached(self, channel: str) -> set[str]:
        found: set[str] = set()
        waiting = [channel]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += self._bridges.get(self._bridge_of.get(name, ""), ())
                if name.startswith("Local/"):
                    waiting.append(name[:-1] + ("2" if name.endswith("1") else "1"))
        return found
