"""Believing X-Forwarded-* only where it comes from a proxy that is ours."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING

from werkzeug.middleware.proxy_fix import ProxyFix

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from pbxapi.variables import Network


class TrustedProxies:
    """WSGI middleware: client address, scheme, host and mount prefix from a trusted peer's X-Forwarded-*."""

    def __init__(self, app: WSGIApplication, trusted: Iterable[Network | str]) -> None:
        self._app = app
        self._fixed = ProxyFix(app, x_for=1, x_proto=1, x_host=1, x_prefix=1)
        self._networks = [item for item in trusted if not isinstance(item, str)]
        self._unix = "unix" in trusted
        self._trusts = lru_cache(maxsize=1024)(self._look_up)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass the request on, with or without what the headers claim."""
        app = self._fixed if self._trusts(environ.get("REMOTE_ADDR", "")) else self._app
        return app(environ, start_response)

    def _look_up(self, peer: str) -> bool:
        if not peer:
            # A peer on a Unix socket has no address.
            return self._unix
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
            address = address.ipv4_mapped
        return any(address in network for network in self._networks)
