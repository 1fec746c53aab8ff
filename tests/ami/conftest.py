from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from pbxapi.ami import Client
from tests.ami.scripted import ScriptedManager

settings.register_profile("ami", deadline=None)  # a busy machine is no failure
settings.load_profile("ami")


@pytest.fixture
def manager() -> Iterator[ScriptedManager]:
    with ScriptedManager() as manager:
        yield manager


@pytest.fixture
def client(manager: ScriptedManager) -> Iterator[Client]:
    client = manager.client()
    yield client
    client.close()
