"""All queues of the tables, again and again: what has not changed since the last time is not read again.

A queue has some forty rows of keywords, one a member, and one of its own. The server puts those of a queue together as
two texts, which are compared with the last ones; only where they differ are the rows fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pbxapi.pbx.platform import Platform
from pbxapi.pbx.queue_keywords import QueueLayout
from pbxapi.pbx.queue_reading import natural
from pbxapi.pbx.queue_rows import config_texts, configs, detail_texts, details
from pbxapi.pbx.queue_view import place, view
from pbxapi.pbx.queueing import QueueSettings
from pbxapi.pbx.stored import Stored

if TYPE_CHECKING:
    from sqlalchemy import Connection

Entries = Mapping[tuple[str, str], str]


class QueueListing:
    """Keeps the settings of each queue with what they were made of, which is read before they are."""

    def __init__(self) -> None:
        self._known: Mapping[str, tuple[Any, QueueSettings]] = {}

    def read(
        self, connection: Connection, platform: Platform, layout: QueueLayout, entries: Mapping[str, Entries]
    ) -> tuple[QueueSettings, ...]:
        """Every queue, by number; `entries` are those of AstDB by queue."""
        rows, kept = config_texts(connection, platform), detail_texts(connection)
        sources = {name: (layout, row, kept.get(name), entries.get(name)) for name, row in rows.items()}
        known = {name: self._known[name] for name in sources if name in self._known}
        known = {name: each for name, each in known.items() if each[0] == sources[name]}
        changed = [name for name in sources if name not in known]
        if changed:
            one = changed[0] if len(changed) == 1 else None
            own, found = configs(connection, platform, one), details(connection, one)
            for name in set(changed) & set(own):
                stored = Stored(name, rows={place(name): own[name], **found.get(name, {})}, keys=entries.get(name, {}))
                known[name] = sources[name], view(stored, layout)
        self._known = known
        return tuple(known[name][1] for name in sorted(known, key=natural))
