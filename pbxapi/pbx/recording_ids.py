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
MOST = 4_096
"""Bytes of a path: PATH_MAX."""


class Seal:
    """Seals with the key that `key` gives; it is asked for at the first use."""

    def __init__(self, key: Callable[[], bytes]) -> None:
        self._key = key

    def seal(self, path: str) -> str:
        """The id of a path. Raises Unavailable when the key cannot be had, ValueError for a text that is no path."""
        plain = path.encode("utf-8", "surrogateescape")
        if len(plain) > MOST:
            raise ValueError("too long for a path")
        tag = _digest(self._hashes[0], plain)[:TAG]
        return base64.urlsafe_b64encode(tag + self._mask(tag, plain)).rstrip(b"=").decode()

    def open(self, sealed: str) -> str:
        """The path of an id. Raises NotFound for one that was not made here."""
        try:
            raw = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
            if len(raw) > TAG + MOST:
                raise ValueError
            path = self._mask(raw[:TAG], raw[TAG:]).decode("utf-8", "surrogateescape")
            # Sealed again, rather than the tag compared: base64 can spell the same bytes in more than one way.
            genuine = hmac.compare_digest(self.seal(path).encode(), sealed.encode())
        except (ValueError, binascii.Error):
            genuine = False
        if not genuine:
            raise NotFound("There is no recording with this id")
        return path

    @cached_property
    def _hashes(self) -> tuple[Any, Any]:
        """Two keyed hashes that are copied rather than made: for the tag, and for the keystream."""
        key = self._key()
        return blake2b(key=key, person=b"recording tag"), blake2b(key=key, person=b"recording mask")

    def _mask(self, tag: bytes, data: bytes) -> bytes:
        length = len(data)
        stream = b"".join([_digest(self._hashes[1], tag + bytes((number,))) for number in range(-(-length // BLOCK))])
        mixed = int.from_bytes(data, "big") ^ int.from_bytes(stream[:length], "big")
        return mixed.to_bytes(length, "big")


def _digest(keyed: Any, data: bytes) -> bytes:
    hashed = keyed.copy()
    hashed.update(data)
    digest: bytes = hashed.digest()
    return digest
