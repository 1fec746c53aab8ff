"""Device states and the hints that follow them."""

from __future__ import annotations

from pbxapi.demo.bus import Bus
from pbxapi.demo.channels import State
from pbxapi.demo.phones import Phone
from pbxapi.demo.switch import Switch

# State of a device: (as PJSIPShowEndpoints says it, Status of ExtensionState, its StatusText, Status of a queue member)
STATES = {
    "NOT_INUSE": ("Not in use", 0, "Idle", 1),
    "INUSE": ("In use", 1, "InUse", 2),
    "UNAVAILABLE": ("Unavailable", 4, "Unavailable", 5),
    "RINGING": ("Ringing", 8, "Ringing", 6),
    "RINGINUSE": ("Ring+Inuse", 9, "InUse&Ringing", 7),
}


class Devices:
    """What each phone is doing, told when it changes."""

    def __init__(self, switch: Switch, bus: Bus, phones: dict[str, Phone]) -> None:
        self._switch = switch
        self._bus = bus
        self._phones = phones
        self._told = {number: self.state(number) for number in phones}

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

    def extension(self, number: str) -> list[tuple[str, str]]:
        """The state of a number's hint, as ExtensionStatus shows it."""
        _, status, text, _ = STATES[self.state(number)]
        return [
            ("Exten", number),
            ("Context", "from-internal"),
            ("Hint", f"PJSIP/{number}"),
            ("Status", str(status)),
            ("StatusText", text),
        ]
