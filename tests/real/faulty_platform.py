"""Extensions of a platform over a real database and a real AstDB, put together in one process or several.

A process of it can be made to die at any place of a write.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, event, text

from pbxapi.ami import Client, ClientConfig
from pbxapi.db.engine import Login, engine
from pbxapi.errors import Conflict
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.change import Changes
from pbxapi.pbx.channels import AmiChannels
from pbxapi.pbx.extension_operations import Operations
from pbxapi.pbx.locks import HostLock
from pbxapi.pbx.peers import AmiPeers
from pbxapi.pbx.plan import FileChange, KeyChange
from pbxapi.pbx.platform import PlatformLook
from pbxapi.pbx.platform_extensions import VOICEMAIL, PlatformExtensions
from pbxapi.pbx.provisioning import Operation, Outcome, Write
from pbxapi.pbx.row_changes import Rows
from pbxapi.pbx.step import Step
from pbxapi.pbx.voicemail_file import VoicemailFile
from pbxapi.store import Store
from pbxapi.store.changes import ChangeStore
from tests.real.configuration import Database

TABLES = {"users", "devices", "sip", "admin", "queues_details", "findmefollow", "kvstore_FreePBX_modules_Voicemail"}
FAMILIES = ("AMPUSER", "DEVICE", "CW", "CF", "DND", "CustomDevstate", "CustomPresence")
WRITES = ("INSERT", "UPDATE", "DELETE")

Dump = tuple[dict[str, list[str]], dict[str, dict[str, str]], str]


@dataclass(frozen=True)
class Place:
    """Where everything is: what another process needs to know."""

    database: Database
    ami_port: int
    folder: Path
    ami_user: str = "api"


class Points:
    """The places of a write, counted as they are passed; `reached` is called with each number."""

    def __init__(self) -> None:
        self.passed = 0
        self.reached: Callable[[int], None] = lambda number: None

    def __call__(self) -> None:
        number, self.passed = self.passed, self.passed + 1
        self.reached(number)


class PointedAstDb(AstDb):
    """AstDB whose writes pass three places: before, half way, after."""

    def __init__(self, ami: Client, point: Points) -> None:
        super().__init__(ami)
        self._point = point
        self.reached: Callable[[str], None] = lambda where: None

    def write(self, changes: Any, sent: list[KeyChange] | None = None) -> None:
        some = list(changes)
        half = len(some) // 2
        self._pass("before")
        super().write(some[:half], sent)
        self._pass("half way")
        super().write(some[half:], sent)
        self._pass("after")

    def _pass(self, where: str) -> None:
        self.reached(where)
        self._point()


class PointedFile(VoicemailFile):
    """A voicemail.conf with a place before it is written, and one after."""

    point: Points
    written: Callable[[], None] = staticmethod(lambda: None)

    def step(self, changes: Sequence[FileChange]) -> Step:
        step = super().step(changes)

        def do() -> None:
            self.point()
            step.do()
            self.written()
            self.point()

        return Step(step.what, do, step.undo)


class PointedJournal(ChangeStore):
    """The journal of changes, with a place before each step of a change's life."""

    def __init__(self, store: Store, point: Points) -> None:
        super().__init__(store)
        self._point = point

    def begin(self, numbers: Sequence[str]) -> int:
        self._point()
        return super().begin(numbers)

    def written(self, change: int) -> None:
        self._point()
        super().written(change)


class FaultyPlatform:
    """One process' view of an exchange, and ways to look behind it."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.point = Points()
        self.at_commit: Callable[[Connection], None] = lambda connection: None
        login = Login(port=place.database.port, username=place.database.user, password=place.database.password)
        self.engine = engine(login, place.database.name)
        event.listen(self.engine, "after_cursor_execute", self._executed)
        event.listen(self.engine, "commit", self._committing)
        self.ami = Client(ClientConfig(port=place.ami_port, username=place.ami_user, secret=f"{place.ami_user}-secret"))
        self.conf = place.folder / "etc/voicemail.conf"
        self.astdb = PointedAstDb(self.ami, self.point)
        self.voicemail = voicemail = PointedFile(str(self.conf), str(place.folder / "spool"), self.ami)
        voicemail.point = self.point
        self.store = Store(f"sqlite:///{place.folder}/store.db")
        self.journal = PointedJournal(self.store, self.point)
        self.look = look = PlatformLook(self.engine, "freepbx")
        self.changes = Changes(
            HostLock(place.folder / "lock", "The configuration"), self.journal, self.astdb,
            rows=Rows(self.engine, lambda table: look.now().schema.tables[table].transactional),
            files={VOICEMAIL: voicemail},
        )  # fmt: skip
        operations = Operations(self.astdb, voicemail, ["from-internal"], lambda: None, "pjsip")
        channels = AmiChannels(self.ami, contexts=frozenset(), ttl=0)
        self.extensions = PlatformExtensions(
            engine=self.engine, look=look, astdb=self.astdb, changes=self.changes, operations=operations,
            voicemail=voicemail, journal=self.journal, peers=AmiPeers(self.ami, channels, ttl=0), sections=dict,
        )  # fmt: skip

    def _committing(self, connection: Connection) -> None:
        self.at_commit(connection)
        self.point()

    def _executed(self, *arguments: Any) -> None:
        if arguments[2].lstrip().startswith(WRITES):
            self.point()

    def close(self) -> None:
        self.ami.close()
        self.engine.dispose()
        self.store.close()

    def write(self, op: str, number: str = "200", /, **values: Any) -> Outcome:
        """One operation, whatever else mentions the number."""
        return self.extensions.write([Operation(op, number, values)], Write(force=True))

    @property
    def tables(self) -> set[str]:
        """Those of TABLES that this platform has."""
        return TABLES.intersection(self.look.now().schema.tables)

    def sql(self, statement: str) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(statement))

    def dump(self) -> Dump:
        """Everything that a write may touch."""
        with self.engine.connect() as connection:
            rows = {name: sorted(map(repr, connection.execute(text(f"SELECT * FROM {name}")))) for name in self.tables}
        trees = {family: self.astdb.tree(family) for family in FAMILIES}
        return rows, trees, self.conf.read_text()


def write_and_die(place: Place, number: int, op: str, values: dict[str, Any]) -> None:
    """For a process of its own: write, and be killed (SIGKILL) at the place of that number."""

    def reached(passed: int) -> None:
        if passed == number:
            os.kill(os.getpid(), signal.SIGKILL)

    world = FaultyPlatform(place)
    world.point.reached = reached
    world.write(op, **values)


def write_many(place: Place, operations: Sequence[tuple[str, str, dict[str, Any]]], barrier: Any) -> None:
    """For a process of its own: write, with others at the same moment. Its exit status is 3 after a conflict."""
    world = FaultyPlatform(place)
    barrier.wait(20)
    try:
        for op, number, values in operations:
            world.write(op, number, **values)
    except Conflict:
        raise SystemExit(3) from None
    finally:
        world.close()
