"""Carrying out a plan: all of it or nothing, across a database, AstDB and configuration files.

First what the database can take back by itself, then the outside, each step with its undo known before it is begun,
then the commit; after that there is only forward: states of lamps, and letting Asterisk load what was written.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

from pbxapi.ami import AmiError
from pbxapi.errors import Inconsistent, PbxError, Unavailable
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.locks import HostLock
from pbxapi.pbx.plan import FileChange, KeyChange, Plan
from pbxapi.pbx.provisioning import WRITING, Applying, Journal, Write
from pbxapi.pbx.row_changes import Rows
from pbxapi.pbx.step import Step, run

log = logging.getLogger("pbxapi.change")

LOCK_TIMEOUT = 30.0
"""Seconds to wait for other writers, and for an apply that is under way (6.5 s for 1,000 extensions)."""


class ConfFile(Protocol):
    """A configuration file that plans may change. `load` lets Asterisk read it again, after the commit."""

    def step(self, changes: Sequence[FileChange]) -> Step:
        """Make these changes."""
        ...

    def load(self) -> None:
        """Raises AmiError."""
        ...


class Changes:
    """What every write to one exchange goes through. One at a time on this host: whoever writes holds `locked()`."""

    def __init__(
        self,
        lock: HostLock,
        journal: Journal,
        astdb: AstDb,
        *,
        rows: Rows | None = None,
        files: Mapping[str, ConfFile] | None = None,
        applying: Applying | None = None,
    ) -> None:
        self._lock = lock
        self._journal = journal
        self._astdb = astdb
        self._rows = rows
        self._files = files or {}
        self._applying = applying

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only writer. Raises Unavailable when others take too long."""
        with self._lock.hold(LOCK_TIMEOUT):
            self._bury()
            yield

    def _bury(self) -> None:
        """Name what a process left half done when it died: only the holder of the lock writes, and that is us."""
        for change in self._journal.open(WRITING):
            # First, or a store that cannot be written has every writer say it anew.
            self._journal.abandon(change.id)
            log.error(
                "a change of %s was left half done at %s: write it again, or see GET /extensions/%s/drift",
                ", ".join(change.numbers), change.at.isoformat(), change.numbers[0] if change.numbers else "",
            )  # fmt: skip

    def carry_out(self, numbers: Sequence[str], plan: Plan) -> int:
        """Do it, within `locked()`; gives the journal's number of the change.

        Raises what went wrong, with nothing changed; Inconsistent when that could not be had.
        """
        self._astdb.ping()
        change = self._journal.begin(numbers)
        try:
            self._do(plan)
        except Inconsistent:
            self._journal.abandon(change)
            raise
        except (PbxError, AmiError):
            self._journal.forget(change)
            raise
        with _store_may_fail():
            self._journal.written(change)
        return change

    def _do(self, plan: Plan) -> None:
        sent: list[KeyChange] = []
        outside = [Step(f"AstDB keys of {_families(plan)}", lambda: self._astdb.write(plan.keys, sent),
                        lambda: self._astdb.put_back(sent))] if plan.keys else []  # fmt: skip
        names = dict.fromkeys(change.file for change in plan.files)
        outside += [self._files[name].step([c for c in plan.files if c.file == name]) for name in names]
        if self._rows is None or not plan.rows:
            run(outside)
        else:
            self._rows.write(plan.rows, outside)

    def finish(self, change: int, plan: Plan, how: Write) -> tuple[bool, str | None]:
        """What follows the commit, with the lock let go: lamps, files, and the apply that the caller asked for.

        Gives whether the change is in effect, and if not, why.
        """
        reasons = []
        for what, do in self._afterwards(plan):
            try:
                do()
            except (PbxError, AmiError) as error:
                log.error("%s: %s", what, error)  # noqa: TRY400 (a traceback tells no more)
                reasons.append(f"{what} failed, the change itself is written")
        applied, why_not = self._apply(change, plan, how)
        reasons += [why_not] if why_not else []
        return applied and not reasons, "; ".join(reasons) or None

    def _afterwards(self, plan: Plan) -> Iterator[tuple[str, Callable[[], None]]]:
        if plan.states:
            yield "setting device states", lambda: self._astdb.set_states(plan.states)
        for name in dict.fromkeys(each.file for each in plan.files):
            yield f"loading {name}", self._files[name].load

    def _apply(self, change: int, plan: Plan, how: Write) -> tuple[bool, str | None]:
        if not plan.reload or self._applying is None:
            with _store_may_fail():
                self._journal.forget(change)
            return True, None
        if not how.apply:
            self._applying.leave(change)
            return False, "not applied, as asked"
        done = self._applying.settle(change)
        return done.ok, done.reason


@contextmanager
def _store_may_fail() -> Iterator[None]:
    """What is committed is done, also when the journal cannot note it: the next writer will name it then."""
    try:
        yield
    except Unavailable as error:
        log.error("the journal of changes: %s", error)  # noqa: TRY400


def _families(plan: Plan) -> str:
    return ", ".join(sorted({change.family for change in plan.keys}))
