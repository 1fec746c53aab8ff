"""How the older interface answers and says no: in JSON with honest statuses, or as its first generation did."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Response
from werkzeug.exceptions import TooManyRequests

from pbxapi.http.auth import KeyRefused, ScopeLacking
from pbxapi.http.body import encode
from pbxapi.http.problems import explain

STATUSES = {422: 400, 502: 503, 504: 503}
"""This interface knows no 422; and what the exchange refuses or does not answer in time counts as not reachable."""


class Failure(Exception):
    """An answer that says no. `classic` is the bare text that the first generation had for it."""

    def __init__(
        self, status: int, text: str, *, classic: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.classic = classic
        self.headers = dict(headers or {})


def success(document: object) -> Response:
    """Answer with JSON."""
    return Response(encode(document).body, content_type="application/json")


def plain(text: str) -> Response:
    """Answer with text."""
    response = Response(text, content_type="text/plain; charset=utf-8")
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def failure(found: Failure, *, classic: bool) -> Response:
    """Answer with what went wrong. The first generation's clients know no status but 200."""
    if classic and found.classic is not None:
        response = Response(found.classic, content_type="text/html; charset=UTF-8")
    else:
        response = success({"error": found.text, "code": found.status})
        response.status_code = 200 if classic else found.status
    response.headers.update(found.headers)
    return response


def understood(error: Exception, name: str) -> Failure:
    """Say what went wrong with the command of this name, in words that may be shown."""
    if isinstance(error, Failure):
        return error
    if isinstance(error, KeyRefused):
        return Failure(401, "Unauthorized", classic="key not matched", headers={"WWW-Authenticate": error.challenge})
    if isinstance(error, ScopeLacking):
        return Failure(403, str(error.description), headers={"WWW-Authenticate": error.challenge})
    kind, words = explain(error)
    if isinstance(error, TooManyRequests):
        return Failure(429, words, headers={"Retry-After": str(error.retry_after)})
    if kind.status == 501:
        words = f"{name} requires what is not there. {words}"
    if kind.status == 500:
        words = "Internal server error"
    return Failure(STATUSES.get(kind.status, kind.status), words)
