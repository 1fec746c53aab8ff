"""chan_sip's and chan_iax2's peers. Both answer with PeerEntry events of nearly the same headers."""

from __future__ import annotations

import re

from pbxapi.ami import AmiDenied, AmiRefused, Client, Message, Pending
from pbxapi.errors import NotFound
from pbxapi.pbx.interfaces import Contact, Peer, PeerDetail, Registration

LATENCY = re.compile(r"\((\d+) ms\)")


def entry_state(status: str, address: str | None) -> str:
    """From the column Status of `sip show peers`: "OK (8 ms)", "LAGGED (..)", UNREACHABLE, UNKNOWN, Unmonitored."""
    if status.startswith(("OK", "LAGGED")):
        return "online"
    if status.startswith("Unmonitored"):
        return "unmonitored" if address else "offline"
    return "offline" if status.startswith("UNREACHABLE") or not address else "unknown"


def make_peer(entry: Message, technology: str) -> Peer:
    """A peer from a PeerEntry event. What a list of chan_sip or chan_iax2 does not tell is None."""
    host, port, status = entry.get("IPaddress"), entry.get("IPport"), entry.get("Status")
    address = None if host in {"", "-none-", "(null)", "(Unspecified)"} else f"{host}:{port}"
    latency = LATENCY.search(status)
    state = entry_state(status, address)
    latency_ms = float(latency[1]) if latency else None
    # IAX names a peer that is also a user "name/username".
    name = entry["ObjectName"].partition("/")[0]
    uri = f"{'sip' if technology == 'sip' else 'iax2'}:{name}@{address}"
    contacts = (Contact(uri, address, None, state, latency_ms, None),) if address else ()
    return Peer(name, technology, state, "unknown", address, None, latency_ms, None, contacts)


class EntryPeers:
    """The peers of one of the two stacks."""

    def __init__(self, ami: Client, technology: str) -> None:
        self._ami = ami
        self.technology = technology
        self._list = "SIPpeers" if technology == "sip" else "IAXpeerlist"

    def start(self) -> list[Pending]:
        """Send the question for `finish`. Raises AmiError."""
        return [self._ami.start(self._list, until="PeerlistComplete")]

    def finish(self, pending: list[Pending]) -> list[Peer]:
        """Every peer. Raises AmiUnknownAction when the stack is not loaded."""
        return [make_peer(m, self.technology) for m in pending[0].result().events if m.event == "PeerEntry"]

    def rows(self) -> list[Message]:
        """The PeerEntry events as they came."""
        return [m for m in self._ami.request(self._list, until="PeerlistComplete").events if m.event == "PeerEntry"]

    def get(self, name: str, listed: Peer) -> PeerDetail:
        """One peer. Raises NotFound. IAX has no question for one peer: its list has to do."""
        detail = self._show(name) if self.technology == "sip" else None
        agent = detail.get("SIP-Useragent") or None if detail else None
        uri = detail.get("Reg-Contact") if detail else ""
        contacts = tuple(
            Contact(uri or c.uri, c.address, agent, c.state, c.latency_ms, c.expires_at) for c in listed.contacts
        )
        mailbox = detail.get("VoiceMailbox") if detail else ""
        return PeerDetail(
            name=listed.name,
            technology=listed.technology,
            state=listed.state,
            device_state=listed.device_state,
            address=listed.address,
            user_agent=agent,
            latency_ms=listed.latency_ms,
            active_channels=listed.active_channels,
            contacts=contacts,
            context=(detail.get("Context") or None) if detail else None,
            caller_id=(detail.get("Callerid") or None) if detail else None,
            transport=None,
            codecs=tuple(filter(None, detail.get("Codecs").strip("()").split("|"))) if detail else (),
            call_group=(detail.get("Callgroup") or None) if detail else None,
            pickup_group=(detail.get("Pickupgroup") or None) if detail else None,
            mailboxes=tuple(filter(None, mailbox.split(","))),
            registrations=self._registrations(name),
        )

    def _show(self, name: str) -> Message:
        try:
            return self._ami.request("SIPshowpeer", [("Peer", name)]).response
        except AmiDenied:
            raise
        except AmiRefused as error:
            raise NotFound("No such peer") from error

    def _registrations(self, name: str) -> tuple[Registration, ...]:
        """Registrations whose user is this peer's name; chan_sip binds the two by nothing else."""
        if self.technology != "sip":
            return ()
        try:
            reply = self._ami.request("SIPshowregistry", until="RegistrationsComplete")
        except AmiRefused:
            return ()
        return tuple(
            Registration(f"{m.get('Username')}@{m.get('Host')}", m.get("Host"), m.get("Username"), m.get("State"))
            for m in reply.events
            if m.event == "RegistryEntry" and name in (m.get("Username"), m.get("Host"))
        )
