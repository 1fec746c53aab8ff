"""Actions that transfer a call. In both, Channel is the one who transfers, not the one who is transferred."""

from __future__ import annotations

from pbxapi.demo import causes
from pbxapi.demo.actions import Asked, action
from pbxapi.demo.channels import Channel
from pbxapi.demo.session import Answer
from pbxapi.demo.talk import Talk
from pbxapi.demo.transfer import Consultation

CONSULT_DELAY = 0.1  # seconds in which features.c takes the digits


@action("BlindTransfer", "Blind transfer channel(s) to the given destination", "call")
def blind_transfer(asked: Asked) -> Answer:
    """Send the other side of a bridge elsewhere in the dialplan and hang this one up."""
    name, context, exten = (asked.request.get(header) for header in ("Channel", "Context", "Exten"))
    if not name:
        return asked.error("No channel specified")
    if not exten:
        return asked.error("No extension specified")
    channel, world = asked.world.switch.find(name), asked.world
    if channel is None:
        return asked.error("Channel specified does not exist")
    context = context or channel.context
    talk = channel.owner
    if not isinstance(talk, Talk):
        _tell(asked, channel, None, (context, exten))
        return asked.error("Transfer invalid")
    peer = talk.peer(channel)
    world.switch.set_variable(peer, "BLINDTRANSFER", channel.name)
    _tell(asked, channel, peer, (context, exten))
    talk.complete("transfer", "BLINDTRANSFER", exten, context)
    world.switch.release(channel)
    world.dialplan.run(peer, context, exten, 1)
    world.switch.hang_up(channel, causes.NORMAL)
    return asked.said("Transfer succeeded")


def _tell(asked: Asked, channel: Channel, peer: Channel | None, place: tuple[str, str]) -> None:
    headers = [
        ("Result", "Success" if peer else "Invalid"),
        *channel.headers("Transferer"),
        *(peer.headers("Transferee") if peer else ()),
        *(channel.bridge.headers() if channel.bridge else ()),
        ("IsExternal", "Yes"),
        ("Context", place[0]),
        ("Extension", place[1]),
    ]
    asked.world.bus.tell("BlindTransfer", "call", headers)


@action("Atxfer", "Attended transfer.", "call")
def attended_transfer(asked: Asked) -> Answer:
    """Play the keys of an attended transfer on a channel; whether it can do one is not looked at."""
    name, context, exten = (asked.request.get(header) for header in ("Channel", "Context", "Exten"))
    if not name:
        return asked.error("No channel specified")
    if not exten:
        return asked.error("No extension specified")
    channel, switch = asked.world.switch.find(name), asked.world.switch
    if channel is None:
        return asked.error("Channel specified does not exist")
    context = context or channel.context
    switch.set_variable(channel, "TRANSFER_CONTEXT", context)
    for digit in f"*2{exten}":
        keys = (("Digit", digit), ("DurationMs", "0"), ("Direction", "Received"))
        switch.tell("DTMFEnd", channel, *keys, kind="dtmf")
    talk = channel.owner
    if isinstance(talk, Talk):
        switch.tell("Hold", channel)
        switch.tell("MusicOnHoldStart", talk.peer(channel), ("Class", "default"))
        dialplan, place = asked.world.dialplan, (context, exten)
        switch.clock.later(CONSULT_DELAY, lambda: Consultation.begin(switch, dialplan, talk, channel, place))
    return asked.said("Atxfer successfully queued")


@action("CancelAtxfer", "Cancel an attended transfer.", "call")
def cancel_attended_transfer(asked: Asked) -> Answer:
    """Go back to the one who is held."""
    name = asked.request.get("Channel")
    if not name:
        return asked.error("No channel specified")
    channel = asked.world.switch.find(name)
    if channel is None:
        return asked.error("Channel specified does not exist")
    if isinstance(channel.owner, Consultation) and channel is channel.owner.transferer:
        channel.owner.cancel()
    return asked.said("CancelAtxfer successfully queued")
