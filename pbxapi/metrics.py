"""What this program counts of itself, for Prometheus: requests, questions to Asterisk, statements, applies.

With several workers prometheus_client keeps the numbers in files of a folder (PROMETHEUS_MULTIPROC_DIR), which has to
be known before it is imported: `pbxapi serve` makes one. No label holds a number, a name or an address of anybody.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import Engine, event

from pbxapi import metrics_folder
from pbxapi.ami import pending
from pbxapi.pbx import applying

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from flask import Flask

ROUTE = "pbxapi.route"
"""Where a request's route is kept in its environ: a template such as /peers/<name>, or ?cmd=sippeers."""

observers: list[Callable[[str, str, str, float], None]] = []
"""Who is told of every SQL statement that ended: its database, its text, `ok` or `failed`, and seconds."""

_OWN = CollectorRegistry()
# As prometheus_client itself found it when it was imported.
_SHARED = metrics_folder.VARIABLE in os.environ
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_AT = "pbxapi.statement_began"
# One more for each counter and histogram, that nobody asks for, and that several workers could not sum.
disable_created_metrics()  # type: ignore[no-untyped-call]

REQUESTS = Counter("pbxapi_requests", "Requests answered.", ["method", "route", "status"], registry=_OWN)
REQUEST_SECONDS = Histogram(
    "pbxapi_request_seconds", "Time until an answer was there, or a stream began.", ["route"], buckets=_SECONDS,
    registry=_OWN,
)  # fmt: skip
AMI_ACTIONS = Counter("pbxapi_ami_actions", "Questions to Asterisk's manager.", ["action", "outcome"], registry=_OWN)
AMI_SECONDS = Histogram(
    "pbxapi_ami_seconds", "Time until the manager's whole answer.", ["action"], buckets=_SECONDS, registry=_OWN
)
STATEMENTS = Counter("pbxapi_db_statements", "SQL statements.", ["database", "outcome"], registry=_OWN)
STATEMENT_SECONDS = Counter("pbxapi_db_seconds", "Time of SQL statements.", ["database"], registry=_OWN)
APPLIES = Counter("pbxapi_applies", "Runs that applied the configuration.", ["outcome"], registry=_OWN)
APPLY_SECONDS = Counter("pbxapi_apply_seconds", "Time of these runs.", registry=_OWN)
BUILD = Gauge("pbxapi_build", "1, with the version.", ["version"], registry=_OWN, multiprocess_mode="livemax")


def registry() -> CollectorRegistry:
    """What a scrape collects: the sum over all workers where they share a folder."""
    if not _SHARED:
        return _OWN
    found = CollectorRegistry()
    _Workers(found)  # type: ignore[no-untyped-call]
    return found


class _Workers(MultiProcessCollector):
    def collect(self) -> Any:
        with metrics_folder.reading():
            return super().collect()  # type: ignore[no-untyped-call]


def install(app: Flask) -> None:
    """Count what this application does from now on. Once is enough for a process: a second time adds nothing."""
    app.url_value_preprocessor(_note_route)
    BUILD.labels(version("pbxapi")).set(1)
    if _count_action not in pending.observers:
        pending.observers.append(_count_action)
        applying.observers.append(_count_apply)
        event.listen(Engine, "before_cursor_execute", _begin_statement)
        event.listen(Engine, "after_cursor_execute", _count_statement)
        event.listen(Engine, "handle_error", _count_failure)


def count_request(environ: WSGIEnvironment, status: str, seconds: float) -> None:
    """Count one request that was answered with this status line."""
    route = environ.get(ROUTE, "none")
    _request(environ["REQUEST_METHOD"] if route != "none" else "any", route, status[:3]).inc()
    _request_seconds(route).observe(seconds)


@lru_cache(maxsize=4096)
def _request(method: str, route: str, status: str) -> Any:
    return REQUESTS.labels(method, route, status)


@lru_cache(maxsize=1024)
def _request_seconds(route: str) -> Any:
    return REQUEST_SECONDS.labels(route)


@lru_cache(maxsize=1024)
def _action(action: str, outcome: str) -> tuple[Any, Any]:
    return AMI_ACTIONS.labels(action, outcome), AMI_SECONDS.labels(action)


def _count_action(action: str, outcome: str, seconds: float) -> None:
    count, histogram = _action(action, outcome)
    count.inc()
    histogram.observe(seconds)


def _count_apply(*, ok: bool, seconds: float) -> None:
    APPLIES.labels("ok" if ok else "failed").inc()
    APPLY_SECONDS.inc(seconds)


def _note_route(endpoint: str | None, values: object) -> None:
    from flask import request  # noqa: PLC0415

    rule = request.url_rule
    if rule is not None:
        request.environ.setdefault(ROUTE, rule.rule)


def _begin_statement(connection: Any, *_: object) -> None:
    connection.info[_AT] = time.perf_counter()


def _count_statement(connection: Any, _cursor: object, statement: str, *_: object) -> None:
    _end_statement(connection, connection.engine, statement, "ok")


def _count_failure(context: Any) -> None:
    if context.engine is not None:
        _end_statement(context.connection, context.engine, context.statement or "CONNECT", "failed")


def _end_statement(connection: Any, engine: Engine, statement: str, outcome: str) -> None:
    name = _database(engine)
    began = connection.info.pop(_AT, None) if connection is not None else None
    seconds = time.perf_counter() - began if began is not None else 0.0
    STATEMENTS.labels(name, outcome).inc()
    STATEMENT_SECONDS.labels(name).inc(seconds)
    for observe in observers:
        observe(name, statement, outcome, seconds)


def _database(engine: Engine) -> str:
    """What the engine is called here, else the name of its database."""
    return engine.logging_name or engine.url.database or "none"
