"""Whatever the older interface is sent, it answers in its own envelope, and never with a fault of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pbxapi.demo.command import demo_app
from pbxapi.demo.exchange import DemoExchange
from pbxapi.legacy.commands import COMMANDS

# What all commands together look at.
NAMES = [
    "account", "name", "secret", "context", "type", "deny", "dtmfmode", "host", "port", "transport", "callgroup",
    "mailbox", "permit", "callerid", "accountcode", "grpnum", "strategy", "grptime", "grplist", "pre_ring", "ringing",
    "annmsg_id", "toolate_id", "needsconf", "postdest", "dring", "grppre", "queue", "device", "penalty", "channel",
    "extension", "timeout", "start_date", "end_date", "field_name", "field_pattern", "status", "limit", "custom",
]  # fmt: skip
VALUES = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            "100", "PJSIP/100", "2026-11-22 00:00:00", "../../../etc/passwd", "1' OR '1'='1", "x\r\nAction: Logoff",
            "Local/00900@from-internal", "${SHELL(id)}", "=1+1", "-1", "9" * 400, "\x00", "\ud83d",
        ]
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    exchange = DemoExchange(seed=1)
    exchange.start()
    app = demo_app(exchange, tmp_path_factory.mktemp("demo"), days=1)
    yield app.test_client()
    app.extensions["pbxapi"].pbx.close()
    app.extensions["pbxapi"].store.close()
    exchange.stop()


def encoded(parameters: dict[str, str]) -> str:
    return urlencode({name: value.encode("utf-8", "surrogatepass") for name, value in parameters.items()})


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_a_command_answers_in_the_old_envelope_whatever_it_is_sent(client: FlaskClient, command: str) -> None:
    @given(
        form=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=8),
        query=st.dictionaries(st.sampled_from(["name", "channel", "queue", "limit"]), VALUES, max_size=2),
    )
    @settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    def answers(form: dict[str, str], query: dict[str, str]) -> None:
        with client.post(
            f"/api.php?{encoded({'cmd': command, **query})}",
            data=encoded(form),
            content_type="application/x-www-form-urlencoded",
            headers={"Authorization": "demo"},
        ) as response:
            assert response.status_code in {200, 400, 404, 501, 503}, response.get_data(as_text=True)
            if response.status_code != 200:
                document = json.loads(response.get_data(as_text=True))
                assert document["code"] == response.status_code
                assert not {"Traceback", "sqlalchemy"} & set(str(document).split())

    answers()
