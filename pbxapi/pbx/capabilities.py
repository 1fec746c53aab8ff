"""What the manager user needs for each thing that this program does, and how to say what is missing.

The classes are those of `manager show command ACTION`, the same on Asterisk 16 and 22 for all that is named here.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass

from pbxapi.pbx.interfaces import Capability


@dataclass(frozen=True, slots=True)
class Need:
    """An action, the class that the manager user needs for it (in `write`), and the module that brings it."""

    action: str
    classes: str
    module: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A capability by name: every one of `needs` must be there."""

    name: str
    needs: tuple[Need, ...]


CAPABILITIES = (
    Wanted("peers.pjsip", (Need("PJSIPShowEndpoints", "system", "chan_pjsip"),)),
    Wanted("peers.sip", (Need("SIPpeers", "system or reporting", "chan_sip"),)),
    Wanted("peers.iax2", (Need("IAXpeerlist", "system or reporting", "chan_iax2"),)),
    Wanted("channels", (Need("Status", "system, call or reporting"),)),
    Wanted("channels.hangup", (Need("Hangup", "system or call"),)),
    Wanted("channels.transfer", (Need("Redirect", "call"), Need("Getvar", "call or reporting"))),
    Wanted("channels.transfer.attended", (Need("Atxfer", "call"),)),
    Wanted("channels.mute", (Need("MuteAudio", "system", "res_mutestream"),)),
    Wanted("channels.dtmf", (Need("PlayDTMF", "call"),)),
    Wanted(
        "channels.record", (Need("MixMonitor", "system", "app_mixmonitor"), Need("StopMixMonitor", "system or call"))
    ),
    Wanted("channels.park", (Need("Park", "call", "res_parking"),)),
    Wanted("calls.originate", (Need("Originate", "originate"), Need("Getvar", "call or reporting"))),
    Wanted("parking", (Need("Parkinglots", "call", "res_parking"), Need("ParkedCalls", "call", "res_parking"))),
    Wanted("queues", (Need("QueueStatus", "reporting", "app_queue"),)),
    Wanted(
        "queues.members",
        (
            Need("QueueAdd", "agent", "app_queue"),
            Need("QueueRemove", "agent", "app_queue"),
            Need("QueuePause", "agent", "app_queue"),
            Need("QueuePenalty", "agent", "app_queue"),
        ),
    ),
    Wanted(
        "voicemail",
        (
            Need("VoicemailUsersList", "call or reporting", "app_voicemail"),
            Need("MailboxCount", "call or reporting"),
        ),
    ),
    Wanted("voicemail.lamps", (Need("VoicemailRefresh", "user", "app_voicemail"),)),
    Wanted(
        "extensions.astdb",
        (
            Need("DBPut", "system"),
            Need("DBDel", "system"),
            Need("DBGet", "system or reporting"),
            Need("Setvar", "call"),
        ),
    ),
    Wanted("system.info", (Need("CoreSettings", "system or reporting"),)),
)


def judge(wanted: Wanted, listed: Set[str], why_missing: Callable[[str], str]) -> Capability:
    """Say whether a capability works. `listed` is what ListCommands shows: only what this user may run.

    `why_missing` gives Asterisk's words when it is asked for an action that is not listed.
    """
    for need in wanted.needs:
        if need.action in listed:
            continue
        if need.module is not None and "permission" not in why_missing(need.action).lower():
            return Capability(wanted.name, False, f"{need.module} is not loaded (no action {need.action})")
        return Capability(wanted.name, False, f"the manager user lacks write = {need.classes} (for {need.action})")
    return Capability(wanted.name, True, None)
