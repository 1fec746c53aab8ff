"""Keys: kept as hashes, found by the hash of what a request brings."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pbxapi.pbx.call_policy import CallPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A key as it is kept. `prefix` is the beginning of it, for people to tell keys apart; the rest is nowhere.

    `networks` are such as 10.0.0.0/8; none: from everywhere. `previous_until` is until when the key that a rotation
    took the place of is still good.
    """

    name: str
    prefix: str
    scopes: tuple[str, ...]
    networks: tuple[str, ...] = ()
    policy: CallPolicy | None = None
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    rotated_at: datetime | None = None
    previous_until: datetime | None = None
    last_used_at: datetime | None = None
    last_used_from: str | None = None
