"""Writing many extensions to an exchange, a batch at a time, with every fault by its line."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import Protocol, TextIO

from pbxapi.errors import Conflict, Invalid, NotFound
from pbxapi.extensions_csv import Fault, Wanted
from pbxapi.pbx.provisioning import Applying, Extensions, Operation, Outcome, Result, Write

BATCH = 1000
"""Operations that are written at a time, all of them or none."""

MOST_FAULTS = 20
"""Faults of a batch that are looked for: an exchange tells them one by one."""


class Shows(Protocol):
    """Who is told how far it is."""

    def show(self, doing: str, done: int, whole: int) -> None:
        """So many of the whole are done."""
        ...


class Import:
    """One import. `faults` are what the exchange refuses; `written` how many are in its tables, `changed` those of them
    that were there and other before.

    Secrets that were made go to `secrets` as CSV, once their batch is written.
    """

    def __init__(self, extensions: Extensions, wanted: Sequence[Wanted], secrets: TextIO, progress: Shows) -> None:
        self._extensions = extensions
        self._wanted = wanted
        self._secrets = secrets
        self._progress = progress
        self._any_secrets = False
        self.faults: list[Fault] = []
        self.warnings: list[str] = []
        self.written = 0
        self.changed = 0
        self.applied = False
        self.reason: str | None = None
        self._unchanged = False

    @property
    def several(self) -> bool:
        """Whether it is written in several batches."""
        return len(self._wanted) > BATCH

    @property
    def numbers(self) -> list[str]:
        """Which extensions, in the order in which they are written."""
        return [each.operation.number for each in self._wanted]

    def rehearse(self) -> None:
        """Find what the exchange would refuse, and write nothing."""
        for batch in self._batches():
            self.faults += _refused(self._extensions, batch)
            self._progress.show("checked", self._after(batch), len(self._wanted))

    def write(self, *, apply: bool) -> None:
        """Write batch by batch, up to the first that is refused; with the last all are applied."""
        for batch in self._batches():
            last = self._after(batch) == len(self._wanted)
            try:
                outcome = self._extensions.write(_operations(batch), Write(apply=apply and last))
            except (Conflict, Invalid, NotFound) as error:
                # Somebody else may have changed what is in the way since.
                self.faults = _refused(self._extensions, batch) or [Fault(0, str(error))]
                return
            self.written += len(batch)
            self._keep(batch, outcome)
            self._progress.show("wrote", self.written, len(self._wanted))

    def apply_what_waits(self, applying: Applying | None) -> None:
        """Where the last batch was there already, it applied nothing, though an import before may have left much."""
        if self.written and self._unchanged and applying is not None and applying.status().pending:
            ended = applying.run()
            self.applied, self.reason = ended.ok, ended.reason

    def _batches(self) -> Iterator[Sequence[Wanted]]:
        for start in range(0, len(self._wanted), BATCH):
            yield self._wanted[start : start + BATCH]

    def _after(self, batch: Sequence[Wanted]) -> int:
        return self._wanted.index(batch[-1]) + 1

    def _keep(self, batch: Sequence[Wanted], outcome: Outcome) -> None:
        self.applied, self.reason, self._unchanged = outcome.applied, outcome.reason, outcome.plan.empty
        self.changed += sum(result.op == "update" and result.changed for result in outcome.results)
        self.warnings += outcome.plan.warnings
        rows = [made(each.operation, result) for each, result in zip(batch, outcome.results, strict=True)]
        writer = csv.writer(self._secrets, lineterminator="\n")
        for row in filter(None, rows):
            if not self._any_secrets:
                writer.writerow(("extension", "secret", "voicemail.password"))
                self._any_secrets = True
            writer.writerow(row)
        self._secrets.flush()


def made(operation: Operation, result: Result) -> tuple[str, str, str] | None:
    """The number, and the secret and the PIN that were made for it since none was given; None when both were."""
    after = result.extension
    if operation.op != "create" or after is None:
        return None
    values = operation.values
    secret = "" if values.get("secret") else after.secret or ""
    box = after.voicemail
    password = "" if box is None or (values.get("voicemail") or {}).get("password") else box.password or ""
    return (after.extension, secret, password) if secret or password else None


def _operations(batch: Sequence[Wanted]) -> list[Operation]:
    return [each.operation for each in batch]


def _refused(extensions: Extensions, batch: Sequence[Wanted]) -> list[Fault]:
    """What the exchange would refuse of a batch: it is asked again without that, until it takes the rest."""
    faults: list[Fault] = []
    left = list(batch)
    while left and len(faults) < MOST_FAULTS:
        try:
            extensions.write(_operations(left), Write(dry_run=True))
        except (Conflict, Invalid, NotFound) as error:
            found = _located(error, left)
            faults += found or [Fault(0, str(error))]
        else:
            break
        if not found:
            break
        lines = {fault.line for fault in found}
        left = [each for each in left if each.line not in lines]
    return faults


def _located(error: Conflict | Invalid | NotFound, batch: Sequence[Wanted]) -> list[Fault]:
    """The faults with their lines; none when the lines cannot be told."""
    if isinstance(error, Invalid) and error.fields:
        return [_of_field(name, words, batch) for name, words in error.fields.items()]
    words = str(error).replace(":", " ").split()
    found = [each for each in batch if each.operation.number in words] or batch[: len(batch) == 1]
    return [Fault(each.line, str(error)) for each in found]


def _of_field(name: str, words: Sequence[str], batch: Sequence[Wanted]) -> Fault:
    if name.startswith("operations."):
        _, place, *column = name.split(".", 2)
        return Fault(batch[int(place)].line, ": ".join([*column, " ".join(words)]))
    return Fault(batch[0].line, f"{name}: {' '.join(words)}")
