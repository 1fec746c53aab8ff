"""Extensions of an Asterisk with no platform around it, in either of its stores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from pbxapi.ami import AmiError, Client
from pbxapi.errors import Conflict, Invalid, NotFound, Refused
from pbxapi.pbx import plain_drift as drifts
from pbxapi.pbx.change import Changes
from pbxapi.pbx.dialect import Dialect, Objects
from pbxapi.pbx.extension_checks import check
from pbxapi.pbx.plain_draft import RESET, Draft, box_of, view
from pbxapi.pbx.plain_store import Found, PlainStore, in_files, transports
from pbxapi.pbx.plan import FileChange, Plan, RowChange
from pbxapi.pbx.provisioning import (
    ABANDONED,
    Difference,
    Extension,
    Journal,
    Mailbox,
    Operation,
    Outcome,
    Result,
    Values,
    Write,
)
from pbxapi.pbx.realtime_store import in_order
from pbxapi.pbx.running import Running
from pbxapi.pbx.voicemail_file import VoicemailFile

MESSAGES_LEFT = "The messages of its mailbox were left: ?voicemail=true removes them"


@dataclass(slots=True)
class Decided:
    """The plan of some operations, each number's options after them, and mailboxes whose messages go."""

    plan: Plan = field(default_factory=Plan)
    after: dict[str, tuple[Objects, Mailbox | None] | None] = field(default_factory=dict)
    warnings: dict[str, tuple[str, ...]] = field(default_factory=dict)
    erased: list[tuple[str, str]] = field(default_factory=list)


