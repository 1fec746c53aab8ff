"""Devices and trunks over every stack that is loaded: PJSIP, chan_sip, IAX2."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace

from pbxapi.ami import AmiDenied, AmiRefused, AmiUnknownAction, Client
from pbxapi.errors import NotFound, NotSupported, Unavailable
from pbxapi.pbx.channels import AmiChannels
from pbxapi.pbx.interfaces import Headers, Peer, PeerDetail
from pbxapi.pbx.live import Shared, Snapshot
from pbxapi.pbx.peers_pjsip import PjsipPeers
from pbxapi.pbx.peers_sip import EntryPeers

STARTING = 60.0
"""Seconds for which a stack that was seen is missed before it is believed to have been unloaded."""

FEW = 50
"""Up to how many device states are asked for one by one."""

DEVICE = {"PJSIP": "pjsip", "SIP": "sip", "IAX2": "iax2"}


class AmiPeers:
    """Peers of all stacks, asked in one go; a stack that is not loaded is skipped.

    PJSIP's lists need the class `system`. A manager user without it still sees who is there and in what state, from
    DeviceStateList (call or reporting), with no contact.
    """

    def __init__(self, ami: Client, channels: AmiChannels, *, ttl: float) -> None:
        self._ami = ami
        self._channels = channels
        self._stacks = (PjsipPeers(ami), EntryPeers(ami, "sip"), EntryPeers(ami, "iax2"))
        self._seen_at: dict[str, float] = {}
        self._live: Shared[tuple[Peer, ...]] = Shared(self._fetch, ttl=ttl)

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[Peer, ...]]:
        """Every peer, by technology and name."""
        return self._live.get(fresh=fresh)

    def _fetch(self) -> tuple[Peer, ...]:
        pending = [(stack, stack.start()) for stack in self._stacks]
        peers: list[Peer] = []
        denied: set[str] = set()
        for stack, questions in pending:
            try:
                peers += stack.finish(questions)
                self._seen_at[stack.technology] = time.monotonic()
            except (AmiUnknownAction, AmiDenied) as error:
                self._check_gone(stack.technology, error)
                if isinstance(error, AmiDenied):
                    denied.add(stack.technology)
        unknown = [p for p in peers if p.device_state == "unknown"]
        devices = self._devices() if denied or len(unknown) > FEW else self._device_states(unknown)
        peers += [_from_device(*device, state) for device, state in devices.items() if device[0] in denied]
        return tuple(sorted(self._complete(peers, devices), key=lambda p: (p.technology, p.name)))

    def _check_gone(self, technology: str, error: AmiRefused) -> None:
        """Raise Unavailable when this stack was there a moment ago.

        For about a second after its manager listens, a starting Asterisk knows some actions not yet and denies others
        (seen on 16 and 22). An empty list would tell clients that every phone is gone.
        """
        seen_at = self._seen_at.get(technology)
        if seen_at is not None and time.monotonic() - seen_at < STARTING:
            raise Unavailable("The exchange is starting", part="ami") from error

    def _devices(self) -> dict[tuple[str, str], str]:
        """Device states by technology and name, as far as Asterisk keeps them."""
        devices = {}
        try:
            listed = self._ami.request("DeviceStateList", until="DeviceStateListComplete").events
        except AmiUnknownAction:  # of res_manager_devicestate, which not everybody loads
            return {}
        for message in listed:
            technology, _, name = message.get("Device").partition("/")
            if technology in DEVICE:
                devices[DEVICE[technology], name] = message.get("State").lower()
        return devices

    def _device_states(self, peers: list[Peer]) -> dict[tuple[str, str], str]:
        """The states of a few: a question for each costs less than the list of all."""
        asked = {}
        for peer in peers:
            function = f"DEVICE_STATE({peer.technology.upper()}/{peer.name})"
            asked[peer.technology, peer.name] = self._ami.start("Getvar", [("Variable", function)])
        try:
            return {device: pending.result().response.get("Value").lower() for device, pending in asked.items()}
        except AmiRefused:  # the manager user has neither call nor reporting
            return {}

    def _complete(self, peers: list[Peer], devices: dict[tuple[str, str], str]) -> list[Peer]:
        """Fill in what a stack's own list does not tell: the device's state, and how many channels it has."""
        if not any(map(_lacks, peers)):
            return peers
        busy = Counter(c.name.rpartition("-")[0] for c in self._channels.all().value)
        return [
            replace(
                peer,
                device_state=devices.get((peer.technology, peer.name), peer.device_state),
                active_channels=busy[f"{peer.technology.upper()}/{peer.name}"],
            )
            if _lacks(peer)
            else peer
            for peer in peers
        ]

    def get(self, name: str, technology: str | None = None) -> PeerDetail:
        """One peer with its details; where two stacks have the name, PJSIP's unless told. Raises NotFound."""
        listed = [p for p in self._live.get().value if p.name == name and technology in (None, p.technology)]
        if not listed:
            raise NotFound("No such peer")
        peer = min(listed, key=lambda p: [s.technology for s in self._stacks].index(p.technology))
        stack = next(s for s in self._stacks if s.technology == peer.technology)
        try:
            return stack.get(name, peer)
        except AmiDenied as error:
            raise NotSupported("The manager user may not ask for one endpoint: it needs write = system") from error

    def rows(self, technology: str) -> list[Headers]:
        """The list's own events for the old interface: EndpointList of pjsip, PeerEntry of sip; none if not loaded."""
        stack = next(s for s in self._stacks if s.technology == technology)
        try:
            return [[(k, v) for k, v in m.items() if k.lower() != "actionid"] for m in stack.rows()]
        except AmiUnknownAction:
            return []
        except AmiRefused as error:
            raise NotSupported(f"The manager user may not list {technology} peers: it needs write = system") from error


def _lacks(peer: Peer) -> bool:
    return peer.active_channels is None or peer.device_state == "unknown"


def _from_device(technology: str, name: str, state: str) -> Peer:
    online = "offline" if state in {"unavailable", "invalid"} else "unknown" if state == "unknown" else "online"
    return Peer(name, technology, online, state, None, None, None, None, ())
