"""Device states and the hints that follow them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pbxapi.demo.bus import Bus
from pbxapi.demo.channels import State
from pbxapi.demo.phones import Phone
from pbxapi.demo.switch import Switch

# State of a device: (as PJSIPShowEndpoints says it, Status of ExtensionState, its StatusText, Status of a queue member)
STATES = {
    "UNKNOWN": ("Unknown", 4, "Unavailable", 0),
    "NOT_INUSE": ("Not in use", 0, "Idle", 1),
    "INUSE": ("In use", 1, "InUse", 2),
    "BUSY": ("Busy", 2, "Busy", 3),
    "INVALID": ("Invalid", 4, "Unavailable", 4),
    "UNAVAILABLE": ("Unavailable", 4, "Unavailable", 5),
    "RINGING": ("Ringing", 8, "Ringing", 6),
    "RINGINUSE": ("Ring+Inuse", 9, "InUse&Ringing", 7),
    "ONHOLD": ("On Hold", 16, "Hold", 8),
}
# Of several devices that a hint names, main/devicestate.c lets the last of these win.
_ORDER = ("INVALID", "UNKNOWN", "UNAVAILABLE", "NOT_INUSE", "ONHOLD", "RINGING", "INUSE", "BUSY", "RINGINUSE")


def together(states: Iterable[str]) -> str:
    """The state of several devices as one."""
    found = set(states)
    if "RINGING" in found and found & {"INUSE", "ONHOLD", "BUSY"}:
        return "RINGINUSE"
    return max(found, key=_ORDER.index, default="INVALID")


class Devices:
    """What each phone is doing, told when it changes. `custom` gives the state of a custom device by its name."""

    def __init__(self, switch: Switch, bus: Bus, phones: dict[str, Phone], custom: Callable[[str], str]) -> None:
        self._switch = switch
        self._bus = bus
        self._phones = phones
        self._custom = custom
        self._told = {number: self.state(number) for number in phones}

    def follow(self, number: str) -> None:
        """A new phone is there: from now on its changes are told."""
        self._told.setdefault(number, self.state(number))

    def forget(self, number: str) -> None:
        """A phone is gone for good."""
        self._told.pop(number, None)

    def state(self, number: str) -> str:
        """The device state of PJSIP/number, in DEVICE_STATE's words."""
        phone = self._phones.get(number)
        if phone is None:
            return "INVALID"
        if not phone.registered:
            return "UNAVAILABLE"
        states = {channel.state for channel in self._switch.of_number(number)} - {State.DOWN}
        if not states:
            return "NOT_INUSE"
        if State.RINGING not in states:
            return "INUSE"
        return "RINGING" if states == {State.RINGING} else "RINGINUSE"

    def changed(self, number: str) -> bool:
        """Tell the state of a phone if it is another than before."""
        state = self.state(number)
        if number not in self._told or self._told[number] == state:
            return False
        self._told[number] = state
        self._bus.tell("DeviceStateChange", "call", [("Device", f"PJSIP/{number}"), ("State", state)])
        self._bus.tell("ExtensionStatus", "call", self.extension(number))
        return True

    def named(self, device: str) -> str:
        """The state of `PJSIP/N`, of `Custom:NAME`, or of the hint of `hint:N@context`."""
        if not device.startswith("hint:"):
            return self._state_of(device)
        phone = self._phones.get(device.removeprefix("hint:").partition("@")[0])
        return self._of_hint(phone) if phone else "INVALID"

    def custom_changed(self, name: str) -> list[str]:
        """A custom device's state is another: tell it for the hints that name it, and give their numbers."""
        numbers = [phone.number for phone in self._phones.values() if f"Custom:{name}" in _parts(phone)]
        for number in numbers:
            self._bus.tell("ExtensionStatus", "call", self.extension(number))
        return numbers

    def extension(self, number: str) -> list[tuple[str, str]]:
        """The state of a number's hint, as ExtensionStatus shows it."""
        phone = self._phones[number]
        _, status, text, _ = STATES[self._of_hint(phone)]
        return [
            ("Exten", number),
            ("Context", "from-internal"),
            ("Hint", phone.hint or phone.device),
            ("Status", str(status)),
            ("StatusText", text),
        ]

    def _of_hint(self, phone: Phone) -> str:
        return together(self._state_of(device) for device in _parts(phone))

    def _state_of(self, device: str) -> str:
        kind, _, name = device.partition(":")
        if kind == "Custom":
            return self._custom(name)
        technology, _, number = device.partition("/")
        return self.state(number) if technology.upper() == "PJSIP" else "INVALID"


def _parts(phone: Phone) -> list[str]:
    """The devices of a phone's hint; what follows its comma is a presence."""
    return (phone.hint or phone.device).partition(",")[0].split("&")
