"""Letting web pages of other origins call the REST interface: off unless REST_CORS_ORIGINS names some."""

from __future__ import annotations

import re
from collections.abc import Sequence

from flask import Flask
from flask_cors import CORS

# All but the paths of the older interface, which has its own header and its own setting.
_PATHS = r"/(?!$|api\.php$|api/api\.php$)"
_ASKED = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "Last-Event-ID",
    "Range",
    "X-API-Key",
    "X-Request-ID",
)
_TOLD = (
    "Accept-Ranges",
    "Age",
    "Content-Disposition",
    "Content-Range",
    "ETag",
    "Idempotency-Replayed",
    "Link",
    "Location",
    "RateLimit",
    "RateLimit-Policy",
    "Retry-After",
    "WWW-Authenticate",
    "X-Request-ID",
)


def install(app: Flask, origins: Sequence[str]) -> None:
    """Allow these origins, each exactly, or all with `*`; a preflight needs no key.

    Never with credentials: a page puts the key into a header by itself, and cookies are not looked at.
    """
    if not origins:
        return
    everybody = "*" in origins
    # Flask-Cors takes a text with brackets in it, such as http://[::1], for a regular expression.
    exact = [re.compile(rf"{re.escape(origin)}\Z") for origin in origins]
    CORS(
        app,
        resources={_PATHS: {"origins": "*" if everybody else exact}},
        allow_headers=list(_ASKED),
        expose_headers=list(_TOLD),
        supports_credentials=False,
        send_wildcard=everybody,
        always_send=False,
        max_age=600,
    )
