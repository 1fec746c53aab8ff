"""Queues of FreePBX and Issabel, in the tables and AstDB, as their own screens keep them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pbxapi.db.engine import connect
from pbxapi.errors import Conflict, NotFound, NotSupported
from pbxapi.pbx import queue_keywords as kept
from pbxapi.pbx import queue_plans as plans
from pbxapi.pbx.astdb import FAMILIES, AstDb
from pbxapi.pbx.change import Changes
from pbxapi.pbx.numbers_in_use import mentions, taken
from pbxapi.pbx.plan import Plan, Value
from pbxapi.pbx.platform import NEED_RELOAD, Platform, PlatformLook
from pbxapi.pbx.provisioning import Outcome, Values, Write
from pbxapi.pbx.queue_checks import check, check_options
from pbxapi.pbx.queue_keywords import CONFIG, DETAILS, FAMILY, MODULE, QueueLayout
from pbxapi.pbx.queue_listing import QueueListing
from pbxapi.pbx.queue_reading import natural
from pbxapi.pbx.queue_references import (
    SEAT,
    check_agents,
    check_announcements,
    check_penalty,
    new_member,
    place_of,
    static_members,
)
from pbxapi.pbx.queue_rows import configs, details
from pbxapi.pbx.queue_view import keyword_place, place, view
from pbxapi.pbx.queueing import NewMember, QueueSettings, StaticMember
from pbxapi.pbx.single_write import write_one
from pbxapi.pbx.stored import RowKey, Stored

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

LOGINS_FAMILY, LOGINS = "Queue", "PersistentMembers"
"""Where app_queue keeps them in AstDB."""

Decided = tuple[QueueSettings, Plan]


class PlatformQueues:
    """`queueing.QueueSetup` over the platform's own tables.

    NotSupported where its queues module is not enabled. `contexts` are those that a member's Local channel may name
    beside the platforms' own.
    """

    def __init__(
        self, engine: Engine, look: PlatformLook, astdb: AstDb, changes: Changes, contexts: Collection[str] = ()
    ) -> None:
        self._engine = engine
        self._look = look
        self._astdb = astdb
        self._changes = changes
        self._contexts = frozenset(contexts) | {SEAT}
        self._listing = QueueListing()

    def all(self) -> tuple[QueueSettings, ...]:
        """Every queue, by number: AstDB's QPENALTY as a whole, two queries, and the rows of those that changed."""
        platform, layout = self._platform()
        entries: dict[str, dict[tuple[str, str], str]] = {}
        for key, value in self._astdb.tree(FAMILY).items():
            entries.setdefault(key.partition("/")[0], {})[FAMILY, key] = value
        with connect(self._engine) as connection:
            return self._listing.read(connection, platform, layout, entries)

    def get(self, queue: str) -> QueueSettings:
        """One. Raises NotFound."""
        platform, layout = self._platform()
        with connect(self._engine) as connection:
            return view(self._there(connection, platform, queue), layout)

    def rows(self) -> list[dict[str, str]]:
        """The rows of `queues_config` as they are, with the strategy; only the password is not shown."""
        platform, _ = self._platform()
        with connect(self._engine) as connection:
            queues = configs(connection, platform, None)
            rows = details(connection, None)
        found = []
        for queue in sorted(queues, key=natural):
            row = {"extension": queue, **queues[queue], "password": ""}
            strategy = rows.get(queue, {}).get(keyword_place(queue, "strategy"), {}).get("data")
            texts = {name: "" if value is None else str(value) for name, value in row.items()}
            found.append({**texts, "strategy": str(strategy or "")})
        return found

    def create(self, queue: str, values: Values, how: Write) -> tuple[QueueSettings, Outcome]:
        """Make one. Raises Conflict when something has its number, and Invalid."""
        return write_one(self._changes, queue, partial(self._create, queue, values), how)

    def put(self, queue: str, values: Values, how: Write, *, merge: bool = False) -> tuple[QueueSettings, Outcome]:
        """Replace its settings; with `merge` only what is given changes. Raises NotFound and Invalid.

        The password, and options that are not named, stay in either case.
        """
        return write_one(self._changes, queue, partial(self._put, queue, values, how, merge=merge), how)

    def delete(self, queue: str, how: Write) -> Outcome:
        """Remove it. Raises NotFound, and Conflict when others mention it, unless it is forced."""
        _, outcome = write_one(self._changes, queue, partial(self._delete, queue, how), how)
        return outcome

    def add_member(self, queue: str, member: NewMember, how: Write) -> tuple[StaticMember, Outcome]:
        """Add a static member as the last. Raises NotFound, Invalid, and Conflict when it is one."""

        def add(connection: Connection, current: QueueSettings) -> tuple[StaticMember, Iterable[StaticMember]]:
            found = new_member(connection, current, member, self._contexts)
            return found, [*current.static_members, found]

        return self._write_members(queue, add, how)

    def change_member(self, queue: str, member: str, penalty: int, how: Write) -> tuple[StaticMember, Outcome]:
        """Set the penalty of a static member. Raises NotFound and Invalid."""

        def change(_: Connection, current: QueueSettings) -> tuple[StaticMember, Iterable[StaticMember]]:
            before = place_of(current, member)
            check_penalty(penalty)
            after = replace(before, penalty=penalty)
            return after, [after if each is before else each for each in current.static_members]

        return self._write_members(queue, change, how)

    def remove_member(self, queue: str, member: str, how: Write) -> Outcome:
        """Remove a static member. Raises NotFound."""

        def remove(_: Connection, current: QueueSettings) -> tuple[StaticMember, Iterable[StaticMember]]:
            gone = place_of(current, member)
            return gone, [each for each in current.static_members if each is not gone]

        return self._write_members(queue, remove, how)[1]

    def _create(self, queue: str, values: Values) -> Decided:
        platform, layout = self._platform()
        check(queue, values, layout.recordings)
        with connect(self._engine) as connection:
            if found := taken(connection, platform.schema, [queue]).get(queue):
                raise Conflict(f"{queue} is taken: {found}")
            # What was left of another queue of this number would be this one's: members, and who may log in.
            left = self._with_logins(self._read(connection, platform, queue))
            fresh = plans.fresh(queue, layout, platform.schema.tables[CONFIG].columns)
            default = view(fresh, layout)
            wanted = self._wanted(connection, platform, default, values, start=default, default=default)
        new = plans.saved(fresh, default, wanted, layout)
        return view(new, layout), _plan(platform, left, new)

    def _put(self, queue: str, values: Values, how: Write, *, merge: bool) -> Decided:
        platform, layout = self._platform()
        with connect(self._engine) as connection:
            old = self._there(connection, platform, queue)
            current = view(old, layout)
            if how.check:
                how.check(current)
            # What stands there already may be written once more, whoever wrote it.
            news = {name: value for name, value in values.items() if value != getattr(current, name)}
            check(queue, news, layout.recordings)
            default = view(plans.fresh(queue, layout, platform.schema.tables[CONFIG].columns), layout)
            start = current if merge else replace(default, password=current.password, options=current.options)
            start = replace(start, **{name: getattr(current, name) for name in values.keys() - news.keys()})
            wanted = self._wanted(connection, platform, current, news, start=start, default=default)
        new = plans.saved(old, current, wanted, layout)
        return view(new, layout), _plan(platform, old, new)

    def _delete(self, queue: str, how: Write) -> tuple[None, Plan]:
        platform, layout = self._platform()
        with connect(self._engine) as connection:
            old = self._there(connection, platform, queue)
            if how.check:
                how.check(view(old, layout))
            others = () if how.force else mentions(connection, platform.schema, [queue]).get(queue, ())
        if others:
            raise Conflict(f"{queue} is still mentioned by {', '.join(others)}: "
                           "?force=true deletes it all the same, and leaves them as they are")  # fmt: skip
        old = replace(self._with_logins(old), states=self._lamps(queue))
        return None, _plan(platform, old, Stored(queue))

    def _write_members(
        self,
        queue: str,
        decide: Callable[[Connection, QueueSettings], tuple[StaticMember, Iterable[StaticMember]]],
        how: Write,
    ) -> tuple[StaticMember, Outcome]:
        """`decide` gives the member that it is about, and the members that there will be."""

        def write() -> tuple[StaticMember, Plan]:
            platform, layout = self._platform()
            with connect(self._engine) as connection:
                old = self._there(connection, platform, queue)
                current = view(old, layout)
                if how.check:
                    how.check(current)
                member, members = decide(connection, current)
            wanted = replace(current, static_members=tuple(members))
            return member, _plan(platform, old, plans.saved(old, current, wanted, layout))

        return write_one(self._changes, queue, write, how)

    def _wanted(
        self,
        connection: Connection,
        platform: Platform,
        there: QueueSettings,
        values: Values,
        *,
        start: QueueSettings,
        default: QueueSettings,
    ) -> QueueSettings:
        """What the queue is to be: `start` with these values. `there` is what it is now. Raises Invalid."""
        check_options(values.get("options") or {}, there.options)
        check_announcements(connection, platform.schema, there, values)
        if values.get("static_members"):
            given = static_members(connection, there, values["static_members"], self._contexts)
            values = {**values, "static_members": given}
        wanted = plans.changed(start, values, default)
        check_agents(connection, there, wanted)
        return wanted

    def _platform(self) -> tuple[Platform, QueueLayout]:
        platform = self._look.now()
        version = platform.modules.get(MODULE)
        if version is None or not platform.schema.has(CONFIG) or not platform.schema.has(DETAILS):
            raise NotSupported("The queues module is not enabled on this exchange")
        return platform, kept.layout_of(version)

    def _there(self, connection: Connection, platform: Platform, queue: str) -> Stored:
        if queue not in configs(connection, platform, queue):
            raise NotFound(f"There is no queue {queue}")
        return self._read(connection, platform, queue)

    def _read(self, connection: Connection, platform: Platform, queue: str) -> Stored:
        """All that there is of it, or is left of one."""
        row = configs(connection, platform, queue).get(queue)
        rows: dict[RowKey, Mapping[str, Value]] = {} if row is None else {place(queue): row}
        entries = {(FAMILY, key): value for key, value in self._astdb.tree(FAMILY, queue).items()}
        return Stored(queue, rows=rows | details(connection, queue).get(queue, {}), keys=entries)

    def _with_logins(self, stored: Stored) -> Stored:
        """With those who have logged in, whom Asterisk keeps for its next start (app_queue's dump_queue_members).

        It lets them into whatever queue then has the number.
        """
        key = f"{LOGINS}/{stored.number}"
        found = self._astdb.get(LOGINS_FAMILY, key)
        return stored if found is None else replace(stored, keys={**stored.keys, (LOGINS_FAMILY, key): found})

    def _lamps(self, queue: str) -> dict[str, str]:
        """The states that tell of logins to this queue: `Custom:QUEUE200*400`."""
        lamp = re.compile(rf"QUEUE(?:TOGGLE)?[^*]+\*{re.escape(queue)}")
        states = self._astdb.tree(FAMILIES["Custom"])
        return {f"Custom:{name}": state for name, state in states.items() if lamp.fullmatch(name)}


def _plan(platform: Platform, old: Stored, new: Stored) -> Plan:
    plan = plans.plan(old, new, platform.schema.tables)
    return plan + Plan(rows=(NEED_RELOAD,)) if plan.reload else plan
