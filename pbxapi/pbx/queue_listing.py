"""All queues of the tables, again and again: what has not changed since the last time is not read again.

A queue has some forty rows of keywords and one a member. The server puts those of a queue together as one text, which
is compared with the last one; only where it differs are the rows fetched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, cast, func, select

from pbxapi.db.platform_tables import queues_details
from pbxapi.pbx.queueing import QueueSettings

if TYPE_CHECKING:
    from sqlalchemy import Connection

LONGEST = 16 * 1024 * 1024
"""Bytes of one queue's text; MySQL cuts at 1,024 unless it is told otherwise."""

FIELD, ROW = "\x1f", "\x1e"


@dataclass(frozen=True, slots=True)
class _Known:
    source: tuple[Any, ...]
    settings: QueueSettings


class QueueListing:
    """Keeps the settings of each queue with what they were made of, which is read before they are."""

    def __init__(self) -> None:
        self._known: Mapping[str, _Known] = {}

    def settings(
        self, sources: Mapping[str, tuple[Any, ...]], read: Callable[[str | None], Mapping[str, QueueSettings]]
    ) -> dict[str, QueueSettings]:
        """The settings of each queue, by its sources. `read` reads one queue that changed, or all (None)."""
        known = self._known
        changed = [name for name, source in sources.items() if name not in known or known[name].source != source]
        fresh = read(None if len(changed) > 1 else changed[0]) if changed else {}
        self._known = {
            name: _Known(source, fresh[name]) if name in changed else known[name]
            for name, source in sources.items()
            if name not in changed or name in fresh
        }
        return {name: each.settings for name, each in self._known.items()}


def texts(connection: Connection) -> dict[str, str]:
    """All rows of a queue's keywords as one text, by queue."""
    if connection.dialect.name in {"mysql", "mariadb"}:
        connection.exec_driver_sql(f"SET SESSION group_concat_max_len = {LONGEST}")
    table = queues_details.c
    flags = cast(func.coalesce(table.flags, 0), String(20))
    row = func.coalesce(table.keyword, "") + FIELD + flags + FIELD + func.coalesce(table.data, "")
    statement = select(table.id, func.aggregate_strings(row, ROW)).group_by(table.id)
    return {str(queue): text or "" for queue, text in connection.execute(statement)}
