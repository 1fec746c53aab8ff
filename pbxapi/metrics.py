"""What this program counts of itself, for Prometheus: requests, questions to Asterisk, statements, applies.

With several workers prometheus_client keeps the numbers in files of a folder (PROMETHEUS_MULTIPROC_DIR), which has to
be known before it is imported: `pbxapi serve` makes one. No label holds a number, a name or an address of anybody.
"""

from __future__ import annotations

import os
import time
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.multiprocess import MultiProcessCollector
from sqlalchemy import Engine, event

from pbxapi.ami import pending
from pbxapi.pbx import applying

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment
    from flask import Flask

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
ROUTE = "pbxapi.route"
"""Where a request's route is kept in its environ: a template such as /peers/<name>, or ?cmd=sippeers."""

_OWN = CollectorRegistry()
# As prometheus_client itself found it when it was imported.
_SHARED = FOLDER in os.environ
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_AT = "pbxapi.statement_began"

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
BUILD = Gauge("pbxapi_build", "1, with the version.", ["version"], registry=_OWN, multiprocess_mode="max")


def registry() -> CollectorRegistry:
    """What a scrape collects: the sum over all workers where they share a folder."""
    if not _SHARED:
        return _OWN
    found = CollectorRegistry()
    MultiProcessCollector(found)  # type: ignore[no-untyped-call]
    return found


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


def forget_worker(pid: int) -> None:
    """A worker ended: its counts stay, what it alone had is gone."""
    folder = os.environ.get(FOLDER)
    if folder:
        for path in Path(folder).glob(f"gauge_live*_{pid}.db"):
            path.unlink(missing_ok=True)


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


def _count_statement(connection: Any, *_: object) -> None:
    began = connection.info.pop(_AT, None)
    name = _database(connection.engine)
    STATEMENTS.labels(name, "ok").inc()
    if began is not None:
        STATEMENT_SECONDS.labels(name).inc(time.perf_counter() - began)


def _count_failure(context: Any) -> None:
    if context.engine is not None:
        STATEMENTS.labels(_database(context.engine), "failed").inc()


def _database(engine: Engine) -> str:
    """What the engine is called here, else the name of its database."""
    return engine.logging_name or engine.url.database or "none"
