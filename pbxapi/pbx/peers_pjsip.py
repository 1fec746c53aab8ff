"""PJSIP's endpoints as peers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from pbxapi.ami import AmiDenied, AmiRefused, Client, Message, Pending
from pbxapi.errors import NotFound
from pbxapi.pbx.interfaces import Contact, Peer, PeerDetail, Registration

CONTACT_STATES = {
    "Reachable": "online", "Avail": "online", "Unreachable": "offline", "Unavail": "offline", "Removed": "offline",
    "NonQualified": "unmonitored", "Created": "unmonitored", "Unknown": "unknown",
}  # fmt: skip
"""contact_statuses of res_pjsip/pjsip_options.c; Avail and Unavail are the older spelling."""


@lru_cache(maxsize=64)
def device_state(words: str) -> str:
    """Asterisk's spelling for people ("Not in use", "Ring+Inuse") as one word: not_inuse, ringinuse, unavailable."""
    word = words.lower()
    return "not_inuse" if word == "not in use" else word.replace(" ", "").replace("+", "") or "unknown"


def _latency(microseconds: str) -> float | None:
    return round(int(microseconds) / 1000, 3) if microseconds.isdigit() and microseconds != "0" else None


def _expiry(seconds: str) -> datetime | None:
    return datetime.fromtimestamp(int(seconds), UTC) if seconds.isdigit() and seconds != "0" else None


def _address(host: str, port: str) -> str | None:
    if not host:
        return None
    host = f"[{host}]" if ":" in host else host
    return f"{host}:{port}" if port not in {"", "0"} else host


def listed_contact(message: Message) -> Contact:
    """A contact from an event of PJSIPShowContacts."""
    return Contact(
        message["Uri"],
        _address(message.get("ViaAddr"), message.get("ViaPort")),
        message.get("UserAgent") or None,
        CONTACT_STATES.get(message.get("Status"), "unknown"),
        _latency(message.get("RoundtripUsec")),
        _expiry(message.get("ExpirationTime")),
    )


def detailed_contact(message: Message) -> Contact:
    """A contact from a ContactStatusDetail, which spells its headers in its own way."""
    return Contact(
        uri=message["URI"],
        address=message.get("ViaAddress") or None,
        user_agent=message.get("UserAgent") or None,
        state=CONTACT_STATES.get(message.get("Status"), "unknown"),
        latency_ms=_latency(message.get("RoundtripUsec")),
        expires_at=_expiry(message.get("RegExpire")),
    )


def peer_state(contacts: Iterable[Contact], device: str) -> str:
    """The best of the contacts' states; an endpoint with no contact is offline, whoever it may still call."""
    states = {contact.state for contact in contacts}
    for state in ("online", "unmonitored", "offline", "unknown"):
        if state in states:
            return state
    return "unknown" if device == "unknown" else "offline"


def make_peer(endpoint: Message, contacts: Mapping[str, list[Contact]]) -> Peer:
    """A peer from an EndpointList event and from the contacts by AOR.

    Permanent contacts (a trunk's) are in the event's own list only, as "aor/uri," each.
    """
    found = [contact for aor in endpoint.get("Aor").split(",") for contact in contacts.get(aor.strip(), ())]
    device = device_state(endpoint.get("DeviceState"))
    known = [contact.uri for contact in found]
    for listed in filter(None, endpoint.get("Contacts").split(",")):
        uri = listed.partition("/")[2]
        if uri not in known:
            found.append(Contact(uri, None, None, "offline" if device == "unavailable" else "unmonitored", None, None))
    first = found[0] if found else _NO_CONTACT
    active = endpoint.get("ActiveChannels")
    return Peer(
        endpoint["ObjectName"],
        "pjsip",
        first.state if len(found) == 1 else peer_state(found, device),
        device,
        first.address,
        first.user_agent,
        first.latency_ms if len(found) < 2 else next((c.latency_ms for c in found if c.latency_ms is not None), None),
        int(active) if active.isdigit() else None,
        tuple(found),
    )


