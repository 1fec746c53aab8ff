"""Bytes that only who knows the key can read, and nobody can change unseen: answers on their way through the store.

Encrypt, then authenticate: SHAKE-256 of the key and a number used once is the stream, HMAC-SHA-256 the seal (ADR 19).
"""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256, shake_256

NUMBER, SEAL = 16, 32


def derived(secret: str, *parts: str) -> bytes:
    """A key for one purpose, of 32 bytes. The parts may hold anything but NUL."""
    return hmac.digest(secret.encode(), "\0".join(parts).encode(), sha256)


def sealed(key: bytes, plain: bytes) -> bytes:
    """Seal them."""
    number = secrets.token_bytes(NUMBER)
    hidden = _exclusive_or(plain, _stream(key, number, len(plain)))
    return number + _seal(key, number + hidden) + hidden


def opened(key: bytes, text: bytes) -> bytes | None:
    """What was sealed; None when it was with another key, or is not what it was then."""
    number, seal, hidden = text[:NUMBER], text[NUMBER : NUMBER + SEAL], text[NUMBER + SEAL :]
    if not hmac.compare_digest(seal, _seal(key, number + hidden)):
        return None
    return _exclusive_or(hidden, _stream(key, number, len(hidden)))


def _stream(key: bytes, number: bytes, length: int) -> bytes:
    # The key has a length that is fixed, so that no other key and number make the same bytes.
    return shake_256(b"stream" + key + number).digest(length)


def _seal(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, b"seal" + text, sha256)


def _exclusive_or(one: bytes, other: bytes) -> bytes:
    # As two long numbers: byte by byte Python takes a hundred times as long.
    return (int.from_bytes(one) ^ int.from_bytes(other)).to_bytes(len(one))
