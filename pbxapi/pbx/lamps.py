"""Custom device states by which lamps of phones tell of follow-me, do not disturb and forwards."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.stored import Stored

BUSY, NOT_INUSE, UNAVAILABLE = "BUSY", "NOT_INUSE", "UNAVAILABLE"

SETTING = "USEDEVSTATE"
"""The platform's: whether it sets such states. On FreePBX it has been fixed on since 12."""


def devices_of(stored: Stored) -> tuple[str, ...]:
    """The devices of an extension: its own, unless the platform keeps users and devices apart."""
    found = stored.key("AMPUSER", "device") or stored.number
    return tuple(device for device in found.split("&") if device)


def with_states(astdb: AstDb, stored: Stored, devices: Iterable[str]) -> Stored:
    """The same with what these (`Custom:DND200`) were last set to. Raises AmiError."""
    found = {device: astdb.state(device) for device in devices}
    return replace(stored, states={**stored.states, **{name: state for name, state in found.items() if state}})
