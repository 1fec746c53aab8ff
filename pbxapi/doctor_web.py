"""What the doctor says of who can come in, and of what stands in front."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from pbxapi.findings import Finding

if TYPE_CHECKING:
    from pbxapi.pbx.interfaces import Pbx
    from pbxapi.settings import Settings

STRONG = 80
"""Bits, counted by how often each character comes: 20 different ones have 86, 16 have 64."""

NEW_KEY = "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"


def web(settings: Settings, pbx: Pbx, workers: int) -> Iterator[Finding]:
    """Look at the key, the proxies, the limits, and what is open to whom."""
    if strength(settings.api_secret_key) < STRONG:
        advice = f"Make another: {NEW_KEY}"
        yield Finding("remark", "API_SECRET_KEY could be guessed: it is short, or of few characters", advice)
    else:
        yield Finding("fine", "API_SECRET_KEY: long, and of many characters")
    yield from _proxies(settings, pbx)
    if settings.limits.storage.startswith("memory") and workers > 1:
        advice = "A Redis server counts for all: RATE_LIMIT_STORAGE=redis://127.0.0.1:6379/0"
        what = f"rate limits: each of {workers} workers counts for itself, so that {workers} times as much is let in"
        yield Finding("remark", what, advice)
    if not settings.metrics.token:
        advice = f"For a Prometheus elsewhere, or through nginx or a Unix socket, set METRICS_TOKEN: {NEW_KEY}"
        yield Finding("remark", "/metrics: answers to this host alone, and not through a web server", advice)
    if settings.tracing.endpoint and _tracing_is_missing():
        advice = "pip install 'pbxapi[opentelemetry]', into the environment that pbxapi runs in"
        yield Finding("fault", "OTEL_EXPORTER_OTLP_ENDPOINT is set, and OpenTelemetry is not installed", advice)
    if settings.legacy.auth_enabled:
        advice = "Unless an old client needs it: LEGACY_AUTH_ENABLED=false"
        yield Finding("remark", "?cmd=auth hands out the manager's password", advice)
    if "*" in settings.web.cors_origins:
        advice = "Name them: REST_CORS_ORIGINS=https://crm.example.com"
        yield Finding("remark", "REST_CORS_ORIGINS: web pages of any origin may call", advice)


def _tracing_is_missing() -> bool:
    # It imports prometheus_client, which `pbxapi serve` must not have done before its folder is there.
    from pbxapi import tracing  # noqa: PLC0415

    return tracing.missing()


def strength(key: str) -> float:
    """The bits of a key, as far as the frequencies of its characters tell: of what somebody thought of, too many."""
    counts = Counter(key)
    return -sum(count * math.log2(count / len(key)) for count in counts.values()) if key else 0.0


def _proxies(settings: Settings, pbx: Pbx) -> Iterator[Finding]:
    """A web server beside us is most likely in front of us: then every caller has its address, unless it is trusted."""
    in_front = [each.program for each in pbx.host.services().items if each.name == "web_server" and each.program]
    if settings.web.trusted_proxies:
        names = ", ".join(map(str, settings.web.trusted_proxies))
        yield Finding("fine", f"TRUSTED_PROXIES: {names}")
    elif in_front:
        advice = (
            "If it passes requests on to pbxapi: TRUSTED_PROXIES=127.0.0.1, or unix for a Unix socket. Without it all\n"
            "callers have its address in the audit log, share one rate limit, and a key's networks do not fit."
        )
        yield Finding("remark", f"{in_front[0]} runs here, and TRUSTED_PROXIES is not set", advice)
