"""Who asks, and whether they may.

A key comes as `Authorization: Bearer <key>`, as the bare `Authorization: <key>` of the older interface, or as
`X-API-Key: <key>`; never in the URL, where logs and proxies would keep it.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import parse_qsl

from flask import request
from werkzeug.exceptions import Forbidden, Unauthorized

from pbxapi.http import idempotency, limits
from pbxapi.http.context import state
from pbxapi.http.parser import refuse_query
from pbxapi.settings import is_placeholder

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from pbxapi.pbx.call_policy import CallPolicy

P = ParamSpec("P")
R = TypeVar("R")

SCOPES = {
    "read": "peers, extensions without their secrets, calls, queues, system information",
    "cdr": "call detail records",
    "recordings": "recordings of calls",
    "calls": "place, transfer and hang up calls",
    "provision": "extensions, follow-me and queues",
    "secrets": "see SIP secrets",
    "system": "apply the configuration",
    "admin": "keys and the audit log",
}
# Where the access log finds who asked and why a key was refused.
PRINCIPAL = "pbxapi.principal"
REFUSED = "pbxapi.refused"
_MISPLACED = frozenset({"key", "api_key", "apikey", "api_secret_key", "token", "access_token", "authorization"})


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose key it was, and what it may do."""

    name: str
    scopes: frozenset[str]
    policy: CallPolicy | None = None


OWNER = Principal("API_SECRET_KEY", frozenset(SCOPES))


class KeyRefused(Unauthorized):
    """401. `reason` is why, in words for the caller; `error` the code of RFC 6750, 3.1."""

    def __init__(self, error: str, reason: str) -> None:
        super().__init__(f"No usable key: {reason}.")
        self.reason = reason
        self.challenge = f'Bearer realm="pbxapi", error="{error}", error_description="{reason}"'

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """Add the challenge."""
        return [*super().get_headers(*args, **kwargs), ("WWW-Authenticate", self.challenge)]


class ScopeLacking(Forbidden):
    """403: the key is known, and may not do this."""

    def __init__(self, principal: Principal, scope: str) -> None:
        super().__init__(f"The key {principal.name} lacks the scope {scope}.")
        self.challenge = f'Bearer realm="pbxapi", error="insufficient_scope", scope="{scope}"'

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """Add the challenge."""
        return [*super().get_headers(*args, **kwargs), ("WWW-Authenticate", self.challenge)]


def admit(environ: WSGIEnvironment) -> Principal:
    """Say whose key the request brings, unless it is one too many. Raises KeyRefused (401), TooManyRequests (429)."""
    limits.address(environ)
    try:
        caller = authenticate(environ)
    except KeyRefused:
        limits.bad_key(environ)
        raise
    limits.key(caller.name)
    return caller


def authenticate(environ: WSGIEnvironment) -> Principal:
    """Say whose key the request brings. Raises KeyRefused (401)."""
    header = environ.get("HTTP_AUTHORIZATION", "").strip()
    scheme, _, rest = header.partition(" ")
    # A bare key may hold a blank: all but Bearer's whole header is a key to try.
    bearer = rest.strip() if scheme.lower() == "bearer" else header
    for key in (bearer, environ.get("HTTP_X_API_KEY", "")):
        principal = identify(key) if key else None
        if principal is not None:
            environ[PRINCIPAL] = principal
            return principal
    refusal = _refusal(environ, scheme, rest)
    environ[REFUSED] = refusal.reason
    raise refusal


def identify(key: str) -> Principal | None:
    """Say whose key this is, in a time that does not tell how much of it was right. None: nobody's."""
    # WSGI gives a header's bytes as Latin-1 (PEP 3333); the key is compared as the UTF-8 it was sent as.
    given = key.encode("latin-1", "replace")
    if hmac.compare_digest(given, state().settings.api_secret_key.encode()):
        return OWNER
    return None


def principal() -> Principal:
    """Whose request this is; only in an operation behind `require`."""
    found: Principal = request.environ[PRINCIPAL]
    return found


def require(scope: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only keys with this scope in, before anything else of the request is looked at.

    Stands right below the route, above whatever reads arguments.
    """
    if scope not in SCOPES:
        raise ValueError(f"no such scope: {scope}")

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        strict = not _reads_query(view)

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            environ = request.environ
            caller = admit(environ)
            if scope not in caller.scopes:
                environ[REFUSED] = f"the scope {scope} is lacking"
                raise ScopeLacking(caller, scope)
            if strict and environ.get("QUERY_STRING"):
                refuse_query()
            if environ["REQUEST_METHOD"] == "POST" and "HTTP_IDEMPOTENCY_KEY" in environ:
                return idempotency.once(caller.name, lambda: view(*args, **kwargs))
            return view(*args, **kwargs)

        return _documented(guarded, [{"bearer": [scope]}, {"api_key": [scope]}])

    return decorate


def public(view: Callable[P, R]) -> Callable[P, R]:
    """Let everybody in. An operation has this or `require`, or the application does not start."""
    return _documented(view, [])


def _documented(view: Callable[P, R], security: list[dict[str, list[str]]]) -> Callable[P, R]:
    described: Any = view
    described._apidoc = deepcopy(getattr(view, "_apidoc", {}))
    described._apidoc.setdefault("manual_doc", {})["security"] = security
    return view


def _reads_query(view: Callable[..., object]) -> bool:
    parameters = getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", [])
    return any(parameter["in"] in {"query", "querystring"} for parameter in parameters)


def _refusal(environ: WSGIEnvironment, scheme: str, rest: str) -> KeyRefused:
    if rest and scheme.lower() != "bearer" and "HTTP_X_API_KEY" not in environ:
        return KeyRefused("invalid_request", "the scheme must be Bearer")
    if rest or (scheme and scheme.lower() != "bearer") or environ.get("HTTP_X_API_KEY"):
        given = rest or environ.get("HTTP_X_API_KEY") or scheme
        why = "the key is a placeholder of an example" if is_placeholder(given) else "the key is not known here"
        return KeyRefused("invalid_token", why)
    if scheme:
        return KeyRefused("invalid_request", "the header Authorization brings no key")
    if not _MISPLACED.isdisjoint(name.lower() for name, _ in parse_qsl(environ.get("QUERY_STRING", ""))):
        return KeyRefused("invalid_request", "a key in the URL is not taken, send it in the header Authorization")
    return KeyRefused("invalid_request", "there is no header Authorization, nor X-API-Key")
