"""Actions on the parking lot."""

from __future__ import annotations

import re

from pbxapi.demo.actions import Asked, action
from pbxapi.demo.clock import seconds
from pbxapi.demo.parking import NAME, SPACES, TIMEOUT
from pbxapi.demo.session import Answer


@action("Park", "Park a channel.", "call")
def park(asked: Asked) -> Answer:
    """Park a channel; what it was bridged with is hung up."""
    request = asked.request
    name, timeout, space = request.get("Channel"), request.get("Timeout"), request.get("Parkingspace")
    if not name:
        return asked.error("Channel not specified")
    if timeout and not re.fullmatch(r"[0-9]+", timeout):
        return asked.error("Invalid Timeout value.")
    channel = asked.world.switch.find(name)
    if channel is None:
        return asked.error(f"Channel does not exist: {name}")
    parker = re.sub(r"-[0-9a-f]{8}(;[12])?$", "", request.get("TimeoutChannel"))
    milliseconds = seconds(timeout, otherwise=TIMEOUT * 1000)
    known = request.get("Parkinglot") in ("", NAME) and (not space or space.isdecimal())
    if not known or not asked.world.parking.park(
        channel, parker, max(1.0, milliseconds / 1000), int(space) if space else None
    ):
        return asked.error("Park action failed")
    return asked.said("Park successful")


@action("ParkedCalls", "List parked calls.", "call")
def parked_calls(asked: Asked) -> Answer:
    """Every parked call."""
    if asked.request.get("ParkingLot") not in ("", NAME):
        return asked.error("Requested parking lot could not be found.")
    items = [asked.late_item("ParkedCall", headers) for headers in asked.world.parking.items()]
    total = ("Total", str(len(items)))
    return asked.listing("Parked calls will follow", items, "ParkedCallsComplete", total)


@action("Parkinglots", "Get a list of parking lots", "call")
def parking_lots(asked: Asked) -> Answer:
    """The one lot there is."""
    lot = [
        ("Name", NAME),
        ("StartSpace", str(SPACES[0])),
        ("StopSpace", str(SPACES[-1])),
        ("Timeout", f"{TIMEOUT:.0f}"),
    ]
    return asked.listing("Parking lots will follow", [asked.item("Parkinglot", lot)], "ParkinglotsComplete")
