"""Channels and bridges: what they are, and how a message shows them."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol

from pbxapi.demo.wire import Message


class State(IntEnum):
    """The states of a channel that occur here, with Asterisk's numbers."""

    DOWN = 0
    RING = 4
    RINGING = 5
    UP = 6

    @property
    def words(self) -> str:
        """As ChannelStateDesc says it."""
        return self.name.capitalize()


@dataclass(frozen=True)
class Party:
    """Somebody's number and name; empty is shown as <unknown>."""

    number: str = ""
    name: str = ""

    def headers(self, prefix: str) -> Message:
        """As `CallerIDNum` and `CallerIDName`, or what else is prefixed."""
        return [(f"{prefix}Num", self.number or "<unknown>"), (f"{prefix}Name", self.name or "<unknown>")]


class Numbering:
    """Gives out names and ids. The same seed gives the same ones, whatever the time of day."""

    def __init__(self, system_name: str, seed: int, first: int = 0) -> None:
        self._prefix = f"{system_name}-{1767225600 + seed}"
        self._first = self._next = first
        self._names: dict[str, int] = {}
        self._random = random.Random(f"{seed}/{first}")  # noqa: S311  (ids of a toy exchange)

    def channel(self, technology_and_resource: str) -> tuple[str, str]:
        """A channel's name and its uniqueid."""
        return self.name(technology_and_resource), self.uniqueid()

    def name(self, technology_and_resource: str) -> str:
        """A channel's name, or the part that the two halves of a Local channel share. Each technology counts alone."""
        technology = technology_and_resource.partition("/")[0]
        number = self._names[technology] = self._names.get(technology, self._first - 1) + 1
        return f"{technology_and_resource}-{number:08x}"

    def uniqueid(self) -> str:
        """The next channel's id."""
        number, self._next = self._next, self._next + 1
        return f"{self._prefix}.{number}"

    def uuid(self) -> str:
        """An id for a bridge or a SIP call."""
        digits = f"{self._random.getrandbits(128):032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


class Owner(Protocol):
    """Whatever has a channel in hand: a dialplan application, a dialled leg that rings."""

    def release(self, channel: Channel) -> Callable[[], None] | None:
        """The channel is taken away. Returns what is to be done once it is gone (for the other side of the call)."""


class Half(Protocol):
    """What joins the two halves of a Local channel, told of what befalls one of them."""

    def ringing(self) -> None:
        """What the second half called rings."""

    def up(self, channel: Channel) -> None:
        """This half is answered."""

    def gone(self, channel: Channel) -> None:
        """This half is hung up."""


@dataclass(eq=False)
class Bridge:
    """Some channels that hear each other."""

    uniqueid: str
    kind: str = "basic"
    technology: str = "simple_bridge"
    creator: str = "<unknown>"
    name: str = "<unknown>"
    told: bool = False
    channels: list[Channel] = field(default_factory=list)

    def headers(self) -> Message:
        """As every bridge event shows it."""
        return [
            ("BridgeUniqueid", self.uniqueid),
            ("BridgeType", self.kind),
            ("BridgeTechnology", self.technology),
            ("BridgeCreator", self.creator),
            ("BridgeName", self.name),
            ("BridgeNumChannels", str(len(self.channels))),
            ("BridgeVideoSourceMode", "none"),
        ]


@dataclass(eq=False)
class Channel:
    """One leg of a call. `started` is in seconds since the epoch."""

    name: str
    uniqueid: str
    linkedid: str
    number: str  # of the endpoint that it belongs to; none for a Local channel
    caller: Party
    numbering: Numbering
    started: float
    state: State = State.DOWN
    connected: Party = Party()
    context: str = "from-internal"
    exten: str = "s"
    priority: int = 1
    dnid: str = ""
    application: str = ""
    data: str = ""
    in_dialplan: bool = False
    cause: int = 0
    tech_cause: int | None = None
    gone: bool = False
    sip_call_id: str = ""
    bridge: Bridge | None = None
    owner: Owner | None = None
    half: Half | None = None
    muted: set[str] = field(default_factory=set)
    variables: dict[str, str] = field(default_factory=dict)

    def variable(self, name: str) -> str:
        """The value of a variable, one that is handed down included; empty when it is not set."""
        found = (self.variables[key] for key in (name, f"_{name}", f"__{name}") if key in self.variables)
        return next(found, "")

    def headers(self, prefix: str = "") -> Message:
        """As every channel event shows it; `prefix` for a second channel in one event (Dest, Parkee)."""
        plain = [
            ("Channel", self.name),
            ("ChannelState", str(int(self.state))),
            ("ChannelStateDesc", self.state.words),
            *self.caller.headers("CallerID"),
            *self.connected.headers("ConnectedLine"),
            ("Language", "en"),
            ("AccountCode", ""),
            ("Context", self.context),
            ("Exten", self.exten),
            ("Priority", str(self.priority)),
            ("Uniqueid", self.uniqueid),
            ("Linkedid", self.linkedid),
        ]
        return [(prefix + name, value) for name, value in plain] if prefix else plain
