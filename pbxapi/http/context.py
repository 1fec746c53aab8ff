"""What a request can reach: the settings, the exchange and the store of the application that serves it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from flask import current_app

from pbxapi.errors import NotSupported
from pbxapi.http.remembered import Remembered

if TYPE_CHECKING:
    from pbxapi.pbx.interfaces import Pbx
    from pbxapi.settings import Settings
    from pbxapi.store.engine import Store

T = TypeVar("T")

MOST_REMEMBERED = 16 * 1024 * 1024
"""Bytes of answers about the past, in each process."""


@dataclass(frozen=True, slots=True)
class State:
    """Kept in `app.extensions["pbxapi"]`; nothing in it is connected before it is asked."""

    settings: Settings
    pbx: Pbx
    store: Store
    remembered: Remembered[Any] = field(default_factory=lambda: Remembered(MOST_REMEMBERED))


def state() -> State:
    """Give the state of the application that serves this request."""
    found: State = current_app.extensions["pbxapi"]
    return found


def capable(capability: T | None, name: str) -> T:
    """Give a capability of the exchange. Raises NotSupported (501) where its driver has none."""
    if capability is None:
        raise NotSupported(f"This exchange has no {name}: GET /capabilities says what it has.")
    return capability
