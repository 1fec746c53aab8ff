"""The audit log's rows: added, read, and let go of when they are old; never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

DONE, REFUSED, FAILED = "done", "refused", "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """Who (`key`, None: nobody known) did what to what, from where, and how it ended (done, refused, failed).

    `action` is such as `extension.create`, `key.revoke`, `secret.read`; `target` is such as `extension 200`. No secret
    is in any of it: `before` and `after` show only what changed, secrets as `***`.
    """

    id: int | None = None
    at: datetime
    request_id: str
    key: str | None
    remote: str | None
    action: str
    target: str
    outcome: str
    status: int | None = None
    detail: str | None = None
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None
