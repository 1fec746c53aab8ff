"""An application over queues that live in memory, for the tests of `/queues` and `/agents`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pbxapi.logs import AUDIT
from tests.http.provisioned import KEY, application
from tests.things_queues import (
    NOON,
    MemoryAgents,
    MemoryQueues,
    MemoryQueueSetup,
    interface_of,
    queue,
    seated,
    support,
    waiting,
)


@dataclass
class Served:
    """A client, and what lies behind it."""

    client: FlaskClient
    queues: MemoryQueues
    setup: MemoryQueueSetup

    def ask(
        self, method: str, path: str, status: int = 200, body: object = None, headers: Mapping[str, str] | None = None
    ) -> TestResponse:
        answer = self.client.open(path, method=method, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer

    def json(
        self, method: str, path: str, status: int = 200, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        return self.ask(method, path, status, body, headers).get_json()


@contextmanager
def serving(*, platform: bool = True) -> Iterator[Served]:
    """Two queues: 400, which has all, and `overflow`, which only Asterisk has. `platform`: there are tables."""
    app = application()
    before = app.extensions["pbxapi"]
    setup = MemoryQueueSetup(support())
    static = seated(interface_of("200"), extension="200", name="Alice", membership="static", configured=True)
    trunk = seated("PJSIP/210", paused=True, paused_reason="lunch", paused_since=NOON, last_call=NOON)
    queues = MemoryQueues(
        queue("400", static, trunk, callers=(waiting(1, 42), waiting(2, 5))),
        queue("overflow", strategy="leastrecent"),
        setup=setup if platform else None,
    )
    pbx = replace(before.pbx, queues=queues, queue_setup=setup if platform else None, agents=MemoryAgents(queues))
    app.extensions["pbxapi"] = replace(before, pbx=pbx)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {KEY}"
    yield Served(client, queues, setup)
    app.extensions["pbxapi"] = before


def entries(caplog: pytest.LogCaptureFixture) -> list[Any]:
    """The entries of the audit log."""
    return [getattr(each, "audit_entry") for each in caplog.records if each.name == AUDIT]  # noqa: B009


def audited(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the audit log says, without who and from where."""
    return [": ".join(filter(None, (f"{each.action} {each.target}", each.detail))) for each in entries(caplog)]
