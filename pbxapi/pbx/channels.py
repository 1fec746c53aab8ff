"""Live channels (legs), and what can be done to one."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable

from pbxapi.ami import AmiDenied, AmiRefused, AmiUnknownAction, Client, Message
from pbxapi.errors import Conflict, Invalid, NotFound, NotSupported, Refused
from pbxapi.pbx.interfaces import Channel, Party, Recording
from pbxapi.pbx.live import Shared, Snapshot
from pbxapi.pbx.text import CHANNEL_STATES, CONTEXT, DTMF, EXTENSION

EXTERNAL_ID = "PBXAPI_EXTERNAL_ID"
"""The channel variable that holds a call's external_id; legs that are dialled from it inherit it."""

MIXMONITOR_ID = "PBXAPI_MIXMONITOR_ID"
"""The channel variable that holds the id of the recording started here, so that only that one is stopped."""


def known(value: str) -> str | None:
    """None for the ways in which Asterisk says that it has no value."""
    return None if value in {"", "<unknown>", "(null)", "<none>"} else value


def read_channel(status: Message) -> Channel:
    """A Channel from an event of the Status list."""
    name = status["Channel"]
    external_id = next((v for v in status.all("Variable") if v.startswith(EXTERNAL_ID + "=")), "")
    priority, seconds = status.get("Priority"), status.get("Seconds")
    return Channel(
        id=status["Uniqueid"],
        name=name,
        technology=name.partition("/")[0].lower(),
        linkedid=status.get("Linkedid") or status["Uniqueid"],
        state=CHANNEL_STATES.get(status.get("ChannelState"), "unknown"),
        caller=Party(known(status.get("CallerIDNum")), known(status.get("CallerIDName"))),
        connected=Party(known(status.get("ConnectedLineNum")), known(status.get("ConnectedLineName"))),
        context=known(status.get("Context")),
        extension=known(status.get("Exten")),
        priority=int(priority) if priority.isdigit() else None,
        application=known(status.get("Application")),
        data=known(status.get("Data")),
        account_code=known(status.get("AccountCode")),
        duration=int(seconds) if seconds.isdigit() else 0,
        bridge=known(status.get("BridgeID")),
        external_id=known(external_id.partition("=")[2]),
    )


