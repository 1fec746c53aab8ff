"""An application whose audit log can be looked at: in its store, in its file and in its log."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import text

from pbxapi import logs
from pbxapi.app import create_app
from pbxapi.settings import Settings
from pbxapi.store import Store
from pbxapi.store.audit import Entry, Wanted
from pbxapi.store.migrate import migrate
from tests.http.provisioned import KEY, alice
from tests.things_provisioning import MemoryExtensions, MemoryFeatures, MemoryFollowMes
from tests.things_queues import MemoryAgents, MemoryQueues, MemoryQueueSetup, interface_of, queue, seated, support


class Audited:
    """An application, and what its audit log says."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "audit.log"
        self.store = Store(f"sqlite:///{folder}/store.db")
        migrate(self.store)
        self.log = folder / "pbxapi.log"
        environ = {
            "API_SECRET_KEY": KEY, "ACCESS_LOG": "false", "LOG_PATH": str(self.log), "RATE_LIMIT_BAD_KEYS": "off",
            "AUDIT_LOG_PATH": str(self.file),
        }  # fmt: skip
        self.app = create_app(Settings.from_environ(environ), store=self.store)
        before = self.app.extensions["pbxapi"]
        self.extensions = MemoryExtensions(alice())
        self.setup = MemoryQueueSetup(support())
        queues = MemoryQueues(queue("400", seated(interface_of("200"), extension="200")), setup=self.setup)
        parts: dict[str, Any] = {
            "extensions": self.extensions, "follow_me": MemoryFollowMes(self.extensions), "queues": queues,
            "features": MemoryFeatures(self.extensions), "queue_setup": self.setup, "agents": MemoryAgents(queues),
        }  # fmt: skip
        self.app.extensions["pbxapi"] = replace(before, pbx=replace(before.pbx, **parts))
        self.client: FlaskClient = self.app.test_client()

    def ask(self, method: str, path: str, body: object = None, key: str | None = KEY, **environ: Any) -> int:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return self.client.open(path, method=method, json=body, headers=headers, **environ).status_code

    @property
    def entries(self) -> list[Entry]:
        """Oldest first."""
        return self.store.audit.page(Wanted(), 1000)[::-1]

    @property
    def told(self) -> list[tuple[str | None, str, str, str, int | None]]:
        return [(each.key, each.action, each.target, each.outcome, each.status) for each in self.entries]

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.file.read_text().split("\n")[:-1]]

    def close(self) -> None:
        self.app.extensions["pbxapi"].pbx.close()
        self.store.close()
        defaults = Settings(api_secret_key=KEY)
        logs.configure(defaults.log, defaults.audit)

    def forget(self) -> None:
        with self.store.begin() as connection:
            connection.execute(text("DELETE FROM audit"))
