"""Where entries of the audit log go: to the log as JSON lines, and to the store; neither can fail a request."""

from __future__ import annotations

import getpass
import logging
import secrets
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pbxapi.errors import Unavailable, in_its_words
from pbxapi.http.audit_text import changes, clean
from pbxapi.logs import AUDIT
from pbxapi.store.audit import DONE, MOST_TARGET, Entry

if TYPE_CHECKING:
    from pbxapi.store.engine import Store

log = logging.getLogger(AUDIT)
errors = logging.getLogger("pbxapi.http")

PATIENCE = 10.0
"""Seconds for which a store that did not answer is not asked again: each try may take seconds."""


class Trail:
    """One for each process. `days` is how long entries are kept in the store; 0: for ever."""

    def __init__(self, days: int) -> None:
        self._keep = timedelta(days=days) if days else None
        self._lock = threading.Lock()
        self._silent_until = 0.0

    def write(self, store: Store, entries: Sequence[Entry]) -> None:
        """Write them down. Never raises: what they tell of is done. A store that does not answer goes without them."""
        for each in entries:
            who = f"{each.key or 'nobody'} from {each.remote or 'here'}"
            said = f"{who}: {each.action} {each.target}: {each.outcome}"
            log.info("%s", said, extra={"audit_entry": each})
        if not entries or time.monotonic() < self._silent_until:
            return
        try:
            store.audit.add(entries)
            if self._keep is not None:
                store.audit.tidy(self._keep)
        except Unavailable as error:
            with self._lock:
                first, self._silent_until = self._silent_until == 0.0, time.monotonic() + PATIENCE
            errors.error(
                "the store took no entries of the audit log: for %d s they are in the log alone (%s)",
                PATIENCE, in_its_words(error) if first else "still",
            )  # fmt: skip
        except Exception:
            errors.exception("entries of the audit log are in the log alone")
        else:
            self._silent_until = 0.0


def entry(
    action: str,
    target: str,
    *,
    key: str | None,
    remote: str | None,
    request_id: str,
    outcome: str = DONE,
    status: int | None = None,
    detail: str | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> Entry:
    """An entry of now, with what must not be said taken out."""
    old, new = changes(before, after)
    return Entry(
        at=datetime.now(UTC),
        request_id=request_id,
        key=key,
        remote=remote and clean(remote, 64),
        action=clean(action, 64),
        target=clean(target, MOST_TARGET),
        outcome=outcome,
        status=status,
        detail=detail and clean(detail),
        before=old,
        after=new,
    )


def record_command(store: Store, action: str, target: str, **said: Any) -> None:
    """Write down what a command of `pbxapi` did, by whoever runs it: `cli:root`. `said` is as for `audit.record`."""
    made = entry(action, target, key=who_runs(), remote=None, request_id=_of_command, **said)
    Trail(0).write(store, [made])


def who_runs() -> str:
    """Whoever runs this command of `pbxapi`: `cli:root`."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):
        user = "unknown"
    return clean(f"cli:{user}", 80)


def more(last: Entry, count: int, what: str) -> Entry:
    """An entry for many that were like the last of them."""
    return replace(last, detail=f"{count} more {what}")


_of_command = f"cli-{secrets.token_hex(6)}"
"""In place of the id of a request: the same for all that one run does."""
