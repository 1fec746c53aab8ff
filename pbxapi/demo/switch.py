"""The switch: channels and bridges, what can be done to them, and the events that tell of it.

Every method expects the exchange's lock to be held.
"""

from __future__ import annotations

from collections.abc import Callable

from pbxapi.demo import causes
from pbxapi.demo.bus import Bus
from pbxapi.demo.channels import Bridge, Channel, Numbering, Party, State
from pbxapi.demo.clock import Clock
from pbxapi.demo.wire import Message


class Switch:
    """All live channels, newest last."""

    def __init__(self, clock: Clock, bus: Bus) -> None:
        self.clock = clock
        self.bus = bus
        self.channels: dict[str, Channel] = {}
        self.calls_processed = 0
        self.on_device_change: Callable[[str], None] = lambda number: None
        self.on_hang_up: Callable[[Channel], None] = lambda channel: None

    def find(self, name_or_uniqueid: str) -> Channel | None:
        """A channel by its name (any case) or uniqueid."""
        wanted = name_or_uniqueid.lower()
        return next((one for one in self.channels.values() if wanted in (one.name.lower(), one.uniqueid.lower())), None)

    def of_number(self, number: str) -> list[Channel]:
        """The live channels of one endpoint."""
        return [one for one in self.channels.values() if one.number == number]

    def tell(self, name: str, channel: Channel, *extra: tuple[str, str], kind: str = "call") -> None:
        """Tell an event about a channel."""
        self.bus.tell(name, kind, [*channel.headers(), *extra])

    def create(
        self,
        number: str,
        caller: Party,
        numbering: Numbering,
        *,
        linked: Channel | None = None,
        uniqueid: str = "",
        context: str = "from-internal",
    ) -> Channel:
        """A new channel to an endpoint; `linked` is the channel whose call it joins."""
        name, own_id = numbering.channel(f"PJSIP/{number}")
        uniqueid = uniqueid or own_id
        linkedid = linked.linkedid if linked else uniqueid
        channel = Channel(name, uniqueid, linkedid, number, caller, numbering, self.clock.now(), context=context)
        channel.sip_call_id = numbering.uuid()
        self.add(channel)
        return channel

    def add(self, channel: Channel) -> None:
        """A new channel is there."""
        self.channels[channel.name] = channel
        self.calls_processed += channel.linkedid == channel.uniqueid
        self.tell("Newchannel", channel)

    def set_state(self, channel: Channel, state: State) -> None:
        """Ringing, answered: the channel and its device."""
        if channel.state is state:
            return
        channel.state = state
        self.tell("Newstate", channel)
        self.on_device_change(channel.number)
        if channel.half and state is State.UP:
            channel.half.up(channel)

    def set_variable(self, channel: Channel, name: str, value: str) -> None:
        """Set a channel variable, or unset it with an empty value."""
        if value:
            channel.variables[name] = value
        else:
            channel.variables.pop(name, None)
        # main/manager_channels.c escapes line ends here, and here only
        shown = value.replace("\r", "\\r").replace("\n", "\\n")
        self.tell("VarSet", channel, ("Variable", name), ("Value", shown), kind="dialplan")

    def set_caller(self, channel: Channel, caller: Party) -> None:
        """Change who a channel says it is."""
        channel.caller = caller
        self.tell("NewCallerid", channel, ("CID-CallingPres", "0 (Presentation Allowed, Not Screened)"))

    def set_connected(self, channel: Channel, party: Party) -> None:
        """Change whom a channel shows as its other side."""
        if channel.connected != party:
            channel.connected = party
            self.tell("NewConnectedLine", channel)

    def place(
        self, channel: Channel, exten: str, priority: int, application: str, data: str, *, context: str = ""
    ) -> None:
        """Where in the dialplan a channel is. Told when the place changes or the first application is set."""
        before = (channel.context, channel.exten, channel.priority)
        first = not channel.application and application
        channel.context = context or channel.context
        channel.exten, channel.priority = exten, priority
        channel.application, channel.data = application, data
        if application and (first or before != (channel.context, exten, priority)):
            extra = (("Extension", exten), ("Application", application), ("AppData", data))
            self.tell("Newexten", channel, *extra, kind="dialplan")

    def bridge(self, bridge: Bridge, *channels: Channel) -> None:
        """Put channels into a bridge that is new or holds others. All take the linkedid of the oldest."""
        if not bridge.told:
            bridge.told = True
            self.bus.tell("BridgeCreate", "call", bridge.headers())
        for channel in channels:
            bridge.channels.append(channel)
            channel.bridge = bridge
            self.bus.tell("BridgeEnter", "call", [*bridge.headers(), *channel.headers()])
        if bridge.kind == "basic" and len(bridge.channels) == 2:
            oldest = min(bridge.channels, key=lambda channel: channel.started)
            for one in bridge.channels:
                one.linkedid = oldest.linkedid
            for one, other in (bridge.channels, bridge.channels[::-1]):
                self.set_variable(one, "BRIDGEPEER", other.name)
                self.set_variable(one, "BRIDGEPVTCALLID", other.sip_call_id)

    def leave(self, channel: Channel) -> None:
        """Take a channel out of its bridge; the last one out ends a basic bridge."""
        bridge, channel.bridge = channel.bridge, None
        if bridge is None:
            return
        bridge.channels.remove(channel)
        if "BRIDGEPEER" in channel.variables:
            self.set_variable(channel, "BRIDGEPEER", "")
            self.set_variable(channel, "BRIDGEPVTCALLID", "")
        self.bus.tell("BridgeLeave", "call", [*bridge.headers(), *channel.headers()])
        if not bridge.channels and bridge.kind == "basic":
            self.bus.tell("BridgeDestroy", "call", bridge.headers())

    def release(self, channel: Channel) -> Callable[[], None]:
        """Take a channel from whatever has it in hand. Call what this returns once the channel is elsewhere or gone."""
        owner, channel.owner = channel.owner, None
        after = owner.release(channel) if owner else None
        self.leave(channel)
        return after or (lambda: None)

    def hang_up(self, channel: Channel, cause: int = causes.NONE, tech_cause: int | None = None) -> None:
        """End a channel; a cause of 0 keeps the one it has."""
        if channel.gone:
            return
        channel.gone = True
        channel.cause = cause or channel.cause
        after = self.release(channel)
        if channel.in_dialplan:
            self.tell("SoftHangupRequest", channel, ("Cause", str(causes.NORMAL)))
        del self.channels[channel.name]
        self.on_hang_up(channel)
        status = (tech_cause or causes.sip_status(channel.cause)) if channel.number else None
        text = causes.TEXTS.get(channel.cause, "Unknown")
        extra: Message = [("Cause", str(channel.cause)), ("Cause-txt", text)]
        self.tell("Hangup", channel, *extra, *([("TechCause", str(status))] if status else []))
        self.on_device_change(channel.number)
        if channel.half:
            channel.half.gone(channel)
        after()
