"""What operations on a plain Asterisk's extensions come to, and whether they may be had at all."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from pbxapi.errors import Conflict, Invalid, NotFound
from pbxapi.pbx.dialect import Dialect, Objects
from pbxapi.pbx.extension_checks import check
from pbxapi.pbx.mailboxes import MESSAGES_LEFT, merged, seen
from pbxapi.pbx.operations import RESET, check_each_once, check_reach, placed
from pbxapi.pbx.plain_draft import Draft, box_of, view
from pbxapi.pbx.plain_store import Found, PlainStore
from pbxapi.pbx.plan import FileChange, Plan
from pbxapi.pbx.provisioning import Journal, Mailbox, Operation, Values, Write
from pbxapi.pbx.realtime_store import in_order
from pbxapi.pbx.running import Running
from pbxapi.pbx.voicemail_file import VoicemailFile


class Belongings(Protocol):
    """What else goes with numbers that are deleted. Raises Conflict when others mention them, unless forced."""

    def __call__(self, numbers: Collection[str], *, force: bool) -> Plan:
        """Plan it."""
        ...


@dataclass(slots=True)
class Decided:
    """The plan of some operations, each number's options after them, and mailboxes whose messages go."""

    plan: Plan = field(default_factory=Plan)
    after: dict[str, tuple[Objects, Mailbox | None] | None] = field(default_factory=dict)
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    erased: list[tuple[str, str]] = field(default_factory=list)


class PlainOperations:
    """Decides. `contexts` are those that callers may name; `transports` gives PJSIP's, None when it is not known."""

    def __init__(
        self,
        *,
        store: PlainStore,
        dialect: Dialect,
        running: Running,
        voicemail: VoicemailFile,
        journal: Journal,
        contexts: Collection[str],
        transports: Callable[[], Collection[str] | None],
        belongings: Belongings,
    ) -> None:
        self._store = store
        self._dialect = dialect
        self._running = running
        self._voicemail = voicemail
        self._journal = journal
        self._contexts = contexts
        self._transports = transports
        self._belongings = belongings

    def decide(self, operations: Sequence[Operation], old: Mapping[str, Found], how: Write) -> Decided:
        """What to do. Raises Conflict, Invalid and NotFound, with fields by operation where there are several."""
        self._check_numbers(operations, old)
        gone = [each.number for each in operations if each.op == "delete"]
        decided = Decided(self._belongings(gone, force=how.force) if gone else Plan())
        known: list[Collection[str] | None] = []
        for place, operation in enumerate(operations):
            with placed(place, several=len(operations) > 1):
                self._decide_one(operation, old.get(operation.number), decided, how, known)
        moved = [each.number for each in operations if each.op in {"create", "delete"}]
        if moved:
            decided.plan += Plan(keys=tuple(self._running.contacts(moved)))
        decided.plan = replace(decided.plan, rows=tuple(sorted(decided.plan.rows, key=in_order)))
        return decided

    def _decide_one(
        self,
        operation: Operation,
        old: Found | None,
        decided: Decided,
        how: Write,
        known: list[Collection[str] | None],
    ) -> None:
        number = operation.number
        had = self.box(number, old.objects) if old else None
        if operation.op == "delete":
            decided.plan += self._store.plan(number, old, None) + self._box_plan(number, had, None, None)
            decided.after[number] = None
            if had is not None and how.erase_messages:
                decided.erased.append((had.context, number))
            elif had is not None:
                decided.warnings[number] = (MESSAGES_LEFT,)
            return
        values = dict(operation.values)
        check(number, values)
        if operation.op == "replace":
            values = dict.fromkeys((*RESET, *self._dialect.groups)) | values
        self._check_values(values, old, had, known)
        draft = Draft(self._dialect, number, old.objects if old else None)
        draft.set(values)
        box = had
        if "voicemail" in values:
            box = merged(self._voicemail, values["voicemail"], had, whole=operation.op == "replace")
            draft.set_box(box)
        new = draft.objects()
        was, name = (
            view(self._dialect, number, each, {}).name if each else None for each in (old and old.objects, new)
        )
        decided.plan += self._store.plan(number, old, new)
        same_line = had and box and had.context == box.context and name == was
        if not (same_line and had == box):
            # A line by hand may have a name that the endpoint has not.
            decided.plan += self._box_plan(number, had, box, None if same_line else name or number)
        decided.after[number] = new, box

    def _check_numbers(self, operations: Sequence[Operation], old: Mapping[str, Found]) -> None:
        check_each_once(operations)
        strange = [each.number for each in operations if each.number not in old]
        there = self._running.has(strange) if strange else set()
        if there:
            # One that was deleted runs still, where that was not applied.
            there -= {number for change in self._journal.open() for number in change.numbers}
        for operation in operations:
            number = operation.number
            if operation.op == "create" and number in old:
                raise Conflict(f"{number} exists already")
            if number not in old and number in there:
                raise Conflict(f"{number} is in a configuration that others write: it cannot be changed here")
            if operation.op != "create" and number not in old:
                raise NotFound(f"There is no extension {number}")

    def _check_values(
        self, values: Values, old: Found | None, had: Mailbox | None, known: list[Collection[str] | None]
    ) -> None:
        technology = self._dialect.technology
        if values.get("technology") not in (None, technology):
            words = [f"This exchange makes {technology} only (CHAN_DRIVER)."]
            raise Invalid("No such extension can be made here", {"technology": words})
        transport = values.get("transport")
        before = (old.objects if old else {}).get(self._dialect.main_kind, {})
        check_reach(values, self._contexts, before, had)
        if transport and transport != before.get("transport"):
            if not known:
                known.append(self._transports())
            if known[0] is not None and transport not in known[0]:
                words = [f"Known here: {', '.join(sorted(known[0]))}."]
                raise Invalid("There is no such transport", {"transport": words})

    def box(self, number: str, objects: Objects) -> Mailbox | None:
        """The number's mailbox, if it has one that is there."""
        context = box_of(self._dialect, objects)
        return self.boxes().get((context, number)) if context else None

    def _box_plan(self, number: str, before: Mailbox | None, after: Mailbox | None, name: str | None) -> Plan:
        if before == after and before is None:
            return Plan()
        changes: tuple[FileChange, ...] = self._voicemail.plan_put(number, before, after, name)
        return Plan(files=changes)

    def boxes(self) -> Mapping[tuple[str, str], Mailbox]:
        """Of voicemail.conf; none where it cannot be read, so that everything else can be."""
        return seen(self._voicemail)

    def erase(self, boxes: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        """Let messages go, after the commit: nothing could bring them back. Gives what went wrong."""
        failed = []
        for context, number in boxes:
            try:
                self._voicemail.erase(number, context)
            except OSError:
                failed.append(f"The messages of mailbox {number} could not be removed")
        return tuple(failed)
