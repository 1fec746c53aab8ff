"""The settings of an extension's device: rows of keyword and data, and the fields that stand for some of them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pbxapi.errors import Invalid
from pbxapi.pbx.extension_view import OWN
from pbxapi.pbx.layout import DeviceLayout, Layout

NOT_HERE = "This exchange has no such thing for {technology}."
MOST_CONTACTS = 100
"""What FreePBX caps max_contacts at (Core, drivers/PJSip)."""

MADE_ANEW = frozenset({"sipdriver", "dial", "transport"})
"""Keywords that a change of technology does not keep."""

_NAMED = re.compile(r"\{(\w+)\}")


class DeviceSettings:
    """In the making. `names` are what templates of the layout may hold; `settings` are data by keyword."""

    def __init__(
        self,
        technology: str,
        layout: Layout,
        names: Mapping[str, str],
        settings: Mapping[str, str],
        flags: Mapping[str, int],
    ) -> None:
        self.technology = technology
        self.settings = dict(settings)
        self.flags = dict(flags)
        self._layout = layout
        self._device = layout.devices.get(technology)
        self._defaults = dict(self._device.keywords) if self._device else {}
        self._names = names

    def default(self, keyword: str) -> str:
        """A keyword's default here; empty where it has none."""
        return expand(self._defaults.get(keyword, ""), self._names)

    def put(self, keyword: str, data: str) -> None:
        """Set a row, behind the others where there was none."""
        self.settings[keyword] = data
        if keyword not in self.flags:
            known = self._device.flags.get(keyword) if self._device else None
            self.flags[keyword] = known if known is not None else max(self.flags.values(), default=1) + 1

    def set_field(self, name: str, value: Any) -> None:
        """Set what a field stands for; None its default. Raises Invalid for one that the device has not."""
        keyword = self._device.fields.get(name) if self._device else None
        if self._device is None or keyword is None:
            if value in (None, [], (), ""):
                return
            raise Invalid("The field is not known here", {name: [NOT_HERE.format(technology=self.technology)]})
        self.put(keyword, self.default(keyword) if value is None else _data(name, value, self._device))
        if name == "codecs" and "disallow" in self.settings:
            self.put("disallow", "all" if value else self.default("disallow"))

    def set_webrtc(self, *, on: bool) -> None:
        """Switch everything that WebRTC needs, or take it back. Raises Invalid where it cannot be had."""
        wanted = self._device.webrtc if self._device else {}
        if on and not wanted:
            raise Invalid("WebRTC cannot be had", {"webrtc": [NOT_HERE.format(technology=self.technology)]})
        for keyword, data in wanted.items():
            if on:
                self.put(keyword, data)
            elif self.settings.get(keyword) == data and self._device and keyword not in self._device.flags:
                del self.settings[keyword]
            elif self.settings.get(keyword) == data:
                self.put(keyword, self.default(keyword))

    def set_options(self, options: Mapping[str, str | None]) -> None:
        """Set keywords that are no fields; None the default, or away with it. Raises Invalid."""
        known = self._device.flags if self._device else {}
        fields = {own: name for name, own in self._device.fields.items()} if self._device else {}
        for keyword, data in options.items():
            if keyword in fields or keyword in OWN:
                why = f"Use the field {fields[keyword]}." if keyword in fields else "Is made by the exchange itself."
                raise Invalid("An option cannot be set", {"options": [f"{keyword}: {why}"]})
            if keyword not in known and keyword not in self.settings:
                raise Invalid("An option is not known", {"options": [f"{keyword}: not known to this exchange."]})
            if data is None and keyword not in known:
                del self.settings[keyword]
            else:
                self.put(keyword, self.default(keyword) if data is None else data)

    def keep_in_step(self) -> None:
        """FreePBX from 15 on keeps one contact by removing the one before (Core, drivers/PJSip)."""
        single = self.settings.get("max_contacts") == "1"
        if "remove_existing" in self.settings and self._layout.removes_existing and single:
            self.settings["remove_existing"] = "yes"

    def changed_to(self, technology: str) -> DeviceSettings:
        """Another technology's settings, with what both have kept, as the platform itself does. Raises Invalid."""
        new = DeviceSettings(technology, self._layout, self._names, {}, {})
        if self._device is None or new._device is None:
            raise Invalid("The technology cannot be changed", {"technology": ["Delete the extension and create it."]})
        kept = {}
        for name in (self._device.fields.keys() & new._device.fields.keys()) - {"transport", "secret"}:
            data = self.settings.get(self._device.fields[name], "")
            ours = {theirs: ours for ours, theirs in self._device.words.get(name, {}).items()}.get(data, data)
            kept[new._device.fields[name]] = new._device.words.get(name, {}).get(ours, ours)
        for keyword, flag in new._device.flags.items():
            old = None if keyword in MADE_ANEW else self.settings.get(keyword)
            new.settings[keyword] = kept.get(keyword, new.default(keyword) if old is None else old)
            new.flags[keyword] = flag
        return new


def expand(template: str, names: Mapping[str, str]) -> str:
    """Put names into a template of the layout; a setting that is not there is empty."""
    return _NAMED.sub(lambda name: names.get(name[1], ""), template) if "{" in template else template


def _data(name: str, value: Any, device: DeviceLayout) -> str:
    """A field's value as the data of its keyword."""
    if name == "codecs":
        return "&".join(value)
    if name == "max_contacts":
        return str(min(value, MOST_CONTACTS))
    if name == "dtmf_mode" and value == "rfc2833":
        value = "rfc4733"
    return device.words.get(name, {}).get(str(value), str(value))
