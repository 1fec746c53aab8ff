"""The audit log's rows: added, read, and let go of when they are old; never changed."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, RowMapping, Select, and_, delete, insert, or_, select

from pbxapi.store.tables import audit

if TYPE_CHECKING:
    from pbxapi.store.engine import Store

DONE, REFUSED, FAILED = "done", "refused", "failed"
OUTCOMES = (DONE, REFUSED, FAILED)

CHUNK = 1000
"""Rows that are let go of, or read for an export, at a time."""
TIDIED_EVERY = 3600.0
"""Seconds between two sweeps of a process, when the last one left nothing."""
TIDIED_AGAIN = 1.0
MOST_TARGET = 255
"""Characters of a target."""
MOST_TEXT = 16_000
"""Characters of `before` or `after` as JSON: MySQL's TEXT holds 65,535 bytes."""

Position = tuple[datetime, int]
"""When an entry was made, and its id."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which entries: all that is given has to hold. `start` is included, `end` is not.

    `action` is a whole one, or the beginning of several up to the dot: `extension.`.
    """

    start: datetime | None = None
    end: datetime | None = None
    key: str | None = None
    action: str | None = None
    target: str | None = None
    outcome: str | None = None
    remote: str | None = None
    request_id: str | None = None


class AuditStore:
    """Rows of `audit`. Every method raises Unavailable when the store does not answer."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._tidy_from = 0.0

    def add(self, entries: Sequence[Entry]) -> None:
        """Add them, all or none. Their ids are the database's to give."""
        with self._store.begin() as connection:
            connection.execute(insert(audit), [_values(each) for each in entries])

    def page(self, wanted: Wanted, limit: int, after: Position | None = None) -> list[Entry]:
        """Entries, newest first, from the one behind `after` on. Costs the same wherever that is."""
        query = _page(_conditions(wanted), limit, after)
        with self._store.begin() as connection:
            return [_entry(row) for row in connection.execute(query).mappings()]

    def every(self, wanted: Wanted) -> Iterator[Entry]:
        """All entries, newest first, read some at a time."""
        after: Position | None = None
        while found := self.page(wanted, CHUNK, after):
            yield from found
            after = position(found[-1])
            if len(found) < CHUNK:
                return

    def tidy(self, keep: timedelta) -> int:
        """Let go of the oldest ones among those that are older: a chunk, and once an hour if that was all. How many."""
        with self._lock:
            if time.monotonic() < self._tidy_from:
                return 0
            self._tidy_from = time.monotonic() + TIDIED_EVERY
        too_old = select(audit.c.id).where(audit.c.at < datetime.now(UTC) - keep).order_by(audit.c.at).limit(CHUNK)
        with self._store.begin() as connection:
            numbers = connection.scalars(too_old).all()
            if numbers:
                connection.execute(delete(audit).where(audit.c.id.in_(numbers)))
        if len(numbers) == CHUNK:
            self._tidy_from = time.monotonic() + TIDIED_AGAIN
        return len(numbers)


def position(entry: Entry) -> Position:
    """Where an entry that was read stands."""
    return entry.at, entry.id or 0


def _page(conditions: list[ColumnElement[bool]], limit: int, after: Position | None) -> Select[Any]:
    if after is not None:
        at, number = after
        # Not as one OR: the first half is what an index can begin at.
        conditions = [*conditions, and_(audit.c.at <= at, or_(audit.c.at < at, audit.c.id < number))]
    return select(audit).where(*conditions).order_by(audit.c.at.desc(), audit.c.id.desc()).limit(limit)


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.start is not None:
        found.append(audit.c.at >= wanted.start)
    if wanted.end is not None:
        found.append(audit.c.at < wanted.end)
    if wanted.action is not None:
        kind, _, rest = wanted.action.partition(".")
        found.append(audit.c.kind == kind)
        if rest or "." not in wanted.action:
            found.append(audit.c.action == wanted.action)
    for name in ("key", "target", "outcome", "remote", "request_id"):
        value = getattr(wanted, name)
        if value is not None:
            found.append(audit.c[name] == value)
    return found


def _values(entry: Entry) -> dict[str, Any]:
    return {
        "at": entry.at,
        "request_id": entry.request_id[:64],
        "key": entry.key and entry.key[:80],
        "remote": entry.remote and entry.remote[:64],
        "kind": entry.action.partition(".")[0][:64],
        "action": entry.action[:64],
        "target": entry.target[:MOST_TARGET],
        "outcome": entry.outcome,
        "status": entry.status,
        "detail": entry.detail,
        "before": _text(entry.before),
        "after": _text(entry.after),
    }


def _text(values: Mapping[str, Any] | None) -> str | None:
    """As JSON in ASCII, which every database holds alike; of what is too long, the names alone."""
    if values is None:
        return None
    text = json.dumps(values)
    if len(text) > MOST_TEXT:
        text = json.dumps(dict.fromkeys(list(values)[:100], "..."))
    return text if len(text) <= MOST_TEXT else "{}"


def _entry(row: RowMapping) -> Entry:
    values = {name: row[name] for name in Entry.__slots__}
    for name in ("before", "after"):
        values[name] = json.loads(values[name]) if values[name] else None
    return Entry(**values)
