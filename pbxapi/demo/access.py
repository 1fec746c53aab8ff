"""Who may log in, what classes of events and actions there are, and how a mask is read."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field

# The order in which main/manager.c lists them.
CLASSES = (
    "system",
    "call",
    "log",
    "verbose",
    "command",
    "agent",
    "user",
    "config",
    "dtmf",
    "reporting",
    "cdr",
    "dialplan",
    "originate",
    "agi",
    "cc",
    "aoc",
    "test",
    "security",
    "message",
)
ALL = frozenset(CLASSES)


@dataclass(frozen=True)
class User:
    """A manager user: what it may read (events) and write (actions)."""

    secret: str = field(repr=False)
    read: frozenset[str] = ALL
    write: frozenset[str] = ALL

    def knows(self, secret: str) -> bool:
        """Whether this is the user's secret."""
        return hmac.compare_digest(self.secret.encode(), secret.encode("utf-8", "surrogateescape"))

    def answers(self, challenge: str, key: str) -> bool:
        """Whether `key` is the MD5 of the challenge and the secret (AuthType: MD5)."""
        digest = hashlib.md5((challenge + self.secret).encode(), usedforsecurity=False).hexdigest()
        return hmac.compare_digest(digest.encode(), key.encode("utf-8", "surrogateescape"))


def parse_mask(text: str) -> frozenset[str]:
    """The classes that a mask asks for: `on`, `off`, names or a number of bits; unknown names are skipped."""
    if text.isascii() and text.isdecimal():
        return frozenset(name for bit, name in enumerate(CLASSES) if int(text) >> bit & 1)
    if text.lower() in {"", "on", "yes", "true", "all"}:
        return ALL
    names = {name.strip().lower() for name in text.split(",")}
    return ALL if "all" in names else ALL & names
