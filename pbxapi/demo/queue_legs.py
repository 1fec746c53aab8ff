"""How a queue reaches its members: a phone itself, or what a Local channel leads to."""

from __future__ import annotations

from pbxapi.demo.channels import Channel, Party
from pbxapi.demo.dial import called_channel, inherit
from pbxapi.demo.dialling import Caller, Leg, PhoneLeg
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.local import LocalLeg, LocalPair
from pbxapi.demo.queue import Member
from pbxapi.demo.queue_members import LOCAL

_APPLICATION, _DATA = "AppQueue", "(Outgoing Line)"


def member_leg(dialplan: Dialplan, member: Member, channel: Channel, caller: Caller, timeout: float) -> Leg | None:
    """A leg to a member, not started yet, for the waiting `channel`; None when there is nothing to call."""
    local = LOCAL.match(member.interface)
    if local:
        return _local(dialplan, member, channel, caller, timeout, (local[1], local[2]))
    technology, _, number = member.interface.partition("/")
    phone = dialplan.phones.get(number) if technology.upper() == "PJSIP" else None
    if phone is None or not phone.registered:
        return None
    called = called_channel(dialplan.switch, phone, channel, _APPLICATION)
    return PhoneLeg(dialplan.switch, member.interface, called, caller, channel, timeout, phone=phone)


def _local(  # noqa: PLR0917
    dialplan: Dialplan, member: Member, channel: Channel, caller: Caller, timeout: float, place: tuple[str, str]
) -> Leg:
    switch = dialplan.switch
    pair = LocalPair.create(switch, channel.numbering, *place, linked=channel, optimised=False)
    inherit(switch, channel, pair.one)
    inherit(switch, pair.one, pair.two)
    phone = dialplan.phones.get(place[0])
    switch.set_caller(pair.one, Party(place[0], phone.name if phone else ""))
    pair.one.connected = channel.caller
    switch.set_caller(pair.two, channel.caller)
    switch.place(pair.one, channel.exten, 1, _APPLICATION, _DATA)
    target = member.interface.partition("/")[2]
    return LocalLeg(switch, target, pair.one, caller, channel, timeout, pair=pair, dialplan=dialplan)
