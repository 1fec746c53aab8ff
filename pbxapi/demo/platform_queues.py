"""Queues in the demo's FreePBX: their rows, and what queues_additional.conf would say of them."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pbxapi.demo.database import Database
from pbxapi.demo.queue import Member, Options
from pbxapi.demo.queues import Queues

_EXTENSION = re.compile(r"Local/([^@/]+)@from-queue/n\Z")


@dataclass(frozen=True)
class ConfiguredQueue:
    """`settings` are its rows of queues_details by keyword; `names` the users who are members, by their extensions."""

    settings: Mapping[str, str]
    members: Sequence[tuple[str, int]]
    names: Mapping[str, str]
    max_wait: str

    @property
    def options(self) -> Options:
        """What is not there is as Asterisk has it without."""
        own = self.settings
        return Options(
            strategy=own.get("strategy") or "ringall",
            timeout=float(self._number("timeout") or 15),
            retry=float(self._number("retry") or 5),
            wrapup=self._number("wrapuptime"),
            maxlen=self._number("maxlen"),
            service_level=self._number("servicelevel"),
            weight=self._number("weight"),
            ring_in_use=own.get("ringinuse", "yes") == "yes",
            autofill=own.get("autofill", "no") == "yes",
            auto_pause=own.get("autopause") or "no",
            join_empty=own.get("joinempty") or "yes",
            leave_when_empty=own.get("leavewhenempty") or "no",
        )

    def _number(self, keyword: str) -> int:
        text = self.settings.get(keyword, "")
        return int(text) if text.isdecimal() else 0


def read_queues(connection: sqlite3.Connection) -> Mapping[str, ConfiguredQueue]:
    """By their numbers. Raises sqlite3.Error."""
    names = dict(connection.execute("SELECT extension, name FROM users").fetchall())
    rows: dict[str, dict[str, str]] = {}
    members: dict[str, list[tuple[str, int]]] = {}
    for number, keyword, data in connection.execute("SELECT id, keyword, data FROM queues_details ORDER BY id, flags"):
        if keyword == "member":
            interface, _, penalty = data.partition(",")
            members.setdefault(number, []).append((interface, int(penalty) if penalty.isdecimal() else 0))
        else:
            rows.setdefault(number, {})[keyword] = data
    waits = connection.execute("SELECT extension, maxwait FROM queues_config").fetchall()
    return {
        number: ConfiguredQueue(rows.get(number, {}), members.get(number, ()), names, wait or "")
        for number, wait in waits
    }


def run_queues(queues: Queues, database: Database, configured: Mapping[str, ConfiguredQueue]) -> None:
    """Let the exchange have these queues and no others."""
    for number in [number for number in queues.by_name if number not in configured]:
        queues.drop(number)
    now = int(queues.switch.clock.now())
    for number, each in configured.items():
        queue = queues.put(number, each.options, float(each.max_wait) if each.max_wait.isdecimal() else None)
        queues.roster.set_static(queue, _members(each, database, now))


def _members(each: ConfiguredQueue, database: Database, now: int) -> Iterable[Member]:
    for interface, penalty in each.members:
        found = _EXTENSION.match(interface)
        extension = found[1] if found and found[1] in each.names else ""
        ignored = database.get("AMPUSER", f"{extension}/queues/qnostate") == "ignorestate"
        yield Member(
            interface, each.names.get(extension) or interface, penalty, now,
            f"hint:{extension}@ext-local" if extension and not ignored else "",
            ring_in_use=each.options.ring_in_use,
        )  # fmt: skip
