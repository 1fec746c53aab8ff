"""What applying needs, in files of a folder, so that several processes can share it: a store, locks, a flag."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pbxapi.pbx.applying import Applier
from pbxapi.pbx.locks import HostLock
from pbxapi.pbx.pending_guard import PendingFlag
from pbxapi.pbx.provisioning import WRITTEN
from pbxapi.store import Store

NEVER = (3600.0, 3600.0)


class Flag:
    """A platform's mark: a file that is there or not."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "need_reload"

    def is_set(self) -> bool:
        return self._path.exists()

    def set(self) -> None:
        self._path.touch()

    def clear(self) -> None:
        self._path.unlink(missing_ok=True)


class Command:
    """A platform's reload: takes `seconds`, notes which numbers were written when it began, and clears the flag."""

    method = "reload"

    def __init__(self, folder: Path, flag: Flag) -> None:
        self._folder = folder
        self._flag = flag
        self.seconds = 0.0
        self.reason: str | None = None
        self.missing: str | None = None
        self.clears = True
        self.before_end: Callable[[], object] = lambda: None
        self._go_on = threading.Event()

    def why_not(self) -> str | None:
        return self.missing

    def run(self, timeout: float) -> tuple[bool, str | None]:
        written = sorted(path.name for path in (self._folder / "rows").iterdir())
        time.sleep(self.seconds)
        self.before_end()
        with (self._folder / "runs").open("a") as file:
            file.write(json.dumps(written) + "\n")
        if self.clears:
            self._flag.clear()
        return self.reason is None, self.reason

    @contextmanager
    def held(self) -> Iterator[threading.Event]:
        """Let it stand still once it has begun, until `go_on`."""
        begun = threading.Event()

        def stand_still() -> None:
            begun.set()
            self._go_on.wait(30)

        self.before_end = stand_still
        try:
            yield begun
        finally:
            self._go_on.set()

    def go_on(self) -> None:
        self._go_on.set()


class Desk:
    """All of it, in one folder."""

    def __init__(self, folder: Path, store: Store) -> None:
        self.folder = folder
        self.store = store
        (folder / "rows").mkdir(exist_ok=True)
        self.flag = Flag(folder)
        self.command = Command(folder, self.flag)
        self.writing = HostLock(folder / "write.lock", "The configuration")
        self.applier = self.another()

    def another(
        self, *, timeout: float = 30.0, guard: tuple[float, float] = NEVER, flag: PendingFlag | str | None = "own"
    ) -> Applier:
        """An applier as another process would have it."""
        lock = HostLock(self.folder / "apply.lock", "Applying")
        mark = self.flag if isinstance(flag, str) else flag
        return Applier(self.store.changes, lock, self.writing, self.command, mark, timeout=timeout, guard=guard)

    def write(self, number: str) -> int:
        """As `Changes` does: under the lock, with the flag."""
        with self.writing.hold(30):
            return self.write_under_lock(number)

    def write_under_lock(self, number: str) -> int:
        change = self.store.changes.begin([number])
        (self.folder / "rows" / number).touch()
        self.flag.set()
        self.store.changes.written(change)
        return change

    def runs(self) -> list[list[str]]:
        """The numbers that were there at each run."""
        path = self.folder / "runs"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def waiting(self) -> list[int]:
        return [change.id for change in self.store.changes.open() if change.state == WRITTEN]

    def break_store(self) -> None:
        """Put a folder in its place; whoever looks just then makes a file there first."""
        self.store.close()
        store = self.folder / "store.db"
        store.rename(self.folder / "gone.db")
        while not store.is_dir():
            store.unlink(missing_ok=True)
            with contextlib.suppress(FileExistsError):
                store.mkdir()

    def mend_store(self) -> None:
        (self.folder / "store.db").rmdir()
        (self.folder / "gone.db").rename(self.folder / "store.db")
        # Whoever looked in between has a file open that has no name any more.
        self.store.close()

    def close(self) -> None:
        self.applier.close()
        self.store.close()
