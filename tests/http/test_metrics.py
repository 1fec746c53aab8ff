from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families
from werkzeug.test import TestResponse

from pbxapi.app import create_app
from pbxapi.demo.command import demo_app
from pbxapi.demo.exchange import DemoExchange
from pbxapi.settings import Metrics

TOKEN = "a-token-of-prometheus"
FAR = {"REMOTE_ADDR": "192.0.2.7"}


class Scraped(dict[tuple[str, frozenset[tuple[str, str]]], float]):
    def __init__(self, text: str) -> None:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                self[sample.name, frozenset(sample.labels.items())] = sample.value

    def value(self, name: str, **labels: str) -> float:
        return self.get((name, frozenset(labels.items())), 0.0)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    exchange = DemoExchange(seed=1)
    exchange.start()
    app = demo_app(exchange, tmp_path_factory.mktemp("demo"), days=1)
    yield app
    app.extensions["pbxapi"].pbx.close()
    app.extensions["pbxapi"].store.close()
    exchange.stop()


def get(app: Flask, path: str, where: dict[str, str] | None = None, /, **headers: str) -> TestResponse:
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    return app.test_client().get(path, headers=sent, environ_base=where or {})


def scrape(app: Flask) -> Scraped:
    answer = get(app, "/metrics")
    assert answer.status_code == 200
    return Scraped(answer.text)


def asked(app: Flask, path: str) -> None:
    get(app, path, Authorization="Bearer demo").close()


def test_requests_are_counted_by_route_and_status(app: Flask) -> None:
    def counts(found: Scraped) -> list[float]:
        return [
            found.value("pbxapi_requests_total", method="GET", route="/peers/<name>", status="200"),
            found.value("pbxapi_requests_total", method="GET", route="/peers/<name>", status="404"),
            found.value("pbxapi_requests_total", method="GET", route="?cmd=sippeers", status="200"),
            found.value("pbxapi_requests_total", method="any", route="none", status="404"),
            found.value("pbxapi_request_seconds_count", route="/peers/<name>"),
        ]

    before = counts(scrape(app))
    for path in ("/peers/100", "/peers/nobody", "/api.php?cmd=sippeers", "/no/such/path"):
        asked(app, path)
    after = counts(scrape(app))
    assert [late - early for late, early in zip(after, before, strict=True)] == [1, 1, 1, 1, 2]


def test_questions_to_asterisk_and_statements_are_counted(app: Flask) -> None:
    def counts(found: Scraped) -> tuple[float, float, float]:
        return (
            found.value("pbxapi_ami_actions_total", action="CoreStatus", outcome="ok"),
            found.value("pbxapi_ami_seconds_count", action="CoreStatus"),
            found.value("pbxapi_db_statements_total", database="asterisk", outcome="ok"),
        )

    before = counts(scrape(app))
    asked(app, "/system/info")
    asked(app, "/extensions/100")
    after = counts(scrape(app))
    assert all(late > early for late, early in zip(after, before, strict=True)), (before, after)


def test_runs_that_apply_are_counted(app: Flask) -> None:
    before = scrape(app).value("pbxapi_applies_total", outcome="ok")
    headers = {"Authorization": "Bearer demo"}
    assert app.test_client().post("/system/apply", json={}, headers=headers).status_code == 200
    assert scrape(app).value("pbxapi_applies_total", outcome="ok") == before + 1


def test_the_exchange_is_told_in_numbers(app: Flask) -> None:
    found = scrape(app)
    assert found.value("pbxapi_peers", technology="pjsip", state="online") > 10
    assert found.value("pbxapi_queue_members", queue="800", state="free") >= 0
    assert ("pbxapi_queue_waiting", frozenset({("queue", "801")})) in found
    assert {part: found.value("pbxapi_scrape_ok", part=part) for part in ("peers", "calls", "queues", "apply")} == {
        "peers": 1, "calls": 1, "queues": 1, "apply": 1,
    }  # fmt: skip


def test_no_label_holds_a_number_or_a_name(app: Flask) -> None:
    body: dict[str, Any] = {
        "from": "100",
        "to": "101",
        "caller_id": "Mrs Marker <5557531>",
        "external_id": "marker-7531",
    }
    headers = {"Authorization": "Bearer demo", "X-Request-ID": "marker-7531"}
    assert app.test_client().post("/calls", json=body, headers=headers).status_code == 202
    asked(app, "/peers/marker-7531")
    asked(app, "/marker-7531")
    asked(app, "/api.php?cmd=marker-7531")
    app.test_client().open("/peers", method="MARKER-7531")
    for _, labels in scrape(app):
        for name, value in labels:
            assert "7531" not in value
            assert name in {"queue", "le"} or not any(number in value for number in ("100", "101")), (name, value)


def test_whoever_is_elsewhere_needs_the_token_or_a_key(app: Flask) -> None:
    assert get(app, "/metrics", FAR).status_code == 401
    assert get(app, "/metrics", FAR, Authorization=f"Bearer {TOKEN}").status_code == 401
    assert get(app, "/metrics", FAR, Authorization="Bearer demo").status_code == 200
    store = app.extensions["pbxapi"].store
    _, reader = store.keys.create("reader", ["read"], created_by="tests")
    _, system = store.keys.create("system", ["system"], created_by="tests")
    assert get(app, "/metrics", FAR, Authorization=f"Bearer {reader}").status_code == 403
    assert get(app, "/metrics", FAR, Authorization=f"Bearer {system}").status_code == 200


def test_a_request_that_came_through_a_proxy_is_not_from_here(app: Flask) -> None:
    for header in ("X_Forwarded_For", "Forwarded", "X_Real_IP", "Via"):
        assert get(app, "/metrics", **{header: "127.0.0.1"}).status_code == 401
    assert get(app, "/metrics", {"REMOTE_ADDR": ""}).status_code == 401
    assert get(app, "/metrics", {"REMOTE_ADDR": "::1"}).status_code == 200


def test_the_token_opens_it_from_anywhere(app: Flask) -> None:
    with_token = demo_app_with_token(app)
    assert get(with_token, "/metrics", FAR, Authorization=f"Bearer {TOKEN}").status_code == 200
    assert get(with_token, "/metrics", FAR, Authorization=f"Bearer {TOKEN}x").status_code == 401


def demo_app_with_token(app: Flask) -> Flask:
    there = app.extensions["pbxapi"]
    settings = dataclasses.replace(there.settings, metrics=Metrics(token=TOKEN))
    return create_app(settings, there.pbx, there.store)


def test_an_exchange_that_does_not_answer_is_said_to(tmp_path: Path) -> None:
    exchange = DemoExchange(seed=1)
    exchange.start()
    app = demo_app(exchange, tmp_path, days=1)
    exchange.stop()
    found = scrape(app)
    assert found.value("pbxapi_scrape_ok", part="peers") == 0
    assert not any(name == "pbxapi_peers" for name, _ in found)
    assert found.value("pbxapi_build", version=version("pbxapi")) == 1
    app.extensions["pbxapi"].pbx.close()
    app.extensions["pbxapi"].store.close()
