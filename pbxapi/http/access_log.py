"""Around every request: its id, and one line in the log when its answer begins."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from pbxapi import request_id
from pbxapi.http.auth import PRINCIPAL, REFUSED
from pbxapi.logs import ACCESS

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(ACCESS)

_SECRETIVE = ("key", "token", "secret", "pass", "pwd", "auth", "sig")


class AccessLog:
    """WSGI middleware. The answer's body goes through as it is, so that a server can still send a file by itself."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request. The time in the log is until the whole of a plain answer, or the start of a stream."""
        began = time.perf_counter()
        identity = request_id.begin(environ.get("HTTP_X_REQUEST_ID"))
        status = "500"

        def start(line: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            nonlocal status
            status = line
            headers.append(("X-Request-ID", identity))
            return start_response(line, headers, *exc_info)

        try:
            return self._app(environ, start)
        finally:
            if log.isEnabledFor(logging.INFO):
                log.info("%s", _line(environ, identity, status, time.perf_counter() - began))


def _line(environ: WSGIEnvironment, identity: str, status: str, seconds: float) -> str:
    principal = environ.get(PRINCIPAL)
    entry = {
        "time": _now(),
        "request_id": identity,
        "method": environ.get("REQUEST_METHOD"),
        # WSGI gives the path's bytes as Latin-1 (PEP 3333).
        "path": environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace"),
        "status": int(status[:3]),
        "ms": round(seconds * 1000, 2),
        "key": principal.name if principal else None,
        "remote": environ.get("REMOTE_ADDR"),
    }
    query = environ.get("QUERY_STRING")
    if query:
        entry["query"] = "&".join(_without_secret(part) for part in query.split("&"))
    if REFUSED in environ:
        entry["refused"] = environ[REFUSED]
    return _encode(entry)


def _now() -> str:
    now = time.time()
    whole = int(now)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(whole))}.{int((now - whole) * 1000):03d}+00:00"


def _without_secret(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    plain = unquote_plus(name).lower()
    return f"{name}{equals}***" if equals and any(word in plain for word in _SECRETIVE) else parameter


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
