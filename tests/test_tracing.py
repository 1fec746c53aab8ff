"""What a collector of OpenTelemetry is sent by a server that runs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from pbxapi.demo.exchange import DemoExchange
from tests.things_serve import KEY, serving, status

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


class Collector(HTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[Span] = []
        self.resource: dict[str, str] = {}
        self.headers: list[str | None] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Collector)
        assert self.path == "/v1/traces"
        got = ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.headers.append(self.headers["X-Tenant"])
        for each in got.resource_spans:
            self.server.resource |= {item.key: item.value.string_value for item in each.resource.attributes}
            self.server.spans.extend(span for scope in each.scope_spans for span in scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join(10)


@pytest.fixture
def exchange() -> Iterator[DemoExchange]:
    demo = DemoExchange(seed=1)
    demo.start()
    yield demo
    demo.stop()


def attributes(span: Span) -> dict[str, object]:
    return {item.key: item.value.string_value or item.value.int_value for item in span.attributes}


# With four the application is made before the workers are forked.
@pytest.mark.parametrize("workers", ["1", "4"])
def test_a_request_is_followed_from_its_client_to_the_exchange_and_the_store(
    tmp_path: Path, collector: Collector, exchange: DemoExchange, workers: str
) -> None:
    manager = {"AMI_PORT": str(exchange.port), "AMI_USERNAME": "demo", "AMI_SECRET": "demo"}
    sent_to = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_EXPORTER_OTLP_HEADERS": "x-tenant=ours"}
    key = {"Authorization": f"Bearer {KEY}"}
    with serving(tmp_path, "--workers", workers, "--threads", "2", **manager, **sent_to) as (url, process):
        assert status(f"{url}/channels?linkedid=hush", **key, traceparent=f"00-{TRACE}-{PARENT}-01") == 200
        assert status(f"{url}/keys", **key) == 200
        process.terminate()
        assert process.wait(30) == 0
    assert collector.resource["service.name"] == "pbxapi"
    assert set(collector.headers) == {"ours"}
    named = {span.name: span for span in collector.spans}
    request = named["GET /channels"]
    assert (request.trace_id.hex(), request.parent_span_id.hex()) == (TRACE, PARENT)
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    [identity] = [line["request_id"] for line in lines if line.get("path") == "/channels"]
    assert attributes(request) == {
        "http.route": "/channels",
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "pbxapi.request_id": identity,
    }
    action = named["AMI Status"]
    assert (action.trace_id, action.parent_span_id) == (request.trace_id, request.span_id)
    assert request.start_time_unix_nano <= action.start_time_unix_nano <= action.end_time_unix_nano
    assert named["SELECT store"].parent_span_id == named["GET /keys"].span_id
    told = " ".join(map(str, collector.spans))
    assert KEY not in told
    assert "hush" not in told


def test_a_collector_that_is_away_keeps_nobody_waiting(tmp_path: Path, collector: Collector) -> None:
    collector.server_close()
    with serving(tmp_path, "--workers", "1", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as (url, process):
        assert status(f"{url}/peers") == 401
        process.terminate()
        assert process.wait(30) == 0


def test_what_failed_is_a_span_of_an_error(tmp_path: Path, collector: Collector) -> None:
    with serving(tmp_path, "--workers", "1", AMI_PORT="1", OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as (url, process):
        assert status(f"{url}/channels", Authorization=f"Bearer {KEY}") == 503
        assert status(f"{url}/health/live") == 200
        process.terminate()
        assert process.wait(30) == 0
    failed = {span.name for span in collector.spans if span.status.code == Status.STATUS_CODE_ERROR}
    assert failed == {"AMI Status", "GET /channels"}
