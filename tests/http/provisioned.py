"""An application over provisioning that lives in memory, for the tests of `/extensions` and what is below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pbxapi.app import create_app
from pbxapi.http import auth
from pbxapi.http.auth import Principal
from pbxapi.pbx.provisioning import Extension, Mailbox, RecordingPolicy
from pbxapi.settings import Settings
from tests.things_provisioning import MemoryExtensions, MemoryFeatures, MemoryFollowMes

KEY = "a-key-for-tests-of-32-characters"
SECRET = "Kq7-wie4zo"
PIN = "4321"


def alice() -> Extension:
    return Extension(
        extension="200",
        name="Alice",
        technology="pjsip",
        secret=SECRET,
        context="from-internal",
        voicemail=Mailbox(password=PIN, email="alice@example.com", options={"tz": "european"}),
        codecs=("ulaw", "alaw"),
        recording=RecordingPolicy(),
        options={"rtp_symmetric": "yes", "a_new_keyword": "x"},
    )


@dataclass
class Served:
    """A client, and what lies behind it."""

    client: FlaskClient
    extensions: MemoryExtensions
    follow_me: MemoryFollowMes
    features: MemoryFeatures

    def ask(
        self, method: str, path: str, status: int = 200, body: object = None, headers: Mapping[str, str] | None = None
    ) -> TestResponse:
        answer = self.client.open(path, method=method, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer

    def json(self, method: str, path: str, status: int = 200, body: object = None, **headers: str) -> Any:
        answer = self.ask(method, path, status, body, {n.replace("_", "-"): v for n, v in headers.items()})
        return answer.get_json()


@cache
def application() -> Flask:
    """One for all tests: it takes 0.1 s to make."""
    return create_app(Settings.from_environ({"API_SECRET_KEY": KEY, "STORE_URL": "sqlite://", "ACCESS_LOG": "false"}))


@contextmanager
def serving(*extensions: Extension, provisions: bool = True) -> Iterator[Served]:
    app = application()
    before = app.extensions["pbxapi"]
    memory = MemoryExtensions(*extensions)
    follow_me, features = MemoryFollowMes(memory), MemoryFeatures(memory)
    parts: dict[str, Any] = {"extensions": memory, "follow_me": follow_me, "features": features}
    pbx = replace(before.pbx, **(parts if provisions else dict.fromkeys(parts)))
    app.extensions["pbxapi"] = replace(before, pbx=pbx)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
    yield Served(client, memory, follow_me, features)
    app.extensions["pbxapi"] = before


def limited(monkeypatch: Any, *scopes: str) -> None:
    """Let the key have only these scopes from now on."""
    monkeypatch.setattr(auth, "OWNER", Principal("provisioner", frozenset(scopes)))
