"""Everything that an action may reach."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from pbxapi.demo.access import User
from pbxapi.demo.bus import Bus
from pbxapi.demo.channels import Numbering
from pbxapi.demo.clock import Clock
from pbxapi.demo.custom_states import CustomStates
from pbxapi.demo.database import Database
from pbxapi.demo.devices import Devices
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.parking import ParkingLot
from pbxapi.demo.phones import Phone
from pbxapi.demo.queues import Queues
from pbxapi.demo.recording import Recorder
from pbxapi.demo.switch import Switch
from pbxapi.demo.voicemail import Voicemail


@dataclass(eq=False)
class World:
    """The parts of one exchange. `lock` is held by whoever touches any of them."""

    lock: threading.RLock
    clock: Clock
    bus: Bus
    numbering: Numbering
    phones: dict[str, Phone]
    switch: Switch
    devices: Devices
    dialplan: Dialplan
    parking: ParkingLot
    queues: Queues
    recorder: Recorder
    voicemail: Voicemail
    users: Mapping[str, User]
    database: Database
    custom_states: CustomStates
