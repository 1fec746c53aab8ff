"""Actions on live channels."""

from __future__ import annotations

import re

from pbxapi.demo import causes
from pbxapi.demo.actions import Asked, action
from pbxapi.demo.channels import Channel
from pbxapi.demo.session import Answer
from pbxapi.demo.variables import WRITABLE, read_variable, set_function


@action("Hangup", "Hangup channel.", "system,call")
def hang_up(asked: Asked) -> Answer:
    """One channel by name or uniqueid, or all whose names match a regular expression between slashes."""
    name, cause = asked.request.get("Channel"), _cause(asked.request.get("Cause"))
    switch = asked.world.switch
    if not name:
        return asked.error("No channel specified")
    if not (len(name) > 1 and name[0] == name[-1] == "/"):
        channel = switch.find(name)
        if channel is None:
            return asked.error("No such channel")
        switch.hang_up(channel, cause)
        return asked.said("Channel Hungup")
    try:
        pattern = re.compile(name[1:-1].replace("\\/", "/"), re.IGNORECASE)
    except re.error:
        return asked.error(f"Regex compile failed on: {name}")
    found = [one for one in switch.channels.values() if pattern.search(one.name)]
    items = [asked.late_item("ChannelHungup", [("Channel", one.name)]) for one in found]
    for one in found:
        switch.hang_up(one, cause)
    return asked.listing("Channels hung up will follow", items, "ChannelsHungupListComplete")


def _cause(text: str) -> int:
    """A cause that is no number from 0 to 127 is ignored, with a line in the log."""
    value = int(text) if text.isascii() and text.isdecimal() else -1
    return value if 0 <= value <= 127 else causes.NONE


@action("Getvar", "Gets a channel variable or function value.", "call,reporting")
def getvar(asked: Asked) -> Answer:
    """A variable of a channel, or a global one; one that is not set is empty."""
    name, channel_name = asked.request.get("Variable"), asked.request.get("Channel")
    if not name:
        return asked.error("No variable specified")
    if re.match(r"(SHELL|EVAL|FILE|DB_DELETE)\(", name, re.IGNORECASE) and not _has_system(asked):
        return asked.error("GetVar Access Forbidden: Variable")
    channel = asked.world.switch.find(channel_name) if channel_name else None
    if channel_name and channel is None:
        return asked.error("No such channel")
    return asked.success(("Variable", name), ("Value", read_variable(asked.world, channel, name)))


def _has_system(asked: Asked) -> bool:
    return asked.session.user is not None and "system" in asked.session.user.write


@action("Setvar", "Sets a channel variable or function value.", "call")
def setvar(asked: Asked) -> Answer:
    """Set a variable of a channel, or a global one."""
    name, value, channel_name = (asked.request.get(header) for header in ("Variable", "Value", "Channel"))
    if not name:
        return asked.error("No variable specified")
    done = set_function(asked.world, name, value)
    if done is not None:
        return asked.said("Variable Set") if done else asked.error("Variable not set")
    if "(" in name and not name.upper().startswith(WRITABLE):
        return asked.error("Variable not set")
    if not channel_name:
        asked.world.dialplan.globals[name] = value
        headers = [("Channel", "none"), ("Uniqueid", "none"), ("Variable", name), ("Value", value)]
        asked.world.bus.tell("VarSet", "dialplan", headers)
        return asked.said("Variable Set")
    channel = asked.world.switch.find(channel_name)
    if channel is None:
        return asked.error("No such channel")
    asked.world.switch.set_variable(channel, name, value)
    return asked.said("Variable Set")


@action("Redirect", "Redirect (transfer) a call.", "call")
def redirect(asked: Asked) -> Answer:
    """Send a channel elsewhere in the dialplan; whether there is such a place is not looked at."""
    request, switch = asked.request, asked.world.switch
    name, extra_name = request.get("Channel"), request.get("ExtraChannel")
    for header in ("Channel", "Context", "Exten", "Priority"):
        if not request.get(header):
            return asked.error(f"{header} not specified")
    if not request.get("Priority").isdecimal():
        return asked.error("Priority is invalid")
    channel = switch.find(name)
    if channel is None:
        return asked.error(f"Channel does not exist: {name}")
    if not extra_name:
        _send(asked, channel)
        return asked.said("Redirect successful")
    extra = switch.find(extra_name)
    if extra is None:
        return asked.error(f"ExtraChannel does not exist: {extra_name}")
    for one in (channel, extra):  # both are taken out first, so that neither is hung up for the other
        switch.release(one)
    _send(asked, channel)
    _send(asked, extra, "Extra" if request.get("ExtraExten") else "")
    return asked.said("Dual Redirect successful")


def _send(asked: Asked, channel: Channel, prefix: str = "") -> None:
    context, exten, priority = (asked.request.get(prefix + header) for header in ("Context", "Exten", "Priority"))
    after = asked.world.switch.release(channel)
    if channel.gone:  # it was ringing for the other one, which has just been taken away
        return
    asked.world.dialplan.run(channel, context, exten, int(priority) if priority.isdecimal() else 1)
    after()
