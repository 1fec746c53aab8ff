"""Ids of recordings: a path below the recordings' folder, sealed, so that it says nothing and cannot be made up.

The same path has the same id for as long as the key is kept. A tag over the path is both the proof that the id is ours
and what the keystream starts from, as in SIV (RFC 5297): equal paths give equal ids, and nothing else is told.
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Callable
from functools import cached_property
from hashlib import blake2b
from typing import Any

from pbxapi.errors import NotFound

TAG = 16
BLOCK = 64
MOST = 8_192
"""Characters of an id; a path has no more than PATH_MAX bytes (4096)."""


class Seal:
    """Seals with the key that `key` gives; it is asked for at the first use."""

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._key = key

    def seal(self, path: str) -> str:
        """The id of a path. Raises Unavailable when the key cannot be had, ValueError for a text that is no UTF-8."""
        plain = path.encode("utf-8", "surrogateescape")
        tag = self._hash("tag", plain)[:TAG]
        return base64.urlsafe_b64encode(tag + self._mask(tag, plain)).rstrip(b"=").decode()

    def open(self, sealed: str) -> str:
        """The path of an id. Raises NotFound for one that was not made here."""
        try:
            raw = base64.b64decode(sealed[:MOST] + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
            path = self._mask(raw[:TAG], raw[TAG:]).decode("utf-8", "surrogateescape")
            # Sealed again, rather than the tag compared: base64 can spell the same bytes in more than one way.
            genuine = hmac.compare_digest(self.seal(path).encode(), sealed.encode())
        except (ValueError, binascii.Error):
            genuine = False
        if not genuine:
            raise NotFound("There is no recording with this id")
        return path

    def _hash(self, what: str, data: bytes) -> bytes:
        started = self._started[what].copy()
        started.update(data)
        digest: bytes = started.digest()
        return digest

    @cached_property
    def _started(self) -> dict[str, Any]:
        key = self._key()
        return {what: blake2b(key=key, person=b"recording-" + what.encode()[:6]) for what in ("tag", "stream")}

    def _mask(self, tag: bytes, data: bytes) -> bytes:
        length = len(data)
        stream = b"".join(
            self._hash("stream", tag + number.to_bytes(2, "big")) for number in range(-(-length // BLOCK))
        )
        mixed = int.from_bytes(data, "big") ^ int.from_bytes(stream[:length], "big")
        return mixed.to_bytes(length, "big")
