"""`GET /metrics`: this program and the exchange in numbers, for Prometheus."""

from __future__ import annotations

import hmac
import ipaddress
from typing import TYPE_CHECKING

from flask import Flask, Response, current_app, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from pbxapi import metrics
from pbxapi.http.auth import ScopeLacking, admit, public
from pbxapi.http.blueprint import Blueprint
from pbxapi.http.context import state
from pbxapi.http.exchange_metrics import ExchangeMetrics

if TYPE_CHECKING:
    from pbxapi.pbx.interfaces import Pbx

blp = Blueprint("metrics", __name__, description="Numbers for Prometheus")

SCOPE = "system"
EXCHANGE = "pbxapi.exchange_metrics"
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")


def install(app: Flask, pbx: Pbx) -> None:
    """Know the exchange that is asked."""
    app.extensions[EXCHANGE] = registry = CollectorRegistry()
    registry.register(ExchangeMetrics(pbx))


@blp.get("/metrics")
@public
@blp.response(200, description="In Prometheus' text format.", content_type="text/plain")
@blp.problems(401, 403, 429)
def get_metrics() -> Response:
    """This program and the exchange in numbers

    For who brings METRICS_TOKEN, or a key with the scope `system`, and for requests from this host itself that came
    through no proxy. Parts of the exchange that do not answer within three seconds are left out: `pbxapi_scrape_ok`
    says which. No label holds a number or a name of a caller.
    """
    if not (_brings_token() or _is_from_here()):
        caller = admit(request.environ)
        if SCOPE not in caller.scopes:
            raise ScopeLacking(caller, SCOPE)
    exchange: CollectorRegistry = current_app.extensions[EXCHANGE]
    body = generate_latest(metrics.registry()) + generate_latest(exchange)
    return Response(body, content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _brings_token() -> bool:
    token = state().settings.metrics.token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    return bool(token) and hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


def _is_from_here() -> bool:
    """A proxy on this host passes on the requests of others: any sign of one, and it is not from here."""
    if any(name in request.environ for name in _FORWARDED):
        return False
    try:
        return ipaddress.ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