_NO_CONTACT = Contact("", None, None, "offline", None, None)


def _found(pending: Pending) -> tuple[Message, ...]:
    """The events of a list; "No endpoints found" and "No Contacts found" are how PJSIP answers with an empty one."""
    try:
        return pending.result().events
    except AmiRefused as error:
        if not error.words.lower().startswith("no "):
            raise
        return ()


class PjsipPeers:
    """Endpoints over PJSIPShowEndpoints and PJSIPShowContacts (class system), both asked at once."""

    technology = "pjsip"

    def __init__(self, ami: Client) -> None:
        self._ami = ami

    def start(self) -> list[Pending]:
        """Send the questions for `finish`. Raises AmiError."""
        return [
            # This first, so that it is read while Asterisk writes the other.
            self._ami.start("PJSIPShowContacts", until="ContactListComplete"),
            self._ami.start("PJSIPShowEndpoints", until="EndpointListComplete"),
        ]

    def finish(self, pending: list[Pending]) -> list[Peer]:
        """Every endpoint. Raises AmiUnknownAction when PJSIP is not loaded, AmiDenied without the class."""
        contacts: dict[str, list[Contact]] = {}
        for message in _found(pending[0]):
            aor = message["ObjectName"].partition(";@")[0].partition("@@")[0]
            contacts.setdefault(aor, []).append(listed_contact(message))
        return [make_peer(endpoint, contacts) for endpoint in _found(pending[1])]

    def rows(self) -> list[Message]:
        """The EndpointList events as they came."""
        return list(_found(self._ami.start("PJSIPShowEndpoints", until="EndpointListComplete")))

    def get(self, name: str, listed: Peer) -> PeerDetail:
        """One endpoint. Raises NotFound. The AuthDetail in the answer holds the password: it is not looked at."""
        try:
            reply = self._ami.request("PJSIPShowEndpoint", [("Endpoint", name)], until="EndpointDetailComplete")
        except AmiDenied:
            raise
        except AmiRefused as error:
            raise NotFound("No such peer") from error
        parts: dict[str, list[Message]] = {}
        for message in reply.events:
            parts.setdefault(message.event, []).append(message)
        endpoint = parts["EndpointDetail"][0]
        contacts = tuple(detailed_contact(m) for m in parts.get("ContactStatusDetail", ())) or listed.contacts
        return PeerDetail(
            name=listed.name,
            technology=listed.technology,
            state=peer_state(contacts, listed.device_state),
            device_state=listed.device_state,
            address=contacts[0].address if contacts else None,
            user_agent=contacts[0].user_agent if contacts else None,
            latency_ms=next((c.latency_ms for c in contacts if c.latency_ms is not None), None),
            active_channels=listed.active_channels,
            contacts=contacts,
            context=endpoint.get("Context") or None,
            caller_id=endpoint.get("Callerid") or None,
            transport=endpoint.get("Transport") or None,
            codecs=tuple(filter(None, endpoint.get("Allow").strip("()").split("|"))),
            call_group=endpoint.get("CallGroup") or None,
            pickup_group=endpoint.get("PickupGroup") or None,
            mailboxes=tuple(filter(None, endpoint.get("Mailboxes").split(","))),
            registrations=self._registrations(name, endpoint.get("OutboundAuth")),
        )

    def _registrations(self, name: str, outbound_auth: str) -> tuple[Registration, ...]:
        """Those of a trunk: bound to it by `endpoint=` (line), or because they log in with the same auth."""
        if not outbound_auth:
            return ()
        try:
            reply = self._ami.request("PJSIPShowRegistrationsOutbound", until="OutboundRegistrationDetailComplete")
        except AmiRefused:
            return ()
        return tuple(
            Registration(m["ObjectName"], m.get("ServerUri"), m.get("ClientUri") or None, m.get("Status"))
            for m in reply.events
            if m.event == "OutboundRegistrationDetail"
            and (m.get("Endpoint") == name or m.get("OutboundAuth") == outbound_auth)
        )
