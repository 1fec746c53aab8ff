"""Traces, by OpenTelemetry: a span for each request, and below it one for each question to Asterisk and each statement.

Nothing of it is imported, and nothing costs anything, unless OTEL_EXPORTER_OTLP_ENDPOINT says where spans go. A span
tells what a line of the log and a metric tell: no query (it may hold a secret), no number, no SQL.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Iterable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from pbxapi import __version__, metrics
from pbxapi.ami import pending

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment
    from flask import Flask
    from opentelemetry.trace import Tracer

    from pbxapi.settings import Tracing

PACKAGES = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")

log = logging.getLogger("pbxapi.tracing")


def install(app: Flask, settings: Tracing) -> None:
    """Trace the requests of this application, where that is configured and its packages are there."""
    if not settings.endpoint:
        return
    if missing():
        log.error("OTEL_EXPORTER_OTLP_ENDPOINT is set, and nothing is traced: pip install 'pbxapi[opentelemetry]'")
        return
    app.wsgi_app = _Traced(app.wsgi_app, settings)  # type: ignore[method-assign]


def missing() -> bool:
    """Whether a package is missing that tracing needs."""
    try:
        return not all(map(find_spec, PACKAGES))
    except ModuleNotFoundError:
        return True


class _Traced:
    """WSGI middleware. It stands before the one that logs, whose request id it notes.

    Spans are sent by a thread, which a fork would lose: so it is begun by the first request of a process.
    """

    def __init__(self, app: WSGIApplication, settings: Tracing) -> None:
        self._app = app
        self._settings = settings
        self._beginning = threading.Lock()
        self._tracer: Tracer | None = None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        from opentelemetry.propagate import extract  # noqa: PLC0415
        from opentelemetry.trace import SpanKind  # noqa: PLC0415

        sent = {name: environ[f"HTTP_{name.upper()}"] for name in _CARRIED if f"HTTP_{name.upper()}" in environ}
        method = environ["REQUEST_METHOD"]
        tracer = self._tracer or self._begin()
        with tracer.start_as_current_span(method, extract(sent), SpanKind.SERVER) as span:

            def start(line: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
                _describe(span, environ, int(line[:3]), dict(headers))
                return start_response(line, headers, *exc_info)

            return self._app(environ, start)

    def _begin(self) -> Tracer:
        with self._beginning:
            if self._tracer is None:
                self._tracer = _tracer(self._settings)
                _observe(self._tracer)
            return self._tracer


_CARRIED = ("traceparent", "tracestate")
"""W3C Trace Context: what a client's own trace is continued by."""


def _tracer(settings: Tracing) -> Tracer:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio  # noqa: PLC0415
    from opentelemetry.util.re import parse_env_headers  # noqa: PLC0415

    exporter = OTLPSpanExporter(
        endpoint=f"{settings.endpoint.rstrip('/')}/v1/traces",
        headers=dict(parse_env_headers(settings.headers, liberal=True)),
        timeout=SEND_SECONDS,
    )
    provider = TracerProvider(
        ParentBasedTraceIdRatio(settings.ratio),
        Resource.create({"service.name": settings.service_name, "service.version": __version__}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(BatchSpanProcessor(exporter))
    atexit.register(provider.shutdown)
    return provider.get_tracer("pbxapi")


SEND_SECONDS = 5
"""How long a collector may take with what it is sent, and so about how long it can delay the end of a worker."""


def _describe(span: Any, environ: WSGIEnvironment, status: int, headers: dict[str, str]) -> None:
    from opentelemetry.trace import StatusCode  # noqa: PLC0415

    route = environ.get(metrics.ROUTE)
    if route:
        span.update_name(f"{environ['REQUEST_METHOD']} {route}")
        span.set_attribute("http.route", route)
    # https://opentelemetry.io/docs/specs/semconv/http/http-spans/
    span.set_attribute("http.request.method", environ["REQUEST_METHOD"])
    span.set_attribute("http.response.status_code", status)
    span.set_attribute("pbxapi.request_id", headers.get("X-Request-ID", ""))
    if status >= 500:
        span.set_status(StatusCode.ERROR)


def _observe(tracer: Tracer) -> None:
    from opentelemetry.trace import SpanKind, StatusCode, get_current_span  # noqa: PLC0415

    def note(name: str, seconds: float, outcome: str, attributes: dict[str, str]) -> None:
        # What happens beside requests, such as a login, has no trace to belong to.
        if get_current_span().is_recording():
            began = time.time_ns() - int(seconds * 1e9)
            span = tracer.start_span(name, kind=SpanKind.CLIENT, attributes=attributes, start_time=began)
            if outcome != "ok":
                span.set_status(StatusCode.ERROR, outcome)
            span.end()

    def note_action(action: str, outcome: str, seconds: float) -> None:
        note(f"AMI {action}", seconds, outcome, {"pbxapi.ami.action": action})

    def note_statement(database: str, statement: str, outcome: str, seconds: float) -> None:
        verb = statement.split(None, 1)[0].upper()
        note(f"{verb} {database}", seconds, outcome, {"db.namespace": database, "db.operation.name": verb})

    pending.observers.append(note_action)
    metrics.observers.append(note_statement)