class PlainExtensions:
    """`provisioning.Extensions`. `changes` gives what carries out a write: loading what it wrote, or not."""

    def __init__(
        self,
        *,
        ami: Client,
        store: PlainStore,
        dialect: Dialect,
        running: Running,
        voicemail: VoicemailFile,
        changes: Callable[[Write], Changes],
        journal: Journal,
        contexts: Collection[str],
    ) -> None:
        self._ami = ami
        self._store = store
        self._dialect = dialect
        self._running = running
        self._voicemail = voicemail
        self._changes = changes
        self._journal = journal
        self._contexts = contexts

    def why_not(self) -> str | None:
        """Why nothing can be written here, in words for a caller; None when it can. Raises AmiError."""
        return self._store.why_not()

    def all(self) -> tuple[Extension, ...]:
        """Every extension, by number; those that stand in files of others are not managed."""
        boxes = self._boxes()
        ours = self._store.read(None)
        found = {number: view(self._dialect, number, each.objects, boxes) for number, each in ours.items()}
        for number, objects in in_files(self._ami, self._dialect).items():
            if number not in found:
                found[number] = view(self._dialect, number, objects, boxes, managed=False)
        return tuple(found[number] for number in sorted(found, key=lambda each: (int(each), each)))

    def get(self, number: str) -> Extension:
        """One. Raises NotFound."""
        found = self._store.read([number]).get(number)
        if found is not None:
            return view(self._dialect, number, found.objects, self._boxes())
        others = in_files(self._ami, self._dialect)
        if number not in others:
            raise NotFound(f"There is no extension {number}")
        return view(self._dialect, number, others[number], self._boxes(), managed=False)

    def options(self, technology: str) -> frozenset[str]:
        """Those that can be set here."""
        return frozenset(self._dialect.options) if technology == self._dialect.technology else frozenset()

    def _boxes(self) -> Mapping[tuple[str, str], Mailbox]:
        return {} if self._voicemail.why_not() else self._voicemail.mailboxes()

    def write(self, operations: Sequence[Operation], how: Write) -> Outcome:
        """See `provisioning.Extensions`."""
        changes = self._changes(how)
        with changes.locked():
            self._store.prepare(only_look=how.dry_run)
            old = self._store.read([each.number for each in operations])
            if how.check and len(operations) == 1 and operations[0].number in old:
                how.check(view(self._dialect, operations[0].number, old[operations[0].number].objects, self._boxes()))
            decided = self._decide(operations, old, how)
            results = tuple(self._result(each, old, decided) for each in operations)
            if how.dry_run or decided.plan.empty:
                return Outcome(decided.plan, results)
            numbers = [each.number for each in operations]
            change = changes.carry_out(numbers, decided.plan)
            created = [each.number for each in operations if each.op == "create"]
            unseen = self._unseen(created) if created and not self._store.loads else None
            if unseen:
                self._journal.forget(changes.carry_out(numbers, inverse(decided.plan)))
                self._journal.forget(change)
                raise Refused(unseen)
        applied, reason = changes.finish(change, decided.plan, how)
        warnings = self._erase(decided.erased)
        return Outcome(replace(decided.plan, warnings=warnings), results, applied, reason)

    def _unseen(self, created: Sequence[str]) -> str | None:
        """Why Asterisk does not see new rows, so that nobody could register; None when it does."""
        try:
            lacking = self._running.lacking(created)
        except AmiError:
            return None  # it went away since; the rows are right
        for number, words in lacking.items():
            return (
                f"Asterisk does not see {number} in the database ({words}), and it was taken back: "
                "sorcery.conf and extconfig.conf must name ps_endpoints, ps_auths and ps_aors"
            )
        return None

    def _decide(self, operations: Sequence[Operation], old: Mapping[str, Found], how: Write) -> Decided:
        self._check_numbers(operations, old)
        decided = Decided()
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
        had = self._box(number, old.objects) if old else None
        if operation.op == "delete":
            decided.plan += self._store.plan(number, old, None) + self._box_plan(number, had, None, "")
            decided.after[number] = None
            if had is not None and how.erase_messages:
                decided.erased.append((had.context, number))
            elif had is not None:
                decided.warnings[number] = (MESSAGES_LEFT,)
            return
        values = dict(operation.values)
        check(number, values)
        if operation.op == "replace":
            values = dict.fromkeys((*RESET, *self._dialect.groups, "voicemail")) | values
        self._check_values(values, old, known)
        draft = Draft(self._dialect, number, old.objects if old else None)
        draft.set(values)
        box = had
        if "voicemail" in values:
            box = self._wanted_box(values["voicemail"], had)
            draft.set_box(box)
        new = draft.objects()
        name = view(self._dialect, number, new, {}).name or number
        decided.plan += self._store.plan(number, old, new) + self._box_plan(number, had, box, name)
        decided.after[number] = new, box

    def _check_numbers(self, operations: Sequence[Operation], old: Mapping[str, Found]) -> None:
        twice = [number for number, times in Counter(each.number for each in operations).items() if times > 1]
        if twice:
            raise Invalid(f"A batch changes a number only once: {', '.join(sorted(twice))}")
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

    def _check_values(self, values: Values, old: Found | None, known: list[Collection[str] | None]) -> None:
        technology = self._dialect.technology
        if values.get("technology") not in (None, technology):
            words = [f"This exchange makes {technology} only (CHAN_DRIVER)."]
            raise Invalid("No such extension can be made here", {"technology": words})
        context, transport = values.get("context"), values.get("transport")
        before = (old.objects if old else {}).get(self._dialect.main_kind, {})
        if context and context not in self._contexts and context != before.get("context"):
            raise Invalid("The context may not be used", {"context": ["CALL_CONTEXTS does not name it."]})
        if transport and transport != before.get("transport"):
            if not known:
                known.append(transports(self._ami, self._dialect))
            if known[0] is not None and transport not in known[0]:
                words = [f"Known here: {', '.join(sorted(known[0]))}."]
                raise Invalid("There is no such transport", {"transport": words})

    def _box(self, number: str, objects: Objects) -> Mailbox | None:
        context = box_of(self._dialect, objects)
        return self._boxes().get((context, number)) if context else None

    def _wanted_box(self, values: Values | None, before: Mailbox | None) -> Mailbox | None:
        if values is None:
            return None
        reason = self._voicemail.why_not()
        if reason is not None:
            raise Invalid("Voicemail cannot be set up here", {"voicemail": [reason]})
        box = before or Mailbox(password=self._voicemail.new_password())
        given: dict[str, Any] = {
            name: value for name, value in values.items() if value is not None or name in {"email", "pager"}
        }
        return replace(box, **given)

    def _box_plan(self, number: str, before: Mailbox | None, after: Mailbox | None, name: str) -> Plan:
        if before == after and before is None:
            return Plan()
        changes: tuple[FileChange, ...] = self._voicemail.plan_put(number, before, after, name)
        return Plan(files=changes)

    def _result(self, operation: Operation, old: Mapping[str, Found], decided: Decided) -> Result:
        number, after = operation.number, decided.after[operation.number]
        words = decided.warnings.get(number, ())
        if after is None:
            return Result(operation.op, number, None, True, words)
        objects, box = after
        boxes = {(box.context, number): box} if box else {}
        before = old.get(number)
        changed = before is None or before.objects != objects or bool(decided.plan.files)
        return Result(operation.op, number, view(self._dialect, number, objects, boxes), changed, words)

    def _erase(self, boxes: Sequence[tuple[str, str]]) -> tuple[str, ...]:
        failed = []
        for context, number in boxes:
            try:
                self._voicemail.erase(number, context)
            except OSError:
                failed.append(f"The messages of mailbox {number} could not be removed")
        return tuple(failed)

    def drift(self, number: str) -> tuple[Difference, ...]:
        """Where the store and what Asterisk runs disagree. Raises NotFound."""
        found = self._store.read([number]).get(number)
        if found is None:
            self._no_such(number)
        box = self._box(number, found.objects)
        return tuple(drifts.differences(number, found.objects, self._dialect, self._running.values(number), box))

    def _no_such(self, number: str) -> NoReturn:
        if self._running.has([number]):
            raise Conflict(f"{number} is in a configuration that others write: it cannot be looked after here")
        raise NotFound(f"There is no extension {number}")

    def repair(self, number: str, how: Write) -> Outcome:
        """Give the number the objects that it lacks, and let Asterisk load it again."""
        changes = self._changes(replace(how, apply=False))
        with changes.locked():
            self._store.prepare(only_look=how.dry_run)
            found = self._store.read([number]).get(number)
            if found is None:
                self._no_such(number)
            if how.check:
                how.check(view(self._dialect, number, found.objects, self._boxes()))
            draft = Draft(self._dialect, number, found.objects)
            draft.mend()
            new = draft.objects()
            plan = replace(self._store.plan(number, found, new), reload=self._store.loads)
            result = Result("repair", number, view(self._dialect, number, new, self._boxes()), not plan.empty)
            if how.dry_run:
                return Outcome(plan, (result,))
            change = changes.carry_out([number], plan)
            for left in self._journal.open():
                if left.state == ABANDONED and left.numbers == (number,):
                    self._journal.forget(left.id)
        applied, reason = changes.finish(change, plan, replace(how, apply=True))
        return Outcome(plan, (result,), applied, reason)


def inverse(plan: Plan) -> Plan:
    """What takes a plan back that has been carried out."""
    return Plan(
        rows=tuple(RowChange(row.table, row.key, row.after, row.before) for row in reversed(plan.rows)),
        keys=tuple(replace(key, before=key.after, after=key.before) for key in reversed(plan.keys)),
        files=tuple(replace(file, before=file.after, after=file.before) for file in reversed(plan.files)),
    )


@contextmanager
def placed(place: int, *, several: bool) -> Iterator[None]:
    """Say which operation's fault it is."""
    try:
        yield
    except Invalid as error:
        if not several:
            raise
        fields = {f"operations.{place}.{name}": words for name, words in error.fields.items()}
        raise Invalid(str(error), fields or {f"operations.{place}": [str(error)]}) from error
