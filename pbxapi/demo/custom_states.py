"""Custom device states and presence states: set by function, told when they change, and kept in AstDB.

As funcs/func_devstate.c and funcs/func_presencestate.c do it.
"""

from __future__ import annotations

from collections.abc import Callable

from pbxapi.demo.bus import Bus
from pbxapi.demo.database import Database

DEVICE_STATES = frozenset(
    "UNKNOWN NOT_INUSE INUSE BUSY INVALID UNAVAILABLE RINGING RINGINUSE ONHOLD".split()  # noqa: SIM905
)
PRESENCES = frozenset("not_set unavailable available away xa chat dnd".split())  # noqa: SIM905


class CustomStates:
    """`Custom:NAME` and `CustomPresence:NAME`. What was told last is remembered beside the entry in AstDB."""

    def __init__(self, database: Database, bus: Bus) -> None:
        self._database = database
        self._bus = bus
        self._told: dict[str, str] = {}
        self.on_change: Callable[[str], None] = lambda name: None

    def device(self, name: str) -> str:
        """A device's state. One whose entry was deleted keeps the state it had."""
        return self._told.get(name) or (self._database.get("CustomDevstate", name) or "UNKNOWN").upper()

    def set_device(self, name: str, value: str) -> bool:
        """Set a device's state and tell it if it is another; False, and nothing is done, when there is no such state.

        The entry holds what was written, in its own case.
        """
        state = value.upper()
        if not name or state not in DEVICE_STATES:
            return False
        changed = self.device(name) != state
        self._database.put("CustomDevstate", name, value)
        self._told[name] = state
        if changed:
            self._bus.tell("DeviceStateChange", "call", [("Device", f"Custom:{name}"), ("State", state)])
            self.on_change(name)
        return True

    def presence(self, name: str, field: str) -> str:
        """A part of a presence: `value`, `subtype` or `message`; empty for any other."""
        parts = (self._database.get("CustomPresence", name) or "not_set").split(",", 2)
        return dict(zip(("value", "subtype", "message"), [*parts, "", ""], strict=False)).get(field, "")

    def set_presence(self, name: str, text: str) -> bool:
        """Set a presence from `value,subtype,message` and tell it; False when there is no such value."""
        if not name or text.partition(",")[0] not in PRESENCES:
            return False
        self._database.put("CustomPresence", name, text)
        shown = [
            (header, self.presence(name, field))
            for header, field in (("Status", "value"), ("Subtype", "subtype"), ("Message", "message"))
        ]
        self._bus.tell("PresenceStateChange", "call", [("Presentity", f"CustomPresence:{name}"), *shown])
        return True
