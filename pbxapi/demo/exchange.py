"""The built-in exchange: a small Asterisk 22, as far as its manager interface shows."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pbxapi.demo import (
    actions,
    call_actions,
    channel_actions,
    media_actions,
    originate_actions,
    parking_actions,
    pjsip_actions,
    queue_actions,
    session_actions,
    system_actions,
    transfer_actions,
    voicemail_actions,
)
from pbxapi.demo.access import User
from pbxapi.demo.applications import APPLICATIONS
from pbxapi.demo.bus import Bus
from pbxapi.demo.channels import Numbering
from pbxapi.demo.clock import Clock
from pbxapi.demo.custom_states import CustomStates
from pbxapi.demo.database import Database
from pbxapi.demo.devices import Devices
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.history_live import LiveRecords
from pbxapi.demo.parking import ParkingLot
from pbxapi.demo.phones import PHONES, Phone
from pbxapi.demo.queues import Queues
from pbxapi.demo.recording import Recorder
from pbxapi.demo.registrar import Registrar
from pbxapi.demo.scenery import Scenery
from pbxapi.demo.server import Server
from pbxapi.demo.session import Answer, Later, Session
from pbxapi.demo.switch import Switch
from pbxapi.demo.voicemail import Voicemail
from pbxapi.demo.wire import Request
from pbxapi.demo.world import World

if TYPE_CHECKING:
    from pbxapi.demo.platform import DemoPlatform
    from pbxapi.demo.queue_life import Pace

SYSTEM_NAME = "demo"
VOICEMAIL = ("100", "101")  # who has a box where there is no platform
STOP_TIMEOUT = 5.0  # seconds
BACKGROUND_NUMBERS = 0x10000  # background calls are numbered from here on, so that they do not disturb other ids
QUEUE_NUMBERS = 0x20000  # and those of the callers of queues
# Modules whose functions register themselves as actions when they are imported.
ACTION_MODULES = (
    call_actions,
    channel_actions,
    media_actions,
    originate_actions,
    parking_actions,
    pjsip_actions,
    queue_actions,
    session_actions,
    system_actions,
    transfer_actions,
    voicemail_actions,
)


class DemoExchange:
    """Speaks the manager protocol on 127.0.0.1, user `demo`, secret `demo`.

    The same `seed` gives the same ids, names and background calls for the same actions. Port 0 takes a free one;
    raises OSError when the port is in use. `auth_timeout` is in seconds. `recordings` is the folder that holds what
    MixMonitor records, until the exchange is stopped. Other `phones` must have the numbers of PHONES. They are a plain
    Asterisk's, unless `provide` makes a FreePBX of it; then callers come to its queues at this `pace` too, where there
    are background calls.
    """

    def __init__(
        self,
        seed: int = 1,
        port: int = 0,
        *,
        users: Mapping[str, User] | None = None,
        phones: Sequence[Phone] = PHONES,
        auth_timeout: float = 30.0,
        background_calls: bool = True,
        pace: Pace | None = None,
    ) -> None:
        self.auth_timeout = auth_timeout
        self._server = Server(self, port)
        self.port = self._server.port
        self._folder = tempfile.TemporaryDirectory(prefix="demo-exchange-")
        self.recordings = Path(self._folder.name) / "monitor"
        self.recordings.mkdir()
        self._world = _build(seed, users or {"demo": User("demo")}, phones, self.recordings)
        _give_boxes(self._world, Path(self._folder.name))
        self._background_calls = background_calls
        self._pace = pace
        self._seed = seed

    def start(self) -> None:
        """Begin to accept sessions and to place background calls."""
        world = self._world
        if self._background_calls:
            numbering = Numbering(SYSTEM_NAME, self._seed, BACKGROUND_NUMBERS)
            with world.lock:
                registrar = Registrar(world.bus, world.phones, world.database, world.switch.on_device_change)
                Scenery(world.dialplan, registrar, numbering, self._seed).start()
        world.clock.start()
        self._server.start()

    def write_records(self, database: Path, zone: tzinfo) -> None:
        """From now on, write the calls that end into the table `cdr` of this SQLite file, in local times of `zone`."""
        world = self._world
        with world.lock:
            world.bus.attach(LiveRecords(database, zone, world.clock.now))

    def provide(self, folder: Path) -> DemoPlatform:
        """From now on, be a FreePBX whose database is in this folder. Raises OSError and Unavailable."""
        from pbxapi.demo.platform import DemoPlatform  # noqa: PLC0415  (SQLAlchemy takes 0.2 s to import)

        platform = DemoPlatform(folder, self._world)
        if self._background_calls:
            from pbxapi.demo.queue_life import Pace, QueueLife  # noqa: PLC0415  (as above)

            numbering = Numbering(SYSTEM_NAME, self._seed, QUEUE_NUMBERS)
            with self._world.lock:
                QueueLife(self._world, numbering, self._seed, self._pace or Pace()).start()
        return platform

    def stop(self) -> None:
        """End all calls, sessions and threads, within STOP_TIMEOUT."""
        self._world.clock.stop(STOP_TIMEOUT / 2)
        self._server.stop(STOP_TIMEOUT / 2)
        self._folder.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answer(self, session: Session, request: Request) -> Answer | Later:
        """Run one request of a session."""
        return actions.answer(self._world, session, request)

    def left(self, session: Session) -> None:
        """A session has ended."""
        with self._world.lock:
            self._world.bus.detach(session)
        self._server.forget(session)


def _give_boxes(world: World, folder: Path) -> None:
    """Voicemail for some, as on an Asterisk alone; the spool is empty."""
    boxes = [f"{number} => 1234,{world.phones[number].name}" for number in VOICEMAIL]
    world.voicemail.conf, world.voicemail.spool = folder / "voicemail.conf", folder / "voicemail"
    world.voicemail.conf.write_text("\n".join(["[general]", "format = wav", "", "[default]", *boxes, ""]))


def _build(seed: int, users: Mapping[str, User], phones: Sequence[Phone], recordings: Path) -> World:
    lock = threading.RLock()
    clock, bus = Clock(lock), Bus(SYSTEM_NAME)
    by_number = {phone.number: phone for phone in phones}
    switch = Switch(clock, bus)
    database = Database()
    custom_states = CustomStates(database, bus)
    devices = Devices(switch, bus, by_number, custom_states.device)
    dialplan = Dialplan(switch, by_number, dict(APPLICATIONS))
    numbering = Numbering(SYSTEM_NAME, seed)
    world = World(
        lock=lock,
        clock=clock,
        bus=bus,
        numbering=numbering,
        phones=by_number,
        switch=switch,
        devices=devices,
        dialplan=dialplan,
        parking=ParkingLot(switch, dialplan, numbering.uuid()),
        queues=Queues(switch, devices, by_number, dialplan),
        recorder=Recorder(switch, dialplan, recordings),
        voicemail=Voicemail(switch),
        users=users,
        database=database,
        custom_states=custom_states,
    )

    def device_changed(number: str) -> None:
        if devices.changed(number):
            world.queues.member_changed(number)

    def custom_changed(name: str) -> None:
        for number in devices.custom_changed(name):
            world.queues.member_changed(number)

    custom_states.on_change = custom_changed
    switch.on_device_change = device_changed
    switch.on_hang_up = world.recorder.channel_gone
    return world
