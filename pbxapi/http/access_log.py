"""Around every request: its id, and one line in the log when its answer begins."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from functools import lru_cache
from json.encoder import encode_basestring as _quote
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from pbxapi import metrics, request_id
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
            seconds = time.perf_counter() - began
            metrics.count_request(environ, status, seconds)
            if log.isEnabledFor(logging.INFO):
                line = _line(environ, identity, status, seconds)
                # As log.info() does, less looking for the line of code that logs (8 of 26 µs).
                log.handle(log.makeRecord(ACCESS, logging.INFO, __file__, 0, line, (), None))


def _line(environ: WSGIEnvironment, identity: str, status: str, seconds: float) -> str:
    principal = environ.get(PRINCIPAL)
    # WSGI gives the path's bytes as Latin-1 (PEP 3333).
    path = environ.get("PATH_INFO", "").encode("latin-1", "replace").decode("utf-8", "replace")
    now = time.time()
    # Put together by hand, in half the time of json.dumps: this is done for every request.
    line = (
        f'{{"time":"{_second(int(now))}.{int(now % 1 * 1000):03d}+00:00","request_id":"{identity}"'
        f',"method":{_quote(environ.get("REQUEST_METHOD", ""))},"path":{_quote(path)},"status":{status[:3]}'
        f',"ms":{seconds * 1000:.2f},"key":{_quote(principal.name) if principal else "null"}'
        f',"remote":{_quote(environ.get("REMOTE_ADDR", ""))}'
    )
    query = environ.get("QUERY_STRING")
    if query:
        line += f',"query":{_quote("&".join(map(_without_secret, query.split("&"))))}'
    if REFUSED in environ:
        line += f',"refused":{_quote(environ[REFUSED])}'
    return line + "}"


@lru_cache(maxsize=2)
def _second(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))


def _without_secret(parameter: str) -> str:
    name, equals, _ = parameter.partition("=")
    plain = unquote_plus(name).lower()
    return f"{name}{equals}***" if equals and any(word in plain for word in _SECRETIVE) else parameter
