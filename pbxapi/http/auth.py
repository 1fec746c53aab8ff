"""Who asks, and whether they may.

A key comes as `Authorization: Bearer <key>`, as the bare `Authorization: <key>` of the older interface, or as
`X-API-Key: <key>`; never in the URL, where logs and proxies would keep it. It is API_SECRET_KEY, for which no store is
asked, or a key of the store.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar
from urllib.parse import parse_qsl

from flask import Flask, current_app, request
from werkzeug.exceptions import Forbidden, Unauthorized

from pbxapi.http import idempotency, limits
from pbxapi.http.context import state
from pbxapi.http.known_keys import KnownKeys
from pbxapi.http.parser import refuse_query
from pbxapi.scopes import SCOPES
from pbxapi.settings import is_placeholder
from pbxapi.store import key_checks
from pbxapi.store.key_checks import lies_in

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from pbxapi.pbx.call_policy import CallPolicy
    from pbxapi.store import Store
    from pbxapi.store.keys import Found

P = ParamSpec("P")
R = TypeVar("R")

# Where the access log finds who asked and why a key was refused.
PRINCIPAL = "pbxapi.principal"
REFUSED = "pbxapi.refused"
KNOWN_KEYS = "pbxapi.known_keys"
_MISPLACED = frozenset({"key", "api_key", "apikey", "api_secret_key", "token", "access_token", "authorization"})


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose key it was, and what it may do."""

    name: str
    scopes: frozenset[str]
    policy: CallPolicy | None = None


OWNER = Principal(key_checks.OWNER, frozenset(SCOPES))


class KeyRefused(Unauthorized):
    """401. `reason` is why, in words for the caller; `error` the code of RFC 6750, 3.1.

    `known`: it is a key, which is good no longer. Who has it guesses none, and may be told which it is.
    """

    def __init__(self, error: str, reason: str, *, known: bool = False) -> None:
        super().__init__(f"No usable key: {reason}.")
        self.reason = reason
        self.known = known
        self.challenge = f'Bearer realm="pbxapi", error="{error}", error_description="{reason}"'

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """Add the challenge."""
        return [*super().get_headers(*args, **kwargs), ("WWW-Authenticate", self.challenge)]


class AddressRefused(Forbidden):
    """403: the key is good, but not from there."""

    problem = "key-network"

    def __init__(self, name: str, where: str) -> None:
        # A peer on a Unix socket has no address; were it let in, so would be all whom a proxy there passes on.
        there = f"from {where}" if where else "from where no address is known: does TRUSTED_PROXIES name the proxy"
        self.reason = f"the key {name} may not be used {there}"
        super().__init__(f"The key {name} may not be used {there}{'.' if where else '?'}")


class ScopeLacking(Forbidden):
    """403: the key is known, and may not do this. One of the scopes would do, the first is the least."""

    def __init__(self, principal: Principal, *scopes: str) -> None:
        super().__init__(f"The key {principal.name} lacks the scope {' or '.join(scopes)}.")
        self.challenge = f'Bearer realm="pbxapi", error="insufficient_scope", scope="{scopes[0]}"'

    def get_headers(self, *args: Any, **kwargs: Any) -> list[tuple[str, str]]:
        """Add the challenge."""
        return [*super().get_headers(*args, **kwargs), ("WWW-Authenticate", self.challenge)]


def install(app: Flask, store: Store) -> None:
    """Know the keys of this store."""
    app.extensions[KNOWN_KEYS] = KnownKeys(store.keys)


def admit(environ: WSGIEnvironment) -> Principal:
    """Say whose key the request brings, unless it is one too many.

    Raises KeyRefused (401), AddressRefused (403), TooManyRequests (429), and Unavailable (503) when the store cannot
    say whether the key is one.
    """
    limits.address(environ)
    try:
        caller = authenticate(environ)
    except KeyRefused as error:
        if not error.known:
            limits.bad_key(environ)
        raise
    limits.key(caller.name)
    return caller


