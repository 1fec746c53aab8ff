"""The application keeps to its own OpenAPI document, whatever it is sent: schemathesis over the demo exchange."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import checks
from schemathesis.specs.openapi.checks import positive_data_acceptance

from pbxapi.app import create_app
from pbxapi.demo.command import demo_app
from pbxapi.demo.exchange import DemoExchange
from pbxapi.settings import DEMO_KEY, Settings

AUTHORIZED = {"Authorization": "Bearer demo"}
# A cursor, a context or a number may fit its schema and not be there (422); ARI is switched off in the demo (501).
BEYOND_THE_SCHEMA = [checks.not_a_server_error, positive_data_acceptance]
METHODS = {"get", "post", "put", "patch", "delete"}


def operations() -> list[tuple[str, str]]:
    """Every method and path of the document, which needs no exchange."""
    document = create_app(Settings(api_secret_key=DEMO_KEY, demo=True)).extensions["pbxapi.api"].document()
    return [(method.upper(), path) for path, item in document["paths"].items() for method in item if method in METHODS]


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    exchange = DemoExchange(seed=1)
    exchange.start()
    app = demo_app(exchange, Path(tmp_path_factory.mktemp("demo")))
    yield schemathesis.openapi.from_wsgi("/openapi.json", app)
    app.extensions["pbxapi"].pbx.close()
    app.extensions["pbxapi"].store.close()
    exchange.stop()


@pytest.mark.parametrize(("method", "path"), operations())
def test_every_operation_answers_as_it_is_described(described: Any, method: str, path: str) -> None:
    @given(case=described[path][method].as_strategy())
    @settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None)
    def conforms(case: Any) -> None:
        response = case.call_and_validate(headers=AUTHORIZED, excluded_checks=BEYOND_THE_SCHEMA)
        assert response.status_code != 500

    conforms()


def test_every_path_that_is_served_is_documented(described: Any) -> None:
    served = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for rule in described.app.url_map.iter_rules()
        if not rule.rule.startswith(("/docs", "/problems", "/api", "/openapi.json"))
    }
    assert served - {"/"} == set(described.raw_schema["paths"])
