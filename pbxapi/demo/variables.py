"""Channel variables, global ones and the few functions that clients read."""

from __future__ import annotations

import re

from pbxapi.demo.channels import Channel
from pbxapi.demo.world import World

WRITABLE = ("CALLERID(", "CDR(", "CHANNEL(", "CONNECTEDLINE(")
"""How the functions of a channel begin that Setvar may set; it refuses to set any other."""

_FUNCTION = re.compile(r"(\w+)\((.*)\)", re.DOTALL)


def read_variable(world: World, channel: Channel | None, name: str) -> str:
    """The value of a variable or function, empty when there is none."""
    if match := _FUNCTION.fullmatch(name):
        return _function(world, channel, match[1].upper(), match[2])
    if channel is None:
        return world.dialplan.globals.get(name, "")
    standard = {
        "UNIQUEID": channel.uniqueid,
        "CHANNEL": channel.name,
        "EXTEN": channel.exten,
        "CONTEXT": channel.context,
        "PRIORITY": str(channel.priority),
    }
    return standard.get(name) or channel.variable(name) or world.dialplan.globals.get(name, "")


def _function(world: World, channel: Channel | None, name: str, text: str) -> str:
    if name == "DIALPLAN_EXISTS":
        return str(int(_exists(world, *text.split(",")[:3])))
    if name == "DEVICE_STATE":
        return _device_state(world, text)
    if name == "PRESENCE_STATE":
        provider, _, field = text.partition(",")
        return world.custom_states.presence(provider.removeprefix("CustomPresence:"), field)
    if name in {"DB", "DB_EXISTS"}:
        family, _, key = text.partition("/")
        value = world.database.get(family, key)
        return value or "" if name == "DB" else str(int(value is not None))
    return _of_channel(channel, name, text) if channel else ""


def _device_state(world: World, device: str) -> str:
    if device.startswith("Custom:"):
        return world.custom_states.device(device.removeprefix("Custom:"))
    technology, _, number = device.partition("/")
    return world.devices.state(number) if technology.upper() == "PJSIP" else "INVALID"


def set_function(world: World, name: str, value: str) -> bool | None:
    """Set a function that needs no channel; False when it takes no such value, None when it is another function."""
    match = _FUNCTION.fullmatch(name)
    if match is None:
        return None
    function, text = match[1].upper(), match[2]
    if function == "DEVICE_STATE":
        return text.startswith("Custom:") and world.custom_states.set_device(text.removeprefix("Custom:"), value)
    if function == "PRESENCE_STATE":
        kind, _, who = text.partition(":")
        return kind == "CustomPresence" and world.custom_states.set_presence(who, value)
    if function == "DB":
        family, slash, key = text.partition("/")
        if slash:
            world.database.put(family, key, value)
        return bool(slash)
    return None


def _exists(world: World, context: str, exten: str = "", priority: str = "") -> bool:
    if not exten:
        return world.dialplan.has_context(context)
    return world.dialplan.exists(context, exten, int(priority) if priority.isdecimal() else 1)


def _of_channel(channel: Channel, name: str, text: str) -> str:
    values = {
        ("CALLERID", "num"): channel.caller.number,
        ("CALLERID", "name"): channel.caller.name,
        ("CONNECTEDLINE", "num"): channel.connected.number,
        ("CHANNEL", "name"): channel.name,
        ("CHANNEL", "state"): channel.state.words,
        ("CHANNEL", "linkedid"): channel.linkedid,
        ("CHANNEL", "audioreadformat"): "ulaw",
    }
    return values.get((name, text.lower()), "")
