"""An extension as callers see it, out of what the platform stores."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pbxapi.pbx.layout import DeviceLayout, Layout
from pbxapi.pbx.plan import Value
from pbxapi.pbx.provisioning import Extension, RecordingPolicy
from pbxapi.pbx.stored import SECRETS, Stored

OWN = frozenset({"account", "dial", "sipdriver", "callerid", *SECRETS})
"""Keywords of which the platform and this program make by themselves what they must be."""

RECORDING = {
    "inbound_external": "recording/in/external",
    "inbound_internal": "recording/in/internal",
    "outbound_external": "recording/out/external",
    "outbound_internal": "recording/out/internal",
    "on_demand": "recording/ondemand",
    "priority": "recording/priority",
}
"""Fields of RecordingPolicy by their key below AMPUSER/<number>/ (FreePBX, Core; Issabel, core)."""

NO_MAILBOX = "novm"


def view(stored: Stored, layout: Layout) -> Extension:
    """Tell it. Where AstDB and a row hold the same, AstDB counts, as it does on the platform's own screens."""
    technology = str(stored.device["tech"]) if stored.device else "virtual"
    device = layout.devices.get(technology)
    user = stored.user or {}
    return Extension(
        extension=stored.number,
        name=_text(user.get("name")) or _text((stored.device or {}).get("description")),
        technology=technology,
        secret=_text(stored.settings.get("secret")),
        caller_id=_text(user.get("outboundcid")),
        voicemail=stored.box,
        recording=_recording(stored, layout),
        emergency_caller_id=_text((stored.device or {}).get("emergency_cid")),
        ring_time=_number(stored.key("AMPUSER", "ringtimer"), user.get("ringtimer")),
        call_limit=_number(stored.key("AMPUSER", "concurrency_limit")),
        **(_device_fields(stored.settings, device) if device else {}),
    )


def _device_fields(settings: Mapping[str, str], device: DeviceLayout) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, keyword in device.fields.items():
        if name != "secret":
            found[name] = read_field(name, settings.get(keyword, ""), device)
    shown = OWN.union(device.fields.values(), {"disallow"})
    found["options"] = {keyword: data for keyword, data in settings.items() if keyword not in shown}
    found["webrtc"] = bool(device.webrtc) and all(settings.get(key) == value for key, value in device.webrtc.items())
    return found


def read_field(name: str, data: str, device: DeviceLayout) -> object:
    """The value of a field, out of the data of its keyword."""
    if name == "codecs":
        return tuple(codec for codec in re.split(r"[&,\s]+", data) if codec)
    if name == "max_contacts":
        return _number(data)
    words = {theirs: ours for ours, theirs in device.words.get(name, {}).items()}
    return words.get(data, data) or None


def _recording(stored: Stored, layout: Layout) -> RecordingPolicy | None:
    if stored.user is None:
        return None
    words = {theirs: ours for ours, theirs in layout.recording_words.items()}
    given = {name: stored.key("AMPUSER", key) for name, key in RECORDING.items()}
    priority = _number(given.pop("priority"))
    policy: dict[str, str] = {name: words.get(value, value) for name, value in given.items() if value}
    return RecordingPolicy(**policy, priority=10 if priority is None else priority)


def _text(value: Value) -> str | None:
    return str(value) if value not in (None, "") else None


def _number(*values: Value) -> int | None:
    """The first that is a number."""
    return next((int(str(value)) for value in values if re.fullmatch(r"-?[0-9]{1,9}", str(value))), None)
