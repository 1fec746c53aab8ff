"""What an extension's place in a queue is made of: interface, name, whose state counts, and lamps that tell of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Protocol

from pbxapi.errors import NotFound
from pbxapi.pbx import lamps
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.interfaces import Peers
from pbxapi.pbx.platform import PlatformLook
from pbxapi.pbx.text import EXTENSION

CONTEXT = "from-queue"
"""Through which FreePBX and Issabel call a member: its follow-me and voicemail are left out there."""

CALLER_ID = re.compile(r'"?([^"<]*?)"?\s*<[^>]*>\Z')


@dataclass(frozen=True, slots=True)
class Seat:
    """`devices` are those whose lamps `Custom:QUEUE<device>*<queue>` tell whether the agent is logged in."""

    interface: str
    name: str | None = None
    state_interface: str | None = None
    devices: tuple[str, ...] = ()

    def lamps(self, queue: str) -> tuple[str, ...]:
        """The custom states of one queue."""
        return tuple(f"Custom:QUEUE{device}*{queue}" for device in self.devices)


class Seats(Protocol):
    """Everything raises AmiError, and what the look at the platform raises."""

    contexts: frozenset[str]
    """Contexts that a Local channel of a member may name."""

    def of(self, extension: str) -> Seat:
        """Raises NotFound for one that is no extension."""
        ...


class PlatformSeats:
    """As the feature code *45 of FreePBX and Issabel does it (macro-toggle-add-agent, queue_devstate.agi)."""

    def __init__(self, look: PlatformLook, astdb: AstDb, contexts: frozenset[str]) -> None:
        self._look = look
        self._astdb = astdb
        self.contexts = contexts | {CONTEXT}

    def of(self, extension: str) -> Seat:
        """See Seats."""
        user = self._astdb.tree("AMPUSER", extension) if EXTENSION.match(extension) else {}
        if f"{extension}/cidnum" not in user and f"{extension}/device" not in user:
            raise NotFound(f"There is no extension {extension}")
        ignored = user.get(f"{extension}/queues/qnostate") == "ignorestate"
        told = self._look.now().on(lamps.SETTING)
        devices = user.get(f"{extension}/device") or extension
        return Seat(
            interface=f"Local/{extension}@{CONTEXT}/n",
            name=user.get(f"{extension}/cidname") or None,
            state_interface=None if ignored else f"hint:{extension}@ext-local",
            devices=tuple(device for device in devices.split("&") if device) if told else (),
        )


class PlainSeats:
    """On an Asterisk alone: the endpoint of that name, whose state is its own."""

    def __init__(self, peers: Peers, technology: str, contexts: frozenset[str]) -> None:
        self._peers = peers
        self._technology = technology
        self.contexts = contexts

    def of(self, extension: str) -> Seat:
        """See Seats."""
        try:
            peer = self._peers.get(extension, self._technology)
        except NotFound:
            raise NotFound(f"There is no {self._technology} endpoint {extension}") from None
        caller_id = CALLER_ID.match(peer.caller_id or "")
        return Seat(f"{self._technology.upper()}/{extension}", name=(caller_id[1] if caller_id else "") or None)
