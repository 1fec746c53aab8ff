"""Actions on the sound of a channel: muting, keys, recording."""

from __future__ import annotations

from pbxapi.demo.actions import Asked, action
from pbxapi.demo.channels import Channel
from pbxapi.demo.session import Answer
from pbxapi.demo.talk import Talk

_TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})
_KEYS = frozenset("0123456789*#ABCDabcd")


@action("MuteAudio", "Mute an audio stream.", "system")
def mute_audio(asked: Asked) -> Answer:
    """Mute or unmute what a channel says (`in`) or hears (`out`)."""
    name, direction, state = (asked.request.get(header) for header in ("Channel", "Direction", "State"))
    channel = asked.world.switch.find(name) if name else None
    if not name:
        return asked.error("Channel not specified")
    if not state:
        return asked.error("State not specified")
    if not direction:
        return asked.error("Direction not specified")
    if channel is None:
        return asked.error("No such channel")
    sides = {"in": {"in"}, "out": {"out"}, "all": {"in", "out"}}.get(direction.lower())
    if sides is None:
        return asked.error("Failed to mute/unmute stream")
    channel.muted = channel.muted | sides if state.lower() in _TRUE else channel.muted - sides
    return asked.success()


@action("PlayDTMF", "Play DTMF signal on a specific channel.", "call")
def play_dtmf(asked: Asked) -> Answer:
    """Send a key; only its first character counts, and what is no key is queued all the same."""
    name, digit = asked.request.get("Channel"), asked.request.get("Digit")
    channel = asked.world.switch.find(name) if name else None
    if channel is None:
        return asked.error("Channel not found")
    if not digit:
        return asked.error("No digit specified")
    if digit[0] in _KEYS and asked.request.get("Receive").lower() in _TRUE:
        _receive(asked, channel, digit[0])
    return asked.said("DTMF successfully queued")


def _receive(asked: Asked, channel: Channel, digit: str) -> None:
    """The key counts as pressed on this channel, and is sent on to whom it talks to."""
    switch, given = asked.world.switch, asked.request.get("Duration")
    key, length = ("Digit", digit), ("DurationMs", given if given.isdecimal() else "0")
    switch.tell("DTMFEnd", channel, key, length, ("Direction", "Received"), kind="dtmf")
    if isinstance(channel.owner, Talk):
        peer = channel.owner.peer(channel)
        switch.tell("DTMFBegin", peer, key, ("Direction", "Sent"), kind="dtmf")
        switch.tell("DTMFEnd", peer, key, length, ("Direction", "Sent"), kind="dtmf")


@action(
    "MixMonitor",
    "Record a call and mix the audio during the recording.  Use of StopMixMonitor is required to guarantee the audio"
    " file is available for processing during dialplan execution.",
    "system",
)
def mix_monitor(asked: Asked) -> Answer:
    """Begin to record a channel."""
    name, file, options = (asked.request.get(header) for header in ("Channel", "File", "Options"))
    if not name:
        return asked.error("No channel specified")
    channel = asked.world.switch.find(name)
    if channel is None:
        return asked.error("No such channel")
    try:
        number = asked.world.recorder.start(channel, file, options)
    except (ValueError, OSError):
        return asked.error("Could not start monitoring channel")
    return asked.success(*([("MixMonitorID", number)] if number else []))


@action(
    "StopMixMonitor", "Stop recording a call through MixMonitor, and free the recording's file handle.", "system,call"
)
def stop_mix_monitor(asked: Asked) -> Answer:
    """End a recording."""
    name = asked.request.get("Channel")
    if not name:
        return asked.error("No channel specified")
    channel = asked.world.switch.find(name)
    if channel is None:
        return asked.error("No such channel")
    if not asked.world.recorder.stop(channel, asked.request.get("MixMonitorID")):
        return asked.error("Could not stop monitoring channel")
    return asked.success()


@action("MixMonitorMute", "Mute / unMute a Mixmonitor recording.", "system,call")
def mix_monitor_mute(asked: Asked) -> Answer:
    """Leave one side, or both, out of a recording."""
    name, direction, state = (asked.request.get(header) for header in ("Channel", "Direction", "State"))
    if not name:
        return asked.error("No channel specified")
    if not direction:
        return asked.error("No direction specified. Must be read, write or both")
    if direction.lower() not in {"read", "write", "both"}:
        return asked.error("Invalid direction specified. Must be read, write or both")
    if not state:
        return asked.error("No state specified")
    channel = asked.world.switch.find(name)
    if channel is None:
        return asked.error("No such channel")
    if not asked.world.recorder.is_recording(channel):
        return asked.error("Cannot set mute flag")
    asked.world.switch.tell("MixMonitorMute", channel, ("Direction", direction), ("State", state))
    return asked.success()
