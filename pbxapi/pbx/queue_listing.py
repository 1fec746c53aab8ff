"""All queues of the tables, again and again: what has not changed since the last time is not read again.

A queue has some forty rows of keywords and one a member. The server puts those of a queue together as one text, which
is compared with the last one; only where it differs are the rows fetched.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pbxapi.pbx.platform import Platform
from pbxapi.pbx.queue_keywords import QueueLayout
from pbxapi.pbx.queue_reading import natural
from pbxapi.pbx.queue_rows import configs, details, texts
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
        rows = configs(connection, platform, None)
        kept = texts(connection)
        sources = {name: (layout, row, kept.get(name), entries.get(name)) for name, row in rows.items()}
        known = {name: self._known[name] for name in sources if name in self._known}
        known = {name: each for name, each in known.items() if each[0] == sources[name]}
        changed = [name for name in sources if name not in known]
        if changed:
            found = details(connection, changed[0] if len(changed) == 1 else None)
            for name in changed:
                own = {place(name): rows[name], **found.get(name, {})}
                stored = Stored(name, rows=own, keys=entries.get(name, {}))
                known[name] = sources[name], view(stored, layout)
        self._known = known
        return tuple(known[name][1] for name in sorted(known, key=natural))
