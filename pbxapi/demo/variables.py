"""Channel variables, global ones and the few functions that clients read."""

from __future__ import annotations

import re

from pbxapi.demo.channels import Channel
from pbxapi.demo.world import World

WRITABLE = ("CALLERID(", "CDR(", "CHANNEL(", "CONNECTEDLINE(", "DB(", "DEVICE_STATE(")
"""How the functions begin that Setvar may set; it refuses to set any other."""

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
        technology, _, number = text.partition("/")
        return world.devices.state(number) if technology.upper() == "PJSIP" else "INVALID"
    if name == "DB":
        family, _, key = text.partition("/")
        return world.database.get((family, key), "")
    return _of_channel(channel, name, text) if channel else ""


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
