"""Phones that come and go."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from pbxapi.demo.bus import Bus
from pbxapi.demo.database import Database
from pbxapi.demo.phones import Phone


class Registrar:
    """Puts a phone's contact there or takes it away, and tells so."""

    def __init__(
        self, bus: Bus, phones: dict[str, Phone], database: Database, on_device_change: Callable[[str], None]
    ) -> None:
        self._bus = bus
        self._phones = phones
        self._database = database
        self._on_device_change = on_device_change

    def register(self, number: str) -> None:
        """The phone has registered; a contact that is qualified answers at once."""
        phone = self._set(number, registered=True)
        self.keep(phone)
        self._tell_contact(phone, "NonQualified", 0)
        self._tell_peer(phone, "Reachable")
        if phone.latency_us is not None:
            self._tell_contact(phone, "Reachable", phone.latency_us)

    def keep(self, phone: Phone) -> None:
        """Remember its contact in AstDB, where res_pjsip_registrar keeps it."""
        contact = {"uri": phone.uri, "endpoint": phone.number, "user_agent": phone.user_agent}
        self._database.put("registrar", f"contact/{phone.contact_id}", json.dumps(contact))

    def unregister(self, number: str) -> None:
        """The phone has taken its contact back."""
        phone = self._set(number, registered=False)
        self._database.delete("registrar", f"contact/{phone.contact_id}")
        self._tell_peer(phone, "Unreachable")
        self._tell_contact(phone, "Removed", 0)

    def _set(self, number: str, *, registered: bool) -> Phone:
        phone = self._phones[number] = replace(self._phones[number], registered=registered)
        return phone

    def _tell_peer(self, phone: Phone, status: str) -> None:
        headers = [("ChannelType", "PJSIP"), ("Peer", phone.device), ("PeerStatus", status)]
        self._bus.tell("PeerStatus", "system", headers)
        self._on_device_change(phone.number)

    def _tell_contact(self, phone: Phone, status: str, latency_us: int) -> None:
        headers = [
            ("URI", phone.uri),
            ("ContactStatus", status),
            ("AOR", phone.number),
            ("EndpointName", phone.number),
            ("RoundtripUsec", str(latency_us)),
        ]
        self._bus.tell("ContactStatus", "system", headers)
