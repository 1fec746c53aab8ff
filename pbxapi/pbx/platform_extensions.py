"""Extensions of FreePBX and Issabel, in their tables, AstDB and voicemail.conf, as their own screens keep them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pbxapi.db.engine import connect
from pbxapi.errors import NotFound, NotSupported
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.change import Changes
from pbxapi.pbx.extension_belongings import with_belongings
from pbxapi.pbx.extension_drift import Sections, differences, left_half_done, mended
from pbxapi.pbx.extension_operations import Decided, Operations
from pbxapi.pbx.extension_reader import Reader
from pbxapi.pbx.extension_view import OWN, view
from pbxapi.pbx.mailboxes import seen
from pbxapi.pbx.plan import Plan
from pbxapi.pbx.platform import NEED_RELOAD, Platform, PlatformLook
from pbxapi.pbx.provisioning import (
    ABANDONED,
    Difference,
    Extension,
    Journal,
    Operation,
    Outcome,
    Result,
    Write,
)
from pbxapi.pbx.queue_leaving import QueueLeaving
from pbxapi.pbx.stored import Stored, lead
from pbxapi.pbx.voicemail_file import VoicemailFile

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

    from pbxapi.pbx.interfaces import Peers

VOICEMAIL = "voicemail.conf"


class PlatformExtensions:
    """`provisioning.Extensions` over the platform's own tables."""

    def __init__(
        self,
        *,
        engine: Engine,
        look: PlatformLook,
        astdb: AstDb,
        changes: Changes,
        operations: Operations,
        voicemail: VoicemailFile,
        journal: Journal,
        peers: Peers,
        sections: Sections,
        leaving: QueueLeaving | None = None,
    ) -> None:
        self._engine = engine
        self._look = look
        self._astdb = astdb
        self._changes = changes
        self._operations = operations
        self._voicemail = voicemail
        self._journal = journal
        self._peers = peers
        self._sections = sections
        self._leaving = leaving

    def all(self) -> tuple[Extension, ...]:
        """Every extension, by number."""
        platform = self._look.now()
        with connect(self._engine) as connection:
            found = self._read(connection, platform, None)
        return tuple(view(found[number], platform.layout) for number in sorted(found, key=_order))

    def get(self, number: str) -> Extension:
        """One. Raises NotFound."""
        platform = self._look.now()
        with connect(self._engine) as connection:
            return view(self._one(connection, platform, number), platform.layout)

    def options(self, technology: str) -> frozenset[str]:
        """The keywords that this version of the platform knows, beside those that are fields."""
        device = self._look.now().layout.devices.get(technology)
        return frozenset(device.flags) - OWN.union(device.fields.values()) if device else frozenset()

    def _read(self, connection: Connection, platform: Platform, numbers: Sequence[str] | None) -> Mapping[str, Stored]:
        return Reader(connection, platform.schema, self._astdb).stored(numbers, seen(self._voicemail))

    def _one(self, connection: Connection, platform: Platform, number: str) -> Stored:
        found = self._read(connection, platform, [number]).get(number)
        if found is None or not found.exists:
            raise NotFound(f"There is no extension {number}")
        return found

    def _one_or_remains(self, connection: Connection, platform: Platform, number: str) -> Stored:
        """An extension, or what a write that died left of one. Raises NotFound where nothing is and nobody died."""
        found = self._read(connection, platform, [number]).get(number)
        if found is None and not list(left_half_done(self._journal, number)):
            raise NotFound(f"There is no extension {number}")
        if found is None or not found.exists:
            one = {number: found or Stored(number)}
            return with_belongings(connection, platform.schema, self._astdb, one)[number]
        return found

    def _look_after(self, numbers: set[str]) -> None:
        """What was left half done of these is made whole, whatever it was."""
        left = [each for change in self._journal.open(ABANDONED) for each in change.numbers]
        for number in numbers.intersection(left):
            self._journal.looked_after(number)

    def write(self, operations: Sequence[Operation], how: Write) -> Outcome:
        """See `provisioning.Extensions`."""
        with self._writing() as (platform, connection):
            found = self._read(connection, platform, [each.number for each in operations])
            old = {number: each for number, each in found.items() if each.exists}
            remains = {number: each for number, each in found.items() if not each.exists}
            if how.check and len(operations) == 1 and operations[0].number in old:
                how.check(view(old[operations[0].number], platform.layout))
            decided = self._operations.decide(connection, platform, old, operations, how, remains=remains)
            connection.rollback()
            plan = decided.plan + Plan(rows=(NEED_RELOAD,), reload=True) if not decided.plan.empty else decided.plan
            plan = replace(plan, warnings=tuple(filter(None, (*plan.warnings, platform.layout.warning))))
            results = tuple(self._result(each, decided.states[each.number], platform, old, decided.warnings)
                            for each in operations)  # fmt: skip
            if how.dry_run or plan.empty:
                return Outcome(plan, results)
            change = self._changes.carry_out([each.number for each in operations], plan)
            self._look_after({each.number for each in operations if each.op in {"create", "delete"}})
        applied, reason = self._changes.finish(change, plan, how)
        warnings = tuple(self._after_commit(decided))
        return Outcome(replace(plan, warnings=plan.warnings + warnings), results, applied, reason)

    def _result(
        self,
        operation: Operation,
        after: Stored | None,
        platform: Platform,
        old: Mapping[str, Stored],
        warnings: Mapping[str, tuple[str, ...]],
    ) -> Result:
        number = operation.number
        extension = view(after, platform.layout) if after else None
        return Result(operation.op, number, extension, old.get(number) != after, warnings.get(number, ()))

    @contextmanager
    def _writing(self) -> Iterator[tuple[Platform, Connection]]:
        """The write lock, and a connection to read by. Nothing is locked in the database while one waits."""
        platform = self._look.now()
        if platform.settings.get("AMPEXTENSIONS") == "deviceanduser":
            raise NotSupported(
                "This exchange keeps devices and users apart (AMPEXTENSIONS = deviceanduser): extensions are only read"
            )
        with self._changes.locked(), connect(self._engine) as connection:
            yield platform, connection

    def _after_commit(self, decided: Decided) -> Iterator[str]:
        """What cannot be taken back, or needs not: messages go, and links of mailboxes follow."""
        for context, number in decided.erased:
            try:
                self._voicemail.erase(number, context)
            except OSError:
                yield f"The messages of mailbox {number} could not be removed"
        for number, new_context in decided.linked:
            try:
                if new_context is None:
                    self._voicemail.unlink(number)
                else:
                    self._voicemail.link(number, new_context)
            except OSError:
                yield f"The link to mailbox {number} could not be set: its lamp may not follow"
        if self._leaving:
            yield from self._leaving.leave([number for number, after in decided.states.items() if after is None])

    def drift(self, number: str) -> tuple[Difference, ...]:
        """Where rows, AstDB, what is generated and what Asterisk runs disagree. Raises NotFound."""
        platform = self._look.now()
        with connect(self._engine) as connection:
            stored = self._one_or_remains(connection, platform, number)
        found = differences(stored, platform, self._peers, self._sections)
        return (*left_half_done(self._journal, number), *found)

    def repair(self, number: str, how: Write) -> Outcome:
        """Put right what `drift` tells of rows and AstDB, and apply: the rows count."""
        with self._writing() as (platform, connection):
            old = self._one_or_remains(connection, platform, number)
            if how.check and old.exists:
                how.check(view(old, platform.layout))
            new = mended(old, platform)
            connection.rollback()
            plan = lead(old, new) + Plan(rows=(NEED_RELOAD,), reload=True)
            extension = view(new, platform.layout) if new.exists else None
            results = (Result("repair", number, extension, old != new),)
            if how.dry_run:
                return Outcome(plan, results)
            change = self._changes.carry_out([number], plan)
            self._journal.looked_after(number)
        applied, reason = self._changes.finish(change, plan, how)
        return Outcome(plan, results, applied, reason)


def _order(number: str) -> tuple[int, str]:
    return (int(number), number) if number.isascii() and number.isdigit() else (10**20, number)
