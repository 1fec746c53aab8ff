"""Queues and agents of a FreePBX over the queue floor."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine, StaticPool, create_engine

from pbxapi.ami import Client
from pbxapi.db.platform_tables import admin, freepbx_settings, issabelpbx_settings, metadata, modules
from pbxapi.pbx.agents import QueueAgents
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.platform import PlatformLook
from pbxapi.pbx.queue_seats import PlatformSeats
from pbxapi.pbx.queueing import QueueSettings
from pbxapi.pbx.queues import AmiQueues
from tests.ami.scripted import ScriptedManager
from tests.pbx.queue_floor import QueueFloor
from tests.things_queues import MemoryQueueSetup

ALICE, BOB, CARL = (f"Local/{number}@from-queue/n" for number in ("200", "201", "202"))


@dataclass(frozen=True)
class Queued:
    """What is tested, and what stands behind it."""

    floor: QueueFloor
    client: Client
    seats: PlatformSeats
    setup: MemoryQueueSetup
    queues: AmiQueues
    agents: QueueAgents


def platform_tables() -> Engine:
    """What tells a platform's version and settings, and no more."""
    made = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    metadata.create_all(made, tables=[admin, modules, freepbx_settings, issabelpbx_settings])
    with made.begin() as connection:
        connection.exec_driver_sql("INSERT INTO modules (modulename, version, enabled) VALUES ('core', '17.0.18', 1)")
    return made


@contextmanager
def queued(*settings: QueueSettings) -> Iterator[Queued]:
    """Three queues run; 500 is only configured."""
    with ScriptedManager() as manager:
        floor = QueueFloor(manager, "400", "401", "402")
        client, tables = manager.client(timeout=2), platform_tables()
        astdb, setup = AstDb(client), MemoryQueueSetup(QueueSettings(queue="500"), *settings)
        seats = PlatformSeats(PlatformLook(tables, "freepbx"), astdb, frozenset({"from-internal"}))
        queues = AmiQueues(client, astdb, seats, setup, ttl=60)
        try:
            yield Queued(floor, client, seats, setup, queues, QueueAgents(queues))
        finally:
            client.close()
            tables.dispose()
