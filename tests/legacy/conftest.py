"""The application over a scripted manager, asked as the old clients ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from pbxapi.app import create_app
from pbxapi.settings import Settings
from tests.legacy.scripted import ScriptedManager

KEY = "a-key-for-tests-of-32-characters"
WITH_KEY = {"Authorization": KEY}

PHONES = """Response: Success
EventList: start
Message: A listing of Endpoints follows, presented as EndpointList events

Event: EndpointList
ObjectType: endpoint
ObjectName: 100
Transport: transport-udp
Aor: 100
Auths: 100
OutboundAuths:
Contacts: 100/sip:100@127.0.0.1:43332,
DeviceState: Not in use
ActiveChannels: 0

Event: EndpointListComplete
EventList: Complete
ListItems: 1"""
NO_CONTACTS = "Response: Error\nMessage: No Contacts found"

Start = Callable[..., FlaskClient]


@pytest.fixture
def manager() -> Iterator[ScriptedManager]:
    with ScriptedManager() as scripted:
        yield scripted


@pytest.fixture
def start(manager: ScriptedManager, tmp_path: Path) -> Iterator[Start]:
    """Start an application with these variables set; each is closed at the end."""
    closing = []

    def started(**environ: str) -> FlaskClient:
        base = {
            "API_SECRET_KEY": KEY, "STORE_URL": "sqlite://", "ACCESS_LOG": "false", "LOG_PATH": str(tmp_path),
            "AMI_PORT": str(manager.port), "AMI_USERNAME": "admin", "AMI_SECRET": "123456", "LIVE_TTL": "0",
            "PJSIP_CONF_PATH": str(tmp_path / "pjsip.conf"), "SIP_CONF_PATH": str(tmp_path / "sip.conf"),
        }  # fmt: skip
        app = create_app(Settings.from_environ(base | environ))
        closing.append(app.extensions["pbxapi"])
        return app.test_client()

    yield started
    for state in closing:
        state.pbx.close()
        state.store.close()


@pytest.fixture
def client(start: Start) -> FlaskClient:
    """As a new installation is: strict."""
    return start()
