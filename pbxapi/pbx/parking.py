"""Parking lots and who waits in them."""

from __future__ import annotations

from pbxapi.ami import AmiRefused, AmiUnknownAction, Client, Message
from pbxapi.errors import Invalid, NotFound, NotSupported, Refused
from pbxapi.pbx.channels import AmiChannels, as_text, known
from pbxapi.pbx.interfaces import ParkedCall, ParkingLot, Party
from pbxapi.pbx.live import Shared, Snapshot

NO_PARKING = "This exchange has no parking: res_parking is not loaded"


def parked_call(event: Message) -> ParkedCall:
    """A parked call from an event of the ParkedCalls list."""
    timeout = event.get("ParkingTimeout")
    return ParkedCall(
        space=event["ParkingSpace"],
        channel=event["ParkeeChannel"],
        channel_id=event["ParkeeUniqueid"],
        caller=Party(known(event.get("ParkeeCallerIDNum")), known(event.get("ParkeeCallerIDName"))),
        parked_by=known(event.get("ParkerDialString")),
        duration=int(event.get("ParkingDuration") or 0),
        timeout=int(timeout) if timeout.isdigit() else None,
    )


class AmiParking:
    """Parking over Parkinglots, ParkedCalls and Park (class call)."""

    def __init__(self, ami: Client, channels: AmiChannels, *, ttl: float) -> None:
        self._ami = ami
        self._channels = channels
        self._live: Shared[tuple[ParkingLot, ...]] = Shared(self._fetch, ttl=ttl)
        channels.on_change(self._live.drop)

    def all(self, *, fresh: bool = False) -> Snapshot[tuple[ParkingLot, ...]]:
        """Every lot with its calls. Raises NotSupported when res_parking is not loaded."""
        return self._live.get(fresh=fresh)

    def _fetch(self) -> tuple[ParkingLot, ...]:
        lots = self._ami.start("Parkinglots", until="ParkinglotsComplete")
        parked = self._ami.start("ParkedCalls", until="ParkedCallsComplete")
        try:
            waiting: dict[str, list[ParkedCall]] = {}
            for event in parked.result().events:
                waiting.setdefault(event["Parkinglot"], []).append(parked_call(event))
            return tuple(_lot(event, waiting.get(event["Name"], [])) for event in lots.result().events)
        except AmiUnknownAction as error:
            raise NotSupported(NO_PARKING) from error
        except AmiRefused as error:
            raise NotSupported("The manager user may not see parking lots: it needs write = call") from error

    def park(self, channel_id: str, lot: str | None, timeout: int | None) -> ParkedCall:
        """Park a channel; whoever it talked to is released. `timeout` in seconds, the lot's own when None.

        Raises NotFound for the channel, Invalid for the lot, Refused in Asterisk's words.
        """
        channel = self._channels.get(channel_id)
        names = [there.name for there in self._live.get(fresh=True).value]
        if lot is not None and lot not in names:
            raise Invalid("No such parking lot", {"lot": [f"One of: {', '.join(names)}."]})
        fields = [("Channel", channel.name)]
        if lot is not None:
            fields.append(("Parkinglot", lot))
        if timeout is not None:
            fields.append(("Timeout", str(timeout * 1000)))
        try:
            self._ami.request("Park", fields)
        except AmiRefused as error:
            raise Refused(f"Park was refused: {error.words}") from error
        finally:
            self._channels.changed()
        for there in self._live.get(fresh=True).value:
            for call in there.calls:
                if call.channel_id == channel_id:
                    return call
        raise NotFound("The channel hung up before it was parked")

    def text(self) -> str:
        """The raw ParkedCalls exchange as `Key: value` lines, for the old interface."""
        try:
            reply = self._ami.request("ParkedCalls", until="ParkedCallsComplete")
        except AmiUnknownAction as error:
            raise NotSupported(NO_PARKING) from error
        return as_text(reply.response, *reply.events, reply.closing)


def _lot(event: Message, calls: list[ParkedCall]) -> ParkingLot:
    timeout = event.get("Timeout")
    return ParkingLot(
        name=event["Name"],
        first_space=event.get("StartSpace"),
        last_space=event.get("StopSpace"),
        timeout=int(timeout) if timeout.isdigit() and timeout != "0" else None,
        calls=tuple(calls),
    )
