"""The application over an exchange, and a client of it that speaks HTTP."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from pbxapi.app import build_store, create_app
from pbxapi.settings import Settings
from pbxapi.store.migrate import migrate
from tests.real.exchange import Exchange

KEY = "a-key-for-tests-of-32-characters"
FINAL = {"completed", "busy", "no_answer", "failed", "canceled"}


def settings_for(exchange: Exchange, store: Path, **more: str) -> Settings:
    environ = {
        "API_SECRET_KEY": KEY,
        "AMI_HOST": exchange.host,
        "AMI_PORT": str(exchange.ami_port),
        "AMI_USERNAME": exchange.username,
        "AMI_SECRET": exchange.secret,
        "STORE_URL": f"sqlite:///{store}",
        "LIVE_TTL": "0.2",
        "ACCESS_LOG": "false",
    }
    return Settings.from_environ({**environ, **more})


def app_for(settings: Settings) -> Flask:
    store = build_store(settings)
    migrate(store)
    return create_app(settings, store=store)


class Api:
    """Requests with a key; each says which status it expects."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def close(self) -> None:
        state = self.app.extensions["pbxapi"]
        state.pbx.close()
        state.store.close()

    def send(self, method: str, path: str, *, status: int = 200, **options: Any) -> TestResponse:
        headers = {"Authorization": f"Bearer {KEY}", **options.pop("headers", {})}
        response = self.app.test_client().open(path, method=method, headers=headers, **options)
        assert response.status_code == status, f"{method} {path}: {response.status_code} {response.text}"
        return response

    def get(self, path: str, *, status: int = 200, **options: Any) -> Any:
        return self.send("GET", path, status=status, **options).get_json()

    def items(self, path: str) -> list[Any]:
        found: list[Any] = self.get(path)["items"]
        return found

    def post(self, path: str, body: object = None, *, status: int) -> Any:
        return self.send("POST", path, status=status, json={} if body is None else body).get_json()

    def delete(self, path: str, *, status: int = 204) -> None:
        self.send("DELETE", path, status=status)

    def place(self, **body: object) -> str:
        """Place a call; give its path."""
        response = self.send("POST", "/calls", status=202, json=body)
        location = response.headers["Location"]
        assert response.get_json()["id"] == location.removeprefix("/calls/")
        return location

    def until(self, path: str, *statuses: str, seconds: float = 8.0) -> Any:
        """Poll a call until it has one of the statuses; it must not end with another."""
        deadline = time.monotonic() + seconds
        while True:
            call = self.get(path)
            if call["status"] in statuses:
                return call
            assert call["status"] not in FINAL, call
            assert time.monotonic() < deadline, call
            time.sleep(0.02)

    def end(self, path: str, seconds: float = 8.0) -> Any:
        return self.until(path, *FINAL, seconds=seconds)
