"""The id of the request that is being served, for logs, answers and the ActionIDs of what it asks Asterisk."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

_current: ContextVar[str] = ContextVar("pbxapi_request_id", default="")
_usable = re.compile(r"[A-Za-z0-9._-]{1,64}").fullmatch


def current() -> str:
    """Give the id of this thread's request; empty outside of any."""
    return _current.get()


def begin(proposed: str | None) -> str:
    """Take the caller's id if it can be used (1 to 64 of A-Z a-z 0-9 . _ -), else make one; it holds until the next."""
    request_id = proposed if proposed and _usable(proposed) else secrets.token_hex(8)
    _current.set(request_id)
    return request_id
