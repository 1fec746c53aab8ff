"""How often one address and one key may ask, and how often an address may guess keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def address(environ: WSGIEnvironment) -> None:
    """Count a request of this address, before its key is looked at. Raises TooManyRequests (429)."""


def key(name: str) -> None:
    """Count a request of this key. Raises TooManyRequests (429)."""


def bad_key(environ: WSGIEnvironment) -> None:
    """Count a request whose key is not known. Raises TooManyRequests (429)."""
