"""What a running Asterisk has of phones, and where it keeps their contacts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from pbxapi.ami import AmiRefused, Client, Message
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.dialect import PJSIP, Dialect
from pbxapi.pbx.plan import KeyChange

FEW = 20
"""Up to so many numbers are asked for one by one: 1 to 5 ms each, where a list of 1,000 takes 20 to 500."""

TIMEOUT = 15.0


class Running(Protocol):
    """Everything raises AmiError."""

    def has(self, numbers: Collection[str]) -> set[str]:
        """Those of the numbers that are phones already."""
        ...

    def lacking(self, numbers: Collection[str]) -> dict[str, str]:
        """Those that are not as they ought to be, and what is wrong, in words for a caller."""
        ...

    def values(self, number: str) -> dict[str, str] | None:
        """Options that it runs with, by our name for them; None when it is not there."""
        ...

    def contacts(self, numbers: Collection[str]) -> list[KeyChange]:
        """What lets go of the registered contacts: a new owner of the number would get the calls of the old."""
        ...


def running(dialect: Dialect, ami: Client, astdb: AstDb) -> Running:
    """Of one channel driver."""
    return RunningPjsip(ami, astdb) if dialect.technology == "pjsip" else RunningSip(ami, astdb)


class RunningPjsip:
    """chan_pjsip."""

    def __init__(self, ami: Client, astdb: AstDb) -> None:
        self._ami = ami
        self._astdb = astdb

    def has(self, numbers: Collection[str]) -> set[str]:
        """See Running."""
        if len(numbers) <= FEW:
            return {number for number in numbers if self._show(number)}
        return self._names("PJSIPShowEndpoints", "EndpointListComplete") & set(numbers)

    def lacking(self, numbers: Collection[str]) -> dict[str, str]:
        """See Running."""
        if len(numbers) > FEW:
            endpoints = self._names("PJSIPShowEndpoints", "EndpointListComplete")
            auths = self._names("PJSIPShowAuths", "AuthListComplete")
            aors = self._names("PJSIPShowAors", "AorListComplete")
            parts = {each: (each in endpoints, each in auths, each in aors) for each in numbers}
        else:
            parts = {}
            for number in numbers:
                kinds = {event.event for event in self._show(number)}
                parts[number] = "EndpointDetail" in kinds, "AuthDetail" in kinds, "AorDetail" in kinds
        found = {}
        for number, there in parts.items():
            missing = [kind for kind, is_there in zip(PJSIP.kinds, there, strict=True) if not is_there]
            if missing:
                found[number] = f"no {' and no '.join(missing)}"
        return found

    def values(self, number: str) -> dict[str, str] | None:
        """See Running."""
        events = {event.event: event for event in self._show(number)}
        endpoint, auth, aor = (events.get(f"{kind}Detail") for kind in ("Endpoint", "Auth", "Aor"))
        if endpoint is None:
            return None
        found = {"context": endpoint.get("Context"), "callerid": endpoint.get("Callerid"),
                 "mailboxes": endpoint.get("Mailboxes"), "accountcode": endpoint.get("Accountcode")}  # fmt: skip
        found |= {"password": auth.get("Password"), "username": auth.get("Username")} if auth else {}
        return found | ({"max_contacts": aor.get("MaxContacts")} if aor else {})

    def contacts(self, numbers: Collection[str]) -> list[KeyChange]:
        """See Running. Entries of AstDB are `contact/<aor>;@<hash>` (res_sorcery_astdb, res_pjsip_registrar)."""
        wanted = set(numbers)
        tree = self._astdb.tree("registrar", "contact")
        return [
            KeyChange("registrar", key, value, None)
            for key, value in tree.items()
            if key.removeprefix("contact/").partition(";@")[0] in wanted
        ]

    def _show(self, number: str) -> Sequence[Message]:
        try:
            fields = [("Endpoint", number)]
            return self._ami.request("PJSIPShowEndpoint", fields, until="EndpointDetailComplete").events
        except AmiRefused as error:
            if error.words.startswith("Unable to retrieve endpoint"):
                return []
            raise

    def _names(self, action: str, end: str) -> set[str]:
        try:
            return {each["ObjectName"] for each in self._ami.request(action, until=end, timeout=TIMEOUT).events}
        except AmiRefused as error:
            if error.words.startswith("No "):
                return set()
            raise


class RunningSip:
    """chan_sip."""

    def __init__(self, ami: Client, astdb: AstDb) -> None:
        self._ami = ami
        self._astdb = astdb

    def has(self, numbers: Collection[str]) -> set[str]:
        """See Running."""
        if len(numbers) <= FEW:
            return {number for number in numbers if self._show(number)}
        reply = self._ami.request("SIPpeers", until="PeerlistComplete", timeout=TIMEOUT)
        return {event["ObjectName"].partition("/")[0] for event in reply.events} & set(numbers)

    def lacking(self, numbers: Collection[str]) -> dict[str, str]:
        """See Running."""
        there = self.has(numbers)
        return {number: "no peer" for number in numbers if number not in there}

    def values(self, number: str) -> dict[str, str] | None:
        """See Running. chan_sip does not tell secrets."""
        shown = self._show(number)
        return {"context": shown.get("Context"), "callerid": shown.get("Callerid")} if shown else None

    def contacts(self, numbers: Collection[str]) -> list[KeyChange]:
        """See Running."""
        held = self._astdb.tree("SIP", "Registry")
        wanted = {f"Registry/{number}" for number in numbers}
        return [KeyChange("SIP", key, value, None) for key, value in held.items() if key in wanted]

    def _show(self, number: str) -> Message | None:
        try:
            return self._ami.request("SIPshowpeer", [("Peer", number)]).response
        except AmiRefused as error:
            if "not found" in error.words:
                return None
            raise
