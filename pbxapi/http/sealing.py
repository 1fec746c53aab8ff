"""Bytes that only who knows the key can read, and nobody can change unseen: answers on their way through the store."""

from __future__ import annotations

import hmac
import secrets
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NUMBER = 12
"""Bytes that are never used twice with a key: what AES-GCM asks for (NIST SP 800-38D, 8.2)."""


def derived(secret: str, *parts: str) -> bytes:
    """A key for one purpose, of 32 bytes. The parts may hold anything but NUL."""
    return hmac.digest(secret.encode(), "\0".join(parts).encode(), sha256)


def sealed(key: bytes, plain: bytes) -> bytes:
    """Seal them with AES-256-GCM."""
    number = secrets.token_bytes(NUMBER)
    return number + AESGCM(key).encrypt(number, plain, None)


def opened(key: bytes, text: bytes) -> bytes | None:
    """What was sealed; None when it was with another key, or is not what it was then."""
    try:
        return AESGCM(key).decrypt(text[:NUMBER], text[NUMBER:], None)
    except (InvalidTag, ValueError):
        return None