def authenticate(environ: WSGIEnvironment) -> Principal:
    """Say whose key the request brings. Raises KeyRefused (401), AddressRefused (403), Unavailable (503)."""
    header = environ.get("HTTP_AUTHORIZATION", "").strip()
    scheme, _, rest = header.partition(" ")
    # A bare key may hold a blank: all but Bearer's whole header is a key to try.
    bearer = rest.strip() if scheme.lower() == "bearer" else header
    try:
        for key in (bearer, environ.get("HTTP_X_API_KEY", "")):
            principal = identify(key, environ.get("REMOTE_ADDR", "")) if key else None
            if principal is not None:
                environ[PRINCIPAL] = principal
                return principal
        raise _refusal(environ, scheme, rest)
    except (KeyRefused, AddressRefused) as refusal:
        environ[REFUSED] = refusal.reason
        raise


def identify(key: str, where: str) -> Principal | None:
    """Say whose key this is, in a time that does not tell how much of it was right. None: nobody's.

    `where` is the address that it comes from. Raises KeyRefused and AddressRefused for a key that is known and not good
    or not good from there, Unavailable when the store cannot say.
    """
    # WSGI gives a header's bytes as Latin-1 (PEP 3333); the key is compared as the UTF-8 it was sent as.
    given = key.encode("latin-1", "replace")
    if hmac.compare_digest(given, state().settings.api_secret_key.encode()):
        return OWNER
    keys: KnownKeys = current_app.extensions[KNOWN_KEYS]
    known = keys.find(key)
    if known is None:
        return None
    _check_good(known.found)
    found = known.found.key
    if found.networks and not lies_in(where, found.networks):
        raise AddressRefused(found.name, where)
    keys.used(found, where)
    return Principal(found.name, known.scopes, found.policy)


def _check_good(found: Found) -> None:
    """Raise KeyRefused for a key that is good no longer."""
    key = found.key
    if key.revoked_at is not None:
        raise KeyRefused("invalid_token", f"the key {key.name} was revoked", known=True)
    if key.expires_at is None and not found.previous:
        return
    now = datetime.now(UTC)
    if key.expires_at is not None and key.expires_at <= now:
        raise KeyRefused("invalid_token", f"the key {key.name} has expired", known=True)
    if found.previous and (key.previous_until is None or key.previous_until <= now):
        raise KeyRefused("invalid_token", f"the key {key.name} was rotated, and this is the old one", known=True)


def principal() -> Principal:
    """Whose request this is; only in an operation behind `require`."""
    found: Principal = request.environ[PRINCIPAL]
    return found


def require(*scopes: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let only keys with one of these scopes in, before anything else of the request is looked at.

    Stands right below the route, above whatever reads arguments. The least scope comes first.
    """
    for scope in scopes:
        if scope not in SCOPES:
            raise ValueError(f"no such scope: {scope}")
    wanted = frozenset(scopes)

    def decorate(view: Callable[P, R]) -> Callable[P, R]:
        strict = not _reads_query(view)

        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            environ = request.environ
            caller = admit(environ)
            if wanted.isdisjoint(caller.scopes):
                raise _lacking(caller, *scopes)
            if strict and environ.get("QUERY_STRING"):
                refuse_query()
            if environ["REQUEST_METHOD"] == "POST" and "HTTP_IDEMPOTENCY_KEY" in environ:
                return idempotency.once(caller.name, lambda: view(*args, **kwargs))
            return view(*args, **kwargs)

        return _documented(guarded, [{way: [scope]} for scope in scopes for way in ("bearer", "api_key")])

    return decorate


def demand(scope: str) -> None:
    """Go on only with a key that has this scope; in an operation of which only a part needs it. Raises ScopeLacking."""
    caller = principal()
    if scope not in caller.scopes:
        raise _lacking(caller, scope)


def _lacking(caller: Principal, *scopes: str) -> ScopeLacking:
    request.environ[REFUSED] = f"the scope {' or '.join(scopes)} is lacking"
    return ScopeLacking(caller, *scopes)


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
