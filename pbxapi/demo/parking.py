"""The parking lot `default`: spaces 701 to 720."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pbxapi.demo.channels import Bridge, Channel
from pbxapi.demo.clock import Timer
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.switch import Switch
from pbxapi.demo.talk import Talk
from pbxapi.demo.wire import Message

NAME = "default"
SPACES = range(701, 721)
TIMEOUT = 45.0  # seconds


@dataclass(eq=False)
class Parked:
    """One parked call. `since` and `until` are in seconds since the epoch."""

    channel: Channel
    parker: str
    space: int
    since: float
    until: float
    timer: Timer

    def headers(self, now: float) -> Message:
        """What every parking event shows after the channels."""
        return [
            ("ParkerDialString", self.parker),
            ("Parkinglot", NAME),
            ("ParkingSpace", str(self.space)),
            ("ParkingTimeout", str(max(0, int(self.until - now)))),
            ("ParkingDuration", str(int(now - self.since))),
        ]


class ParkingLot:
    """Holds channels until somebody dials their space, they hang up, or their time is over."""

    def __init__(self, switch: Switch, dialplan: Dialplan, bridge_id: str) -> None:
        self.parked: dict[int, Parked] = {}
        self._switch = switch
        self._dialplan = dialplan
        self._bridge = Bridge(bridge_id, "parking", "holding_bridge", "Parking", NAME)
        dialplan.applications["park"] = self._park_application
        dialplan.applications["parkedcall"] = self._retrieve_application

    def park(self, channel: Channel, parker: str = "", timeout: float = TIMEOUT, space: int | None = None) -> bool:
        """Take a channel out of what it does and park it. False when there is no such space, or none is free."""
        free = [one for one in SPACES if one not in self.parked and space in (None, one)]
        if not free:
            return False
        after = self._switch.release(channel)
        self._put(channel, parker or channel.name.rpartition("-")[0], timeout, free[0])
        after()
        return True

    def _put(self, channel: Channel, parker: str, timeout: float, space: int) -> None:
        clock = self._switch.clock
        now = clock.now()
        timer = clock.later(timeout, lambda: self._time_out(space))
        self.parked[space] = Parked(channel, parker, space, now, now + timeout, timer)
        self._dialplan.parked[str(space)] = (("ParkedCall", f"{NAME},{space}"),)
        channel.owner = self
        self._tell("ParkedCall", self.parked[space])
        self._tell_space(space, "INUSE")
        self._switch.bridge(self._bridge, channel)
        self._switch.tell("MusicOnHoldStart", channel, ("Class", "default"))

    def release(self, channel: Channel) -> Callable[[], None] | None:
        """A parked channel is hung up or sent elsewhere."""
        parked = next(one for one in self.parked.values() if one.channel is channel)
        self._forget(parked)
        self._tell("ParkedCallGiveUp", parked)
        return None

    def items(self) -> list[Message]:
        """The parked calls, as ParkedCalls lists them."""
        now = self._switch.clock.now()
        return [[*one.channel.headers("Parkee"), *one.headers(now)] for _, one in sorted(self.parked.items())]

    def _forget(self, parked: Parked) -> None:
        parked.timer.cancel()
        del self.parked[parked.space]
        self._dialplan.parked.pop(str(parked.space), None)
        self._switch.tell("MusicOnHoldStop", parked.channel)
        self._tell_space(parked.space, "NOT_INUSE")

    def _time_out(self, space: int) -> None:
        parked = self.parked[space]
        channel = parked.channel
        self._forget(parked)
        channel.owner = None
        self._tell("ParkedCallTimeOut", parked)
        self._switch.leave(channel)
        self._dialplan.run(channel, "default", "s", 1)

    def _park_application(self, dialplan: Dialplan, channel: Channel, data: str) -> bool:
        return not self.park(channel)

    def _retrieve_application(self, dialplan: Dialplan, channel: Channel, data: str) -> bool:
        space = data.rpartition(",")[2]
        parked = self.parked.get(int(space)) if space.isdecimal() else None
        if parked is None:
            return True
        self._forget(parked)
        parked.channel.owner = None
        self._switch.leave(parked.channel)
        self._tell("UnParkedCall", parked, channel)
        Talk(self._switch, channel, parked.channel).begin()
        self._switch.set_connected(channel, parked.channel.caller)
        return False

    def _tell(self, event: str, parked: Parked, retriever: Channel | None = None) -> None:
        second = retriever.headers("Retriever") if retriever else ()
        rest = parked.headers(self._switch.clock.now())
        self._switch.bus.tell(event, "call", [*parked.channel.headers("Parkee"), *second, *rest])

    def _tell_space(self, space: int, state: str) -> None:
        device = f"park:{space}@parkedcalls"
        self._switch.bus.tell("DeviceStateChange", "call", [("Device", device), ("State", state)])
