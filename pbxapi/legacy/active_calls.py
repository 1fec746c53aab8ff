"""The channels as `core show channels verbose` names their columns, whole instead of cut at the table's width."""

from __future__ import annotations

from collections.abc import Iterable

from pbxapi.pbx.interfaces import Channel

STATES = {
    "down": "Down", "reserved": "Rsrvd", "offhook": "OffHook", "dialing": "Dialing", "ring": "Ring",
    "ringing": "Ringing", "up": "Up", "busy": "Busy", "dialing_offhook": "Dialing Offhook", "prering": "Pre-ring",
}  # fmt: skip
"""ast_state2str() of main/channel.c."""

NONE = "(None)"


def table(channels: Iterable[Channel]) -> list[dict[str, str]]:
    """One row a channel, its columns in the order of the table."""
    bridges: dict[str, list[Channel]] = {}
    channels = list(channels)
    for channel in channels:
        if channel.bridge:
            bridges.setdefault(channel.bridge, []).append(channel)
    return [_row(channel, bridges.get(channel.bridge or "", ())) for channel in channels]


def totals(channels: int, calls: int, processed: int | None) -> list[str]:
    """The table's last three lines. Asterisk before 20 does not tell how many calls it has processed."""
    past = "unknown calls processed" if processed is None else _count(processed, "call") + " processed"
    return [_count(channels, "active channel"), _count(calls, "active call"), past]


def _row(channel: Channel, bridged: Iterable[Channel]) -> dict[str, str]:
    peer = next((other for other in bridged if other.id != channel.id), None)
    return {
        "Channel": channel.name,
        "Context": channel.context or "",
        "Extension": channel.extension or "",
        "Prio": "" if channel.priority is None else str(channel.priority),
        "State": STATES.get(channel.state, "Unknown"),
        "Application": channel.application or NONE,
        "Data": channel.data or "",
        "CallerID": channel.caller.number or "",
        "Duration": _clock(channel.duration),
        "Accountcode": channel.account_code or "",
        "PeerAccount": (peer.account_code or "") if peer else "",
        "BridgedTo": peer.name if peer else NONE,
        "BridgeID": channel.bridge or "",
    }


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
