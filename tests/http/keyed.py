"""An application over a store of its own, and requests with its keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from pbxapi.store import Store
from pbxapi.store.migrate import migrate
from tests.things import KEY, app_with_things

WIRE_KEY = KEY.encode().decode("latin-1")


@dataclass
class Keyed:
    """What is asked with the owner's key unless another one is named; from 127.0.0.1 unless another place is."""

    app: Flask
    path: Path

    @property
    def store(self) -> Store:
        store: Store = self.app.extensions["pbxapi"].store
        return store

    def ask(
        self,
        method: str,
        path: str,
        status: int = 200,
        body: object = None,
        *,
        key: str = WIRE_KEY,
        where: str = "127.0.0.1",
        **headers: str,
    ) -> TestResponse:
        sent = {"Authorization": f"Bearer {key}", **{name.replace("_", "-"): text for name, text in headers.items()}}
        answer = self.app.test_client().open(
            path, method=method, json=body, headers=sent, environ_base={"REMOTE_ADDR": where}
        )
        assert answer.status_code == status, answer.text
        return answer

    def said(self, *arguments: Any, **options: Any) -> str:
        """The detail of a problem."""
        detail: str = self.ask(*arguments, **options).get_json()["detail"]
        return detail

    def make(self, name: str, *scopes: str, **more: Any) -> str:
        """A key of these scopes; what to send as it."""
        return self.store.keys.create(name, scopes, created_by="tests", **more)[1]

    def set(self, name: str, **columns: datetime) -> None:
        """What no interface does: such as to let time pass."""
        connection = sqlite3.connect(self.path)
        with connection:
            for column, value in columns.items():
                connection.execute(f"UPDATE keys SET {column} = ? WHERE name = ?", (f"{value:%F %T.%f}", name))
        connection.close()
        self.store.keys.changes += 1


@contextmanager
def keyed(folder: Path, **environ: str) -> Iterator[Keyed]:
    path = folder / "store.db"
    app = app_with_things(lambda: None, STORE_URL=f"sqlite:///{path}", **environ)
    made = Keyed(app, path)
    migrate(made.store)
    yield made
    made.store.close()
