"""What the demo's FreePBX makes of its database when it applies: phones, ring groups, queues, and pjsip.conf."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pbxapi.demo.platform_queues import ConfiguredQueue, read_queues

CODECS = "ulaw,alaw,gsm,g726,g722"
"""Of phones that have none of their own (FreePBX, Asterisk SIP Settings)."""

# Keywords of a device, and the options of its endpoint that they become.
_OPTIONS = {
    "context": "context", "dtmfmode": "dtmf_mode", "namedcallgroup": "named_call_group",
    "namedpickupgroup": "named_pickup_group", "accountcode": "accountcode", "transport": "transport",
    "webrtc": "webrtc", "media_encryption": "media_encryption", "rtp_symmetric": "rtp_symmetric",
    "force_rport": "force_rport", "rewrite_contact": "rewrite_contact", "direct_media": "direct_media",
}  # fmt: skip
TRANSPORTS = {"transport-udp": "udp", "transport-tcp": "tcp", "transport-wss": "wss"}


@dataclass(frozen=True)
class Extension:
    """A device of PJSIP with its user: `settings` are its rows of the table `sip` by keyword."""

    number: str
    name: str
    settings: Mapping[str, str]

    @property
    def codecs(self) -> Sequence[str]:
        """In their order."""
        given = self.settings.get("allow") or CODECS
        return [one for one in given.replace("&", ",").split(",") if one]

    @property
    def endpoint(self) -> Mapping[str, str]:
        """The options of its endpoint, those that are empty left out."""
        options = {option: self.settings.get(keyword, "") for keyword, option in _OPTIONS.items()}
        return {
            "aors": self.number, "auth": f"{self.number}-auth", "callerid": f"{self.name} <{self.number}>",
            "allow": ",".join(self.codecs), "mailboxes": self.settings.get("mailbox", ""), **options,
        }  # fmt: skip


@dataclass(frozen=True)
class Configured:
    """What Asterisk is to run. `groups` are ring groups: members, and seconds."""

    extensions: Mapping[str, Extension]
    groups: Mapping[str, tuple[Sequence[str], str]]
    queues: Mapping[str, ConfiguredQueue]


def read_platform(database: Path) -> Configured:
    """Read it. Raises sqlite3.Error."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        groups = connection.execute("SELECT grpnum, grplist, grptime FROM ringgroups").fetchall()
        return Configured(
            {each.number: each for each in _extensions(connection)},
            {number: ([one for one in text.split("-") if one], str(time)) for number, text, time in groups},
            read_queues(connection),
        )


def _extensions(connection: sqlite3.Connection) -> Iterator[Extension]:
    """Those that become an endpoint: a user, a device, and the settings without which FreePBX generates nothing."""
    settings: dict[str, dict[str, str]] = {}
    for number, keyword, data in connection.execute("SELECT id, keyword, data FROM sip"):
        settings.setdefault(number, {})[keyword] = data
    devices = "SELECT id, name FROM devices JOIN users ON extension = user WHERE tech = 'pjsip' ORDER BY length(id), id"
    for number, name in connection.execute(devices):
        own = settings.get(number, {})
        if own.get("account") and own.get("sipdriver") == "chan_pjsip":
            yield Extension(number, name, own)


def pjsip_conf(configured: Configured) -> str:
    """The configuration file, sections as FreePBX names them."""
    sections = [_section(name, "transport", {"protocol": protocol}) for name, protocol in TRANSPORTS.items()]
    for number, one in configured.extensions.items():
        secret = {"auth_type": "userpass", "username": number, "password": one.settings.get("secret", "")}
        sections.append(_section(number, "endpoint", one.endpoint))
        sections.append(_section(f"{number}-auth", "auth", secret))
        sections.append(_section(number, "aor", {"max_contacts": one.settings.get("max_contacts", "1")}))
    return "\n".join(sections)


def _section(name: str, kind: str, options: Mapping[str, str]) -> str:
    lines = [f"{option}={value}" for option, value in options.items() if value]
    return "\n".join([f"[{name}]", f"type={kind}", *lines, ""])


def applied(database: Path) -> None:
    """Note that nothing waits to be applied any more. Raises sqlite3.Error."""
    with contextlib.closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("UPDATE admin SET value = 'false' WHERE variable = 'need_reload'")
