"""What an extension is to become: a state of the platform as `Stored` has it, in the making."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from typing import Any

from pbxapi.errors import Invalid
from pbxapi.pbx.extension_reader import DEVICE_TABLES
from pbxapi.pbx.extension_view import NO_MAILBOX, OWN, RECORDING
from pbxapi.pbx.layout import DeviceLayout
from pbxapi.pbx.plan import Value
from pbxapi.pbx.platform import Platform
from pbxapi.pbx.provisioning import Mailbox, RecordingPolicy, Values
from pbxapi.pbx.stored import MAPPINGS, Stored, mapping_place

NOT_HERE = "This exchange has no such thing for {technology}."
STALE_SECRET = "secret_origional"  # noqa: S105 (a keyword)
MOST_CONTACTS = 100
"""What FreePBX caps max_contacts at (Core, drivers/PJSip)."""


class Draft:
    """One extension to be: made new, or begun from what is stored; `stored()` gives what came out of it."""

    def __init__(self, number: str, platform: Platform, old: Stored | None = None) -> None:
        old = old or Stored(number)
        self.number = number
        self._platform = platform
        self._layout = platform.layout
        self.user: dict[str, Value] | None = dict(old.user) if old.user is not None else None
        self.device: dict[str, Value] | None = dict(old.device) if old.device is not None else None
        self.settings = dict(old.settings)
        self._flags = dict(old.flags)
        self._table = old.table
        self._rows = dict(old.rows)
        self.keys = dict(old.keys)
        self._states = dict(old.states)
        self.box = old.box

    def stored(self) -> Stored:
        """As it is now."""
        return Stored(
            self.number, self.user, self.device, self._table, self.settings, self._flags, self._rows, self.keys,
            self._states, self.box,
        )  # fmt: skip

    @property
    def technology(self) -> str:
        """Of its device; `virtual` when it has none."""
        return str(self.device["tech"]) if self.device is not None else "virtual"

    def begin(self, technology: str, name: str) -> None:
        """Make all that a new extension has, each at its default."""
        device = self._device_layout(technology)
        made = secrets.token_hex(64)[: self._secret_size()]
        names = {**self._platform.settings, "number": self.number, "name": name, "secret": made, "tech": technology}
        names["dial"] = device.dial.format(number=self.number)
        self.user = self._row("users", self._layout.user_row, names)
        self.device = self._row("devices", self._layout.device_row, names)
        self._table = DEVICE_TABLES[technology]
        self.settings = {keyword: expand(default, names) for keyword, default in device.keywords}
        self._flags = {keyword: device.flags[keyword] for keyword in self.settings}
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

    def _device_layout(self, technology: str) -> DeviceLayout:
        device = self._layout.devices.get(technology)
        if device is None:
            raise Invalid(
                "This exchange has no such technology", {"technology": [f"{technology} cannot be made here."]}
            )
        return device

    def set(self, values: Values) -> None:
        """Take the fields that were sent; None sets a field's default. Raises Invalid."""
        if values.get("technology") not in (None, self.technology):
            self._change_technology(values["technology"])
        for name, value in values.items():
            if name in _SETTERS:
                _SETTERS[name](self, value)
            elif name not in {"extension", "technology", "voicemail"}:
                self._set_field(name, value)
        if "webrtc" in values:
            self._set_webrtc(on=bool(values["webrtc"]))
        if "options" in values:
            self._set_options(values["options"] or {})
        self._keep_in_step()

    def _set_field(self, name: str, value: Any) -> None:
        if name in {"webrtc", "options"}:
            return
        device = self._layout.devices.get(self.technology)
        keyword = device.fields.get(name) if device else None
        if device is None or keyword is None:
            if value in (None, [], ()):
                return
            raise Invalid("The field is not known here", {name: [NOT_HERE.format(technology=self.technology)]})
        self.put_setting(keyword, self._default(device, keyword) if value is None else _data(name, value, device))
        if name == "codecs" and "disallow" in self.settings:
            self.put_setting("disallow", "all" if value else self._default(device, "disallow"))

    def _default(self, device: DeviceLayout, keyword: str) -> str:
        """A keyword's default here."""
        user = self.user or {}
        names = {**self._platform.settings, "number": self.number, "name": str(user.get("name") or ""), "secret": ""}
        return expand(dict(device.keywords).get(keyword, ""), names)

    def put_setting(self, keyword: str, data: str) -> None:
        """Set a row of the device, behind the others where there was none."""
        self.settings[keyword] = data
        if keyword not in self._flags:
            device = self._layout.devices.get(self.technology)
            known = device.flags.get(keyword) if device else None
            self._flags[keyword] = known if known is not None else max(self._flags.values(), default=1) + 1

    def _set_webrtc(self, *, on: bool) -> None:
        device = self._layout.devices.get(self.technology)
        if device is None or (on and not device.webrtc):
            raise Invalid("WebRTC cannot be had", {"webrtc": [NOT_HERE.format(technology=self.technology)]})
        for keyword, data in device.webrtc.items():
            if on:
                self.put_setting(keyword, data)
            elif self.settings.get(keyword) == data and keyword not in device.flags:
                del self.settings[keyword]
            elif self.settings.get(keyword) == data:
                self.put_setting(keyword, self._default(device, keyword))

    def _set_options(self, options: Mapping[str, str | None]) -> None:
        device = self._layout.devices.get(self.technology)
        known = dict(device.keywords) if device else {}
        for keyword, data in options.items():
            field = next((name for name, own in (device.fields if device else {}).items() if own == keyword), None)
            if field is not None or keyword in OWN:
                why = f"Use the field {field}." if field else "Is made by the exchange itself."
                raise Invalid("An option cannot be set", {"options": [f"{keyword}: {why}"]})
            if keyword not in known and keyword not in self.settings:
                raise Invalid("An option is not known", {"options": [f"{keyword}: not known to this exchange."]})
            if data is None and keyword not in known:
                del self.settings[keyword]
            elif device is not None:
                self.put_setting(keyword, self._default(device, keyword) if data is None else data)

    def _change_technology(self, technology: str) -> None:
        """The new one's settings, with what both have kept, as the platform itself does."""
        new = self._device_layout(technology)
        old, old_device = self.settings, self._layout.devices.get(self.technology)
        if old_device is None or self.device is None:
            raise Invalid("The technology cannot be changed", {"technology": ["Delete the extension and create it."]})
        self.settings, self._flags, kept = {}, {}, {}
        for name, keyword in old_device.fields.items():
            if name in new.fields and name not in {"transport", "secret"}:
                words = {theirs: ours for ours, theirs in old_device.words.get(name, {}).items()}
                data = old.get(keyword, "")
                kept[new.fields[name]] = new.words.get(name, {}).get(words.get(data, data), words.get(data, data))
        for keyword, _ in new.keywords:
            default = self._default(new, keyword)
            data = default if keyword in {"sipdriver", "dial", "transport"} else old.get(keyword, default)
            self.settings[keyword] = kept.get(keyword, data)
            self._flags[keyword] = new.flags[keyword]
        self.device |= {"tech": technology, "dial": self.settings["dial"]}
        for key, value in (("dial", self.settings["dial"]), ("tech", technology)):
            if ("DEVICE", f"{self.number}/{key}") in self.keys:
                self._put_key("DEVICE", key, value)

    def _keep_in_step(self) -> None:
        """FreePBX from 15 on keeps one contact by removing the one before (Core, drivers/PJSip)."""
        contacts = self.settings.get("max_contacts", "")
        if "remove_existing" in self.settings and self._layout.removes_existing and contacts == "1":
            self.settings["remove_existing"] = "yes"

    # What lies in more than one place.

    def _set_name(self, name: str | None) -> None:
        name = (name or "").strip()
        if self.user is not None:
            self.user["name"] = name
            self.put("cidname", name)
        if self.device is not None:
            self.device["description"] = name
        if str(self.settings.get("callerid") or "").endswith(f" <{self.number}>") and self._layout.named_caller_id:
            self.settings["callerid"] = f"{name} <{self.number}>"

    def _set_secret(self, secret: str | None) -> None:
        if secret is None:
            secret = secrets.token_hex(64)[: self._secret_size()]
        self.put_setting("secret", secret)
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
        self._set_field("account_code", code or "")
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


def expand(template: str, names: Mapping[str, str]) -> str:
    """Put names into a template of the layout; a setting that is not there is empty."""
    return re.sub(r"\{(\w+)\}", lambda name: names.get(name[1], ""), template)


def _data(name: str, value: Any, device: DeviceLayout) -> str:
    """A field's value as the data of its keyword."""
    if name == "codecs":
        return "&".join(value)
    if name == "max_contacts":
        return str(min(value, MOST_CONTACTS))
    if name == "dtmf_mode" and value == "rfc2833":
        value = "rfc4733"
    return device.words.get(name, {}).get(str(value), str(value))


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
