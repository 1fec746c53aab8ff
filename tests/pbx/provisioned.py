"""Follow-me, features and queues put together over some database and some manager, for looking at what they write."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text

from pbxapi.ami import Client
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.change import Changes
from pbxapi.pbx.locks import HostLock
from pbxapi.pbx.platform import PlatformLook
from pbxapi.pbx.platform_features import PlatformFeatures
from pbxapi.pbx.platform_follow_me import PlatformFollowMe
from pbxapi.pbx.platform_queues import PlatformQueues
from pbxapi.pbx.row_changes import Rows
from pbxapi.store import Store
from pbxapi.store.migrate import migrate


@dataclass(frozen=True)
class Provisioned:
    """One exchange: what is tested, and a way behind it."""

    engine: Engine
    astdb: AstDb
    store: Store
    follow_me: PlatformFollowMe
    features: PlatformFeatures
    queues: PlatformQueues

    def run(self, statement: str, **values: object) -> list[dict[str, Any]]:
        """Run one statement of SQL; gives its rows."""
        with self.engine.begin() as connection:
            result = connection.execute(text(statement), values)
            return [dict(row) for row in result.mappings()] if result.returns_rows else []

    def entries(self, number: str) -> dict[str, str]:
        """What AstDB holds below the follow-me of a number."""
        below = f"{number}/followme/"
        found = self.astdb.tree("AMPUSER", f"{number}/followme")
        return {key.removeprefix(below): value for key, value in found.items()}

    def waits(self) -> bool:
        """Whether a reload is asked for; takes that back."""
        [row] = self.run("SELECT value FROM admin WHERE variable = 'need_reload'")
        self.run("UPDATE admin SET value = 'false' WHERE variable = 'need_reload'")
        return bool(row["value"] == "true")


@contextmanager
def provisioned(engine: Engine, ami: Client, platform: str, folder: Path) -> Iterator[Provisioned]:
    """Put it together, with a store of its own in that folder."""
    store = Store(f"sqlite:///{folder}/store.db")
    migrate(store)
    look, astdb = PlatformLook(engine, platform), AstDb(ami)
    rows = Rows(engine, lambda table: look.now().schema.tables[table].transactional)
    changes = Changes(HostLock(folder / "lock", "The configuration"), store.changes, astdb, rows=rows)
    yield Provisioned(
        engine, astdb, store,
        PlatformFollowMe(engine, look, astdb, changes), PlatformFeatures(engine, look, astdb, changes),
        PlatformQueues(engine, look, astdb, changes),
    )  # fmt: skip
    store.close()
