"""Actions that show what the exchange is and which channels it has."""

from __future__ import annotations

import time

from pbxapi.demo.actions import Asked, action
from pbxapi.demo.channels import Channel
from pbxapi.demo.session import Answer
from pbxapi.demo.variables import read_variable
from pbxapi.demo.wire import Message

VERSION = "22.10.1"
BUILT = f"Asterisk {VERSION} built by demo @ localhost on a unknown running Linux on 2026-01-01 00:00:00 UTC"


@action("CoreSettings", "Show PBX core settings (version etc).", "system,reporting")
def core_settings(asked: Asked) -> Answer:
    """Versions and limits."""
    return asked.success(
        ("AMIversion", "11.0.0"),
        ("AsteriskVersion", VERSION),
        ("SystemName", asked.world.bus.system_name),
        ("CoreMaxCalls", "0"),
        ("CoreMaxLoadAvg", "0.000000"),
        ("CoreRunUser", ""),
        ("CoreRunGroup", ""),
        ("CoreMaxFilehandles", "0"),
        ("CoreRealTimeEnabled", "No"),
        ("CoreCDRenabled", "Yes"),
        ("CoreHTTPenabled", "No"),
        ("SoundsSearchCustomDir", "No"),
    )


@action("CoreStatus", "Show PBX core status variables.", "system,reporting")
def core_status(asked: Asked) -> Answer:
    """When it started, and how many calls there are and were."""
    started = time.localtime(asked.world.clock.started)
    day, moment = time.strftime("%Y-%m-%d", started), time.strftime("%H:%M:%S", started)
    return asked.success(
        ("CoreStartupDate", day),
        ("CoreStartupTime", moment),
        ("CoreReloadDate", day),
        ("CoreReloadTime", moment),
        ("CoreCurrentCalls", str(_calls(asked))),
        ("CoreProcessedCalls", str(asked.world.switch.calls_processed)),
    )


def _calls(asked: Asked) -> int:
    return sum(channel.in_dialplan for channel in asked.world.switch.channels.values())


def _newest_first(asked: Asked) -> list[Channel]:
    return list(reversed(asked.world.switch.channels.values()))


def _age(asked: Asked, channel: Channel) -> int:
    return max(0, int(asked.world.clock.now() - channel.started))


def _duration(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _bridge_id(channel: Channel) -> str:
    return channel.bridge.uniqueid if channel.bridge else ""


@action("CoreShowChannels", "List currently active channels.", "system,reporting")
def core_show_channels(asked: Asked) -> Answer:
    """Every channel."""
    items = [
        asked.item(
            "CoreShowChannel",
            [
                *channel.headers(),
                ("Application", channel.application),
                ("ApplicationData", channel.data),
                ("Duration", _duration(_age(asked, channel))),
                ("BridgeId", _bridge_id(channel)),
            ],
        )
        for channel in _newest_first(asked)
    ]
    return asked.listing("Channels will follow", items, "CoreShowChannelsComplete")


@action("Status", "List channel status.", "system,call,reporting")
def status(asked: Asked) -> Answer:
    """Every channel, or one, with variables if they are asked for."""
    name = asked.request.get("Channel")
    channels = _newest_first(asked)
    if name:
        found = asked.world.switch.find(name)
        if found is None:
            return asked.error("No such channel")
        channels = [found]
    items = [asked.late_item("Status", [("Privilege", "Call"), *_status(asked, one)]) for one in channels]
    extra = ("Items", str(len(items)))
    return asked.listing("Channel status will follow", items, "StatusComplete", extra)


def _status(asked: Asked, channel: Channel) -> Message:
    return [
        *channel.headers(),
        ("Type", channel.name.partition("/")[0]),
        ("DNID", channel.dnid),
        ("EffectiveConnectedLineNum", channel.connected.number or "<unknown>"),
        ("EffectiveConnectedLineName", channel.connected.name or "<unknown>"),
        ("TimeToHangup", "0"),
        ("BridgeID", _bridge_id(channel)),
        ("Application", channel.application),
        ("Data", channel.data),
        ("Nativeformats", "(ulaw)"),
        ("Readformat", "ulaw"),
        ("Readtrans", ""),
        ("Writeformat", "ulaw"),
        ("Writetrans", ""),
        ("Callgroup", "0"),
        ("Pickupgroup", "0"),
        ("Seconds", str(_age(asked, channel))),
        *(("Variable", line) for line in _variables(asked, channel)),
    ]


def _variables(asked: Asked, channel: Channel) -> list[str]:
    wanted = [name.strip() for name in asked.request.get("Variables").split(",") if name.strip()]
    lines = [f"{name}={read_variable(asked.world, channel, name) or '(null)'}" for name in wanted]
    if asked.request.get("AllVariables").lower() in {"true", "yes", "on", "1", "y", "t"}:
        lines += [f"{name.lstrip('_')}={value}" for name, value in reversed(channel.variables.items())]
    return lines


@action("Command", "Execute Asterisk CLI Command.", "command")
def command(asked: Asked) -> Answer:
    """The few commands of the command line that the demo exchange knows."""
    text = asked.request.get("Command")
    if not text:
        return asked.error("No command provided")
    if text == "core show version":
        return _output(asked, "Success", [BUILT])
    if text == "core show channels verbose":
        return _output(asked, "Success", _verbose_table(asked))
    hint = " ".join(text.split()[:2])
    words = f"No such command '{text}' (type 'core show help {hint}' for other possible commands)"
    return _output(asked, "Error", [words])


def _output(asked: Asked, response: str, lines: list[str]) -> Answer:
    head = [("Response", response), *asked.action_id, ("Message", "Command output follows")]
    return Answer([[*head, *(("Output", line) for line in lines)]])


def _verbose_table(asked: Asked) -> list[str]:
    lines = [
        f"{'Channel':<80} {'Context':<24} {'Extension':<24} Prio {'State':<7} {'Application':<12} {'Data':<25} "
        f"{'CallerID':<15} Duration Accountcode PeerAccount {'BridgeID':<20}"
    ]
    for one in _newest_first(asked):
        place = f"{one.name:<80} {one.context:<24.24} {one.exten:<24.24} {one.priority:>4} {one.state.words:<7} "
        doing = f"{one.application:<12.12} {one.data:<25.25} {one.caller.number:<15.15} "
        rest = f"{_duration(_age(asked, one)):<8} {'':<11} {'':<11} {_bridge_id(one):<20.20}"
        lines.append(place + doing + rest)
    channels, calls, processed = len(asked.world.switch.channels), _calls(asked), asked.world.switch.calls_processed
    return [
        *lines,
        f"{channels} active channel{'s' * (channels != 1)}",
        f"{calls} active call{'s' * (calls != 1)}",
        f"{processed} call{'s' * (processed != 1)} processed",
    ]