class AmiChannels:
    """Channels over AMI's Status list (class system, call or reporting)."""

    def __init__(self, ami: Client, *, contexts: frozenset[str], ttl: float) -> None:
        self._ami = ami
        self._contexts = contexts
        self._live: Shared[tuple[Channel, ...]] = Shared(self._fetch, ttl=ttl)
        self._on_change: list[Callable[[], None]] = [self._live.drop]

    def on_change(self, drop: Callable[[], None]) -> None:
        """Have `drop` called after every write here, for caches that are made from channels."""
        self._on_change.append(drop)

    def changed(self) -> None:
        """Drop what is kept of live channels: something was just done to one."""
        for drop in self._on_change:
            drop()

    def _fetch(self) -> tuple[Channel, ...]:
        reply = self._ami.request(
            "Status", [("Variables", EXTERNAL_ID), ("AllVariables", "false")], until="StatusComplete"
        )
        channels = [read_channel(m) for m in reply.events if m.event == "Status"]
        return tuple(sorted(channels, key=lambda c: (c.linkedid, c.id)))

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[Channel, ...]]:
        """Every live channel, those of a call side by side."""
        return self._live.get(fresh=fresh)

    def get(self, channel_id: str) -> Channel:
        """The channel with this uniqueid. Raises NotFound."""
        return find(self._live.get().value, channel_id)

    def _now(self, channel_id: str) -> Channel:
        return find(self._live.get(fresh=True).value, channel_id)

    def _do(self, channel: Channel, action: str, *fields: tuple[str, str], slow: bool = False) -> Message:
        """Send an action for one channel. Raises NotFound when it hung up in between."""
        try:
            return self._ami.request(action, [("Channel", channel.name), *fields], slow=slow).response
        except AmiUnknownAction as error:
            raise NotSupported(f"This exchange has no action {action}: its module is not loaded") from error
        except AmiDenied as error:
            raise NotSupported(f"The manager user may not use {action}: /capabilities says what it needs") from error
        except AmiRefused as error:
            if re.search(r"no such channel|channel not existent|does not exist|not found", error.words, re.I):
                raise NotFound("This channel has just hung up") from error
            raise Refused(f"{action} was refused: {error.words}") from error
        finally:
            self.changed()

    def hangup(self, channel_id: str, cause: int) -> None:
        """Hang up with a Q.850 cause (1 to 127). Raises NotFound."""
        self._do(self._now(channel_id), "Hangup", ("Cause", str(cause)))

    def transfer(self, channel_id: str, context: str, extension: str, *, attended: bool) -> Channel | None:
        """Send this channel's party to an extension; give the other party of its bridge, if there is one.

        Blind: this channel goes there at once and the other party is released (a Redirect of one leg of a two-party
        bridge hangs up the other, seen on 16 and 22). Attended: the other party first talks to the extension, and
        this channel's party is handed over when that one hangs up. Asterisk answers "Redirect successful" for an
        extension that does not exist and the channel dies, so that is asked first.
        """
        self.check_destination(context, extension)
        channels = self._live.get(fresh=True).value
        channel = find(channels, channel_id)
        others = [c for c in channels if channel.bridge and c.bridge == channel.bridge and c.id != channel.id]
        where = ("Context", context), ("Exten", extension), ("Priority", "1")
        if attended:
            if len(others) != 1:
                raise Conflict("An attended transfer needs a channel that talks to exactly one other")
            self._do(others[0], "Atxfer", *where)
            return others[0]
        if channel.state != "up":
            raise Conflict("Only an answered channel can be transferred")
        self._do(channel, "Redirect", *where)
        return others[0] if len(others) == 1 else None

    def check_destination(self, context: str, extension: str) -> None:
        """Raise Invalid unless the context is allowed and the extension exists in it."""
        if not CONTEXT.match(context) or context not in self._contexts:
            raise Invalid("This context may not be dialled", {"context": ["Not among the allowed contexts."]})
        if not EXTENSION.match(extension):
            raise Invalid("This cannot be dialled", {"extension": ["Digits, letters and * # + _ . - only."]})
        reply = self._ami.request("Getvar", [("Variable", f"DIALPLAN_EXISTS({context},{extension},1)")])
        if reply.response.get("Value") != "1":
            raise Invalid("No such extension", {"extension": [f"Does not exist in {context}."]})

    def mute(self, channel_id: str, direction: str, *, muted: bool) -> None:
        """Mute or unmute what the channel sends ("in"), hears ("out"), or both ("all"), as MuteAudio names them."""
        self._do(self._now(channel_id), "MuteAudio", ("Direction", direction), ("State", "on" if muted else "off"))

    def dtmf(self, channel_id: str, digits: str, duration_ms: int) -> None:
        """Play digits to the channel, each for so many milliseconds. Raises NotFound, also when it hangs up."""
        if not DTMF.match(digits):
            raise Invalid("These are not DTMF digits", {"digits": ["1 to 32 of 0-9, A-D, * and #."]})
        channel = self._now(channel_id)
        for digit in digits:
            self._do(channel, "PlayDTMF", ("Digit", digit), ("Duration", str(duration_ms)), slow=True)

    def record(self, channel_id: str) -> Recording:
        """Start recording both directions to a new wav in Asterisk's monitor folder. Raises Conflict when one runs."""
        channel = self._now(channel_id)
        if self._recording_id(channel):
            raise Conflict("This channel is already being recorded")
        # Never a name that was used before: MixMonitor writes over what is there.
        began = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"
        name = f"pbxapi-{re.sub(r'[^0-9A-Za-z.-]', '_', channel.id)}-{began}.wav"
        self._do(channel, "MixMonitor", ("File", name), ("Options", f"i({MIXMONITOR_ID})"))
        return Recording(channel.id, name)

    def stop_recording(self, channel_id: str) -> None:
        """Stop the recording that was started here; another's goes on. Raises NotFound when there is none."""
        channel = self._now(channel_id)
        recording = self._recording_id(channel)
        if not recording:
            raise NotFound("No recording of this channel was started here")
        self._do(channel, "StopMixMonitor", ("MixMonitorID", recording))
        self._do(channel, "Setvar", ("Variable", MIXMONITOR_ID), ("Value", ""))

    def _recording_id(self, channel: Channel) -> str:
        return self._do(channel, "Getvar", ("Variable", MIXMONITOR_ID)).get("Value")

    def status_text(self, name: str | None) -> str:
        """The raw Status exchange as `Key: value` lines, for the old interface. Raises NotFound for a name."""
        fields = [("Channel", name)] if name else []
        try:
            reply = self._ami.request("Status", fields, until="StatusComplete")
        except AmiRefused as error:
            raise NotFound("No such channel") from error
        return as_text(reply.response, *reply.events, reply.closing)

    def totals(self) -> tuple[int, int | None]:
        """Calls now and calls since the start; the latter is None where CoreStatus has no such count (before 20)."""
        status = self._ami.request("CoreStatus").response
        processed = status.get("CoreProcessedCalls")
        return int(status.get("CoreCurrentCalls") or 0), int(processed) if processed.isdigit() else None


def find(channels: tuple[Channel, ...], channel_id: str) -> Channel:
    """The channel with this uniqueid. Raises NotFound."""
    for channel in channels:
        if channel.id == channel_id:
            return channel
    raise NotFound("No such channel, or it has hung up")


def as_text(*messages: Message | None) -> str:
    """Messages as the manager sent them, without the ActionID, blocks parted by a blank line."""
    blocks = (
        "".join(f"{k}: {v}\n" for k, v in m.items() if k.lower() != "actionid") for m in messages if m is not None
    )
    return "\n".join(blocks)
