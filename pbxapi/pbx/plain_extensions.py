"""Extensions of an Asterisk with no platform around it, in either of its stores."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NoReturn

from pbxapi.ami import AmiError, Client
from pbxapi.errors import Conflict, NotFound, Refused
from pbxapi.pbx import plain_drift as drifts
from pbxapi.pbx.change import Changes
from pbxapi.pbx.dialect import Dialect
from pbxapi.pbx.extension_drift import left_half_done
from pbxapi.pbx.plain_draft import Draft, view
from pbxapi.pbx.plain_operations import Decided, PlainOperations
from pbxapi.pbx.plain_store import Found, PlainStore, in_files
from pbxapi.pbx.plan import Plan, RowChange
from pbxapi.pbx.provisioning import Difference, Extension, Journal, Operation, Outcome, Result, Write
from pbxapi.pbx.running import Running


class PlainExtensions:
    """`provisioning.Extensions`. `changes` gives what carries out a write: loading what it wrote, or not."""

    def __init__(
        self,
        *,
        ami: Client,
        store: PlainStore,
        dialect: Dialect,
        running: Running,
        operations: PlainOperations,
        changes: Callable[[Write], Changes],
        journal: Journal,
    ) -> None:
        self._ami = ami
        self._store = store
        self._dialect = dialect
        self._running = running
        self._operations = operations
        self._changes = changes
        self._journal = journal

    def why_not(self) -> str | None:
        """Why nothing can be written here, in words for a caller; None when it can. Raises AmiError."""
        return self._store.why_not()

    def all(self) -> tuple[Extension, ...]:
        """Every extension, by number; those that stand in files of others are not managed."""
        boxes = self._operations.boxes()
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
            return view(self._dialect, number, found.objects, self._operations.boxes())
        others = in_files(self._ami, self._dialect)
        if number not in others:
            raise NotFound(f"There is no extension {number}")
        return view(self._dialect, number, others[number], self._operations.boxes(), managed=False)

    def options(self, technology: str) -> frozenset[str]:
        """Those that can be set here."""
        return frozenset(self._dialect.options) if technology == self._dialect.technology else frozenset()

    def write(self, operations: Sequence[Operation], how: Write) -> Outcome:
        """See `provisioning.Extensions`."""
        changes = self._changes(how)
        with changes.locked():
            self._store.prepare(only_look=how.dry_run)
            old = self._store.read([each.number for each in operations])
            if how.check and len(operations) == 1 and operations[0].number in old:
                how.check(
                    view(
                        self._dialect, operations[0].number, old[operations[0].number].objects, self._operations.boxes()
                    )
                )
            decided = self._operations.decide(operations, old, how)
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
        warnings = self._operations.erase(decided.erased)
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

    def drift(self, number: str) -> tuple[Difference, ...]:
        """Where the store and what Asterisk runs disagree. Raises NotFound."""
        found = self._store.read([number]).get(number)
        if found is None:
            self._no_such(number)
        box = self._operations.box(number, found.objects)
        differs = drifts.differences(number, found.objects, self._dialect, self._running.values(number), box)
        return (*left_half_done(self._journal, number), *differs)

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
                how.check(view(self._dialect, number, found.objects, self._operations.boxes()))
            draft = Draft(self._dialect, number, found.objects)
            draft.mend()
            new = draft.objects()
            plan = replace(self._store.plan(number, found, new), reload=self._store.loads)
            result = Result(
                "repair", number, view(self._dialect, number, new, self._operations.boxes()), not plan.empty
            )
            if how.dry_run:
                return Outcome(plan, (result,))
            change = changes.carry_out([number], plan)
            self._journal.looked_after(number)
        applied, reason = changes.finish(change, plan, replace(how, apply=True))
        return Outcome(plan, (result,), applied, reason)


def inverse(plan: Plan) -> Plan:
    """What takes a plan back that has been carried out."""
    return Plan(
        rows=tuple(RowChange(row.table, row.key, row.after, row.before) for row in reversed(plan.rows)),
        keys=tuple(replace(key, before=key.after, after=key.before) for key in reversed(plan.keys)),
        files=tuple(replace(file, before=file.after, after=file.before) for file in reversed(plan.files)),
    )
