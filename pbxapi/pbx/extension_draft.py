"""What an extension is to become: a state of the platform as `Stored` has it, in the making."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from pbxapi.errors import Invalid
from pbxapi.pbx.device_settings import DeviceSettings, expand
from pbxapi.pbx.extension_reader import DEVICE_TABLES
from pbxapi.pbx.extension_view import NO_MAILBOX, RECORDING
from pbxapi.pbx.plan import Value
from pbxapi.pbx.platform import Platform
from pbxapi.pbx.provisioning import Mailbox, RecordingPolicy, Values
from pbxapi.pbx.stored import MAPPINGS, Stored, mapping_place

WITH_SECRET = frozenset({"pjsip", "sip", "iax2"})
STALE_SECRET = "secret_origional"  # noqa: S105 (a keyword)


class Draft:
    """One extension to be: made new, or begun from what is stored; `stored()` gives what came out of it."""

    def __init__(self, number: str, platform: Platform, old: Stored | None = None) -> None:
        old = old or Stored(number)
        self.number = number
        self._platform = platform
        self._layout = platform.layout
        self.user: dict[str, Value] | None = dict(old.user) if old.user is not None else None
        self.device: dict[str, Value] | None = dict(old.device) if old.device is not None else None
        names = {**platform.settings, "number": number, "name": str((old.user or {}).get("name") or "")}
        self._settings = DeviceSettings(self.technology, platform.layout, names, old.settings, old.flags)
        self._table = old.table
        self._rows = dict(old.rows)
        self.keys = dict(old.keys)
        self._states = dict(old.states)
        self.box = old.box

    def stored(self) -> Stored:
        """As it is now."""
        return Stored(
            self.number, self.user, self.device, self._table, self.settings, self._settings.flags, self._rows,
            self.keys, self._states, self.box,
        )  # fmt: skip

    @property
    def technology(self) -> str:
        """Of its device; `virtual` when it has none."""
        return str(self.device["tech"]) if self.device is not None else "virtual"

    @property
    def settings(self) -> dict[str, str]:
        """Of its device, by keyword."""
        return self._settings.settings

    def put_setting(self, keyword: str, data: str) -> None:
        """Set one of them, whatever it is."""
        self._settings.put(keyword, data)

    def begin(self, technology: str, name: str) -> None:
        """Make all that a new extension has, each at its default."""
        device = self._layout.devices.get(technology)
        if device is None:
            words = {"technology": [f"{technology} cannot be made here."]}
            raise Invalid("This exchange has no such technology", words)
        made = secrets.token_hex(64)[: self._secret_size()]
        names = {**self._platform.settings, "number": self.number, "name": name, "secret": made, "tech": technology}
        names["dial"] = device.dial.format(number=self.number)
        self.user = self._row("users", self._layout.user_row, names)
        self.device = self._row("devices", self._layout.device_row, names)
        self._table = DEVICE_TABLES[technology]
        self._settings = DeviceSettings(technology, self._layout, names, {}, {})
        for keyword in device.flags:
            self._settings.put(keyword, self._settings.default(keyword))
        self._put_all("AMPUSER", self._layout.user_keys, names)
        self._put_all("DEVICE", self._layout.device_keys, names)
        if self._platform.on("ENABLECW"):
            self.keys["CW", self.number] = "ENABLED"
        if self._layout.presence:
            self._states[f"CustomPresence:{self.number}"] = "available,,"

    def _secret_size(self) -> int:
        """SIPSECRETSIZE, and no shorter than what nobody guesses."""
        given = self._platform.settings.get("SIPSECRETSIZE", "")
        return max(16, int(given)) if given.isdigit() else 32

    def _row(self, table: str, template: Mapping[str, str | int | None], names: Mapping[str, str]) -> dict[str, Value]:
        """Expand a row, without the columns that this version has not."""
        columns = self._platform.schema.tables[table].columns
        return {
            name: expand(value, names) if isinstance(value, str) else value
            for name, value in template.items()
            if name in columns and name not in {"extension", "id"}
        }

    def _put_all(self, family: str, templates: tuple[tuple[str, str], ...], names: Mapping[str, str]) -> None:
        for key, value in templates:
            self.keys[family, f"{self.number}/{key}"] = expand(value, names)

    def put(self, key: str, value: str | None) -> None:
        """Set an entry below AMPUSER/<number>, or take it away."""
        self._put_key("AMPUSER", key, value)

    def _put_key(self, family: str, key: str, value: str | None) -> None:
        if value is None:
            self.keys.pop((family, f"{self.number}/{key}"), None)
        else:
            self.keys[family, f"{self.number}/{key}"] = value

    def set(self, values: Values) -> None:
        """Take the fields that were sent; None sets a field's default. Raises Invalid."""
        if values.get("technology") not in (None, self.technology):
            self._change_technology(values["technology"])
        for name, value in values.items():
            if name in _SETTERS:
                _SETTERS[name](self, value)
            elif name not in {"extension", "technology", "voicemail", "webrtc", "options"}:
                self._settings.set_field(name, value)
        if "webrtc" in values:
            self._settings.set_webrtc(on=bool(values["webrtc"]))
        if "options" in values:
            self._settings.set_options(values["options"] or {})
        self._settings.keep_in_step()

    def _change_technology(self, technology: str) -> None:
        if self.device is None:
            raise Invalid("The technology cannot be changed", {"technology": ["Delete the extension and create it."]})
        self._settings = self._settings.changed_to(technology)
        self.device |= {"tech": technology, "dial": self.settings["dial"]}
        for key, value in (("dial", self.settings["dial"]), ("tech", technology)):
            if ("DEVICE", f"{self.number}/{key}") in self.keys:
                self._put_key("DEVICE", key, value)

    # What lies in more than one place.

    def _set_name(self, name: str | None) -> None:
        name = (name or self.number).strip()
        if self.user is not None:
            self.user["name"] = name
            self.put("cidname", name)
        if self.device is not None:
            self.device["description"] = name
        if str(self.settings.get("callerid") or "").endswith(f" <{self.number}>") and self._layout.named_caller_id:
            self.settings["callerid"] = f"{name} <{self.number}>"

    def _set_secret(self, secret: str | None) -> None:
        if self.technology not in WITH_SECRET:
            if secret is None:
                return
            raise Invalid("It has no phone that registers", {"secret": [f"There is none for {self.technology}."]})
        if secret is None:
            secret = secrets.token_hex(64)[: self._secret_size()]
        self._settings.put("secret", secret)
        self.settings.pop(STALE_SECRET, None)

    def _set_caller_id(self, text: str | None) -> None:
        if self.user is not None:
            self.user["outboundcid"] = text or ""
            self.put("outboundcid", text or "")

    def _set_emergency_caller_id(self, text: str | None) -> None:
        if self.device is not None:
            self.device["emergency_cid"] = text or ""
            self._put_key("DEVICE", "emergency_cid", text or None)

    def _set_ring_time(self, seconds: int | None) -> None:
        if self.user is not None:
            self.user["ringtimer"] = seconds or 0
            self.put("ringtimer", str(seconds or 0))

    def _set_call_limit(self, calls: int | None) -> None:
        default = self._platform.settings.get("CONCURRENCYLIMITDEFAULT", "0")
        self.put("concurrency_limit", default if calls is None else str(calls))

    def _set_account_code(self, code: str | None) -> None:
        self._settings.set_field("account_code", code or "")
        if ("AMPUSER", f"{self.number}/accountcode") in self.keys or code:
            self.put("accountcode", code or "")

    def _set_recording(self, policy: Mapping[str, Any] | None) -> None:
        defaults = RecordingPolicy()
        for name, key in RECORDING.items():
            if policy is None or name in policy:
                value = getattr(defaults, name) if policy is None or policy[name] is None else policy[name]
                self.put(key, self._layout.recording_words.get(str(value), str(value)))

    def set_box(self, box: Mailbox | None) -> None:
        """Give it a voicemail box, or none; the box's own line and messages are not looked after here."""
        if self.user is None:
            return
        had, self.box = self.box is not None, box
        self.user["voicemail"] = box.context if box else NO_MAILBOX
        self.put("voicemail", box.context if box else NO_MAILBOX)
        for key, value in self._layout.voicemail_keys:
            if box is None or not had:
                self.put(key, value if box else None)
        if self._layout.voicemail_mapping == "kvstore" and self._platform.schema.has(MAPPINGS):
            place = mapping_place(self.number)
            self._rows.pop(place, None)
            if box is not None:
                self._rows[place] = {"val": mapping(self.number, box.context), "type": "json-arr"}


def mapping(number: str, context: str) -> str:
    """Which mailbox a device's one is (FreePBX, Voicemail: kvstore group `vmmapping`)."""
    return f'["{number}@device","{number}@{context}"]'


_SETTERS: dict[str, Callable[[Draft, Any], None]] = {
    "name": Draft._set_name,
    "secret": Draft._set_secret,
    "caller_id": Draft._set_caller_id,
    "emergency_caller_id": Draft._set_emergency_caller_id,
    "ring_time": Draft._set_ring_time,
    "call_limit": Draft._set_call_limit,
    "account_code": Draft._set_account_code,
    "recording": Draft._set_recording,
}
