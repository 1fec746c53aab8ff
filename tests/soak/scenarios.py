"""What goes wrong while clients ask: one small function each, which breaks something, waits, and mends it."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from tests.real.deadline import eventually
from tests.real.mariadb import PASSWORD
from tests.soak.clock import Clock
from tests.soak.ledger import ASTDB_LATE
from tests.soak.proxy import FAIR, Weather
from tests.soak.traffic import Traffic
from tests.soak.world import SECRET, WORKERS, Served, World, rest


class CannotError(Exception):
    """This machine does not allow it; the text says why."""


@dataclass
class Run:
    """One fault under way. `seconds` is how long it lasts, `killed` when Asterisk was, `clock` what the API goes by."""

    world: World
    served: Served
    traffic: Traffic
    seconds: float
    clock: Clock | None = None
    began: float = 0.0
    ended: float = 0.0
    killed: float | None = None
    notes: list[str] = field(default_factory=list)

    @contextlib.contextmanager
    def fault(self) -> Iterator[None]:
        """Note when it began and when everything was put right again."""
        self.began = monotonic()
        try:
            yield
        finally:
            self.ended = monotonic()


def asterisk_killed(run: Run) -> None:
    asterisk = run.world.exchange.asterisk
    with run.fault():
        run.killed = monotonic()
        asterisk.kill()
        for entry in run.traffic.entries:
            entry.forward.doubt(run.killed - ASTDB_LATE)
        rest(run.seconds)
        asterisk.start()


def asterisk_stopped(run: Run) -> None:
    asterisk = run.world.exchange.asterisk
    with run.fault():
        asterisk.pause()
        rest(run.seconds)
        asterisk.resume()


def asterisk_restarted(run: Run) -> None:
    asterisk = run.world.exchange.asterisk
    with run.fault():
        asterisk.stop()
        asterisk.start()
    rest(run.seconds)


def asterisk_slow(run: Run) -> None:
    with run.fault():
        run.world.ami.weather = Weather(delayed=1.0, delay=0.4)
        rest(run.seconds)
        run.world.ami.weather = FAIR


def asterisk_silent(run: Run) -> None:
    """A network that takes everything and brings nothing."""
    with run.fault():
        run.world.ami.stall()
        rest(run.seconds)
        run.world.ami.restore()


def asterisk_refusing(run: Run) -> None:
    with run.fault():
        run.world.change_manager_secret(SECRET, "another-secret")
        run.world.ami.cut()
        rest(run.seconds)
        run.world.change_manager_secret("another-secret", SECRET)


def mariadb_killed(run: Run) -> None:
    with run.fault():
        run.world.kill_mariadb()
        rest(run.seconds)
        run.world.start_mariadb()


def mariadb_stopped(run: Run) -> None:
    with run.fault():
        run.world.signal_mariadb(signal.SIGSTOP)
        rest(run.seconds)
        run.world.signal_mariadb(signal.SIGCONT)


def mariadb_restarted(run: Run) -> None:
    with run.fault():
        run.world.mariadb.stop()
        run.world.start_mariadb()
    rest(run.seconds)


def mariadb_slow(run: Run) -> None:
    with run.fault():
        run.world.mysql.weather = Weather(delayed=1.0, delay=0.1)
        rest(run.seconds)
        run.world.mysql.weather = FAIR


def mariadb_silent(run: Run) -> None:
    """A network that takes everything and brings nothing."""
    with run.fault():
        run.world.mysql.stall()
        rest(run.seconds)
        run.world.mysql.restore()


def mariadb_refusing(run: Run) -> None:
    with run.fault():
        run.world.change_database_password("another-password")
        rest(run.seconds)
        run.world.change_database_password(PASSWORD)


def network_bad(run: Run) -> None:
    """Cuts, delays and splits, of both."""
    with run.fault():
        run.world.ami.weather = Weather(seed=6, cut=0.004, split=0.4, delayed=0.2, delay=0.03)
        run.world.mysql.weather = Weather(seed=7, cut=0.002, split=0.3, delayed=0.1, delay=0.03)
        rest(run.seconds)
        run.world.ami.weather = run.world.mysql.weather = FAIR


def store_locked(run: Run) -> None:
    """Another process holds the store's write lock, for longer than SQLite waits."""
    with run.fault(), contextlib.closing(sqlite3.connect(run.served.store, isolation_level=None)) as store:
        store.execute("BEGIN IMMEDIATE")
        rest(max(run.seconds, 6.0))
        store.execute("ROLLBACK")


def store_full(run: Run) -> None:
    """The store is on a file system of its own, and something else fills that."""
    filler = run.served.store.parent / "filler"
    with run.fault():
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
        rest(run.seconds)
        filler.unlink()


def store_read_only(run: Run) -> None:
    """No write to its files succeeds (`chattr +i`; a file system cannot be made read-only while files are open)."""
    files = [str(file) for file in run.served.store.parent.glob("store.db*") if not file.name.endswith(".lock")]
    with run.fault():
        _immutable("+i", files)
        try:
            rest(run.seconds)
        finally:
            _immutable("-i", files)


def _immutable(how: str, files: list[str]) -> None:
    done = subprocess.run(["chattr", how, *files], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotError(f"chattr is not permitted here: {done.stderr.strip()[:80]}")


def files_limited(run: Run) -> None:
    """No file of the workers may grow (RLIMIT_FSIZE), as with a quota: the store's log and voicemail.conf.

    Nothing is applied meanwhile: a reload would have the limit as well, for good.
    """
    limits = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in run.served.workers()}
    with run.fault():
        for pid, (_, hard) in limits.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, hard))
        rest(run.seconds)
        for pid, limit in limits.items():
            resource.prlimit(pid, resource.RLIMIT_FSIZE, limit)


def worker_killed(run: Run) -> None:
    workers = run.served.workers()
    with run.fault():
        os.kill(workers[0], signal.SIGKILL)
        eventually(lambda: workers[0] not in run.served.workers() and len(run.served.workers()) == WORKERS, "a new one")
    rest(run.seconds)


def nginx_reloaded(run: Run) -> None:
    with run.fault():
        for _ in range(3):
            os.kill(run.served.nginx, signal.SIGHUP)
            rest(run.seconds / 3)


def gunicorn_reloaded(run: Run) -> None:
    before = run.served.workers()
    with run.fault():
        os.kill(run.served.master, signal.SIGHUP)
        eventually(lambda: not set(before) & set(run.served.workers()), "the old workers have gone", seconds=60)
    rest(run.seconds)


def clock_moved(run: Run) -> None:
    """Two hours on, then two hours back, for the API alone."""
    assert run.clock is not None
    with run.fault():
        for seconds in (7200, -7200, 0):
            run.clock.move(seconds)
            rest(run.seconds / 3)


@dataclass(frozen=True)
class Scenario:
    """`what` for the table. `logs` are patterns of the errors that it may cause in the log, `unfailing` whether no
    client may see a failure. `small_store` puts the store on a small file system of its own, `clock` the API on a clock
    of its own. Of a hundred writes `apply` are applied at once. `deadline` bounds every answer, in seconds.
    """

    do: Callable[[Run], None]
    what: str
    logs: tuple[str, ...] = ()
    unfailing: bool = False
    small_store: bool = False
    clock: bool = False
    apply: int = 5
    deadline: float = 45.0


UNDONE = r"could not be undone"
HALF = r"(POST|PATCH|DELETE) \S+ failed"
APPLY = (
    r"fwconsole|a change could not be applied|applying failed|setting device states|loading voicemail.conf"
    r"|queues of deleted extensions|the configuration was written, and Asterisk does not answer"
)
DATABASE = r"the database says"
AUDIT = r"the store took no entries of the audit log"
JOURNAL = r"the journal of changes:|how a run ended could not be noted|left half done"

SCENARIOS = {
    "asterisk-killed": Scenario(asterisk_killed, "Asterisk killed, and started again", (UNDONE, HALF, APPLY, JOURNAL)),
    "asterisk-stopped": Scenario(asterisk_stopped, "Asterisk stopped (SIGSTOP)", (UNDONE, HALF, APPLY, JOURNAL)),
    "asterisk-restarted": Scenario(asterisk_restarted, "Asterisk restarted in order", (UNDONE, HALF, APPLY, JOURNAL)),
    "asterisk-slow": Scenario(asterisk_slow, "AMI slow: up to 0.4 s each way", (UNDONE, HALF, APPLY, JOURNAL)),
    "asterisk-silent": Scenario(asterisk_silent, "AMI connected and silent", (UNDONE, HALF, APPLY, JOURNAL)),
    "asterisk-refusing": Scenario(asterisk_refusing, "AMI refuses the login", (UNDONE, HALF, APPLY, JOURNAL)),
    "mariadb-killed": Scenario(mariadb_killed, "MariaDB killed, and started again", (DATABASE, UNDONE, HALF, APPLY)),
    "mariadb-stopped": Scenario(mariadb_stopped, "MariaDB stopped (SIGSTOP)", (DATABASE, UNDONE, HALF, APPLY)),
    "mariadb-restarted": Scenario(mariadb_restarted, "MariaDB restarted in order", (DATABASE, UNDONE, HALF, APPLY)),
    "mariadb-slow": Scenario(mariadb_slow, "MySQL slow: up to 0.1 s each way", (DATABASE, UNDONE, HALF, APPLY)),
    "mariadb-silent": Scenario(mariadb_silent, "MySQL connected and silent", (DATABASE, UNDONE, HALF, APPLY)),
    "mariadb-refusing": Scenario(mariadb_refusing, "MariaDB refuses the login", (DATABASE, UNDONE, HALF, APPLY)),
    "network-bad": Scenario(
        network_bad, "AMI and MySQL cut, delayed and split at random", (DATABASE, UNDONE, HALF, APPLY, JOURNAL)
    ),
    "store-locked": Scenario(store_locked, "the store locked by another process", (JOURNAL, APPLY, AUDIT)),
    "store-full": Scenario(store_full, "the store's disk full", (JOURNAL, APPLY, AUDIT), small_store=True),
    "store-read-only": Scenario(store_read_only, "the store read-only", (JOURNAL, APPLY, AUDIT)),
    "files-limited": Scenario(files_limited, "no file of the API may grow", (JOURNAL, APPLY, AUDIT), apply=0),
    "worker-killed": Scenario(worker_killed, "a worker killed", (JOURNAL, r"was sent SIGKILL")),
    "workers-reloaded": Scenario(gunicorn_reloaded, "gunicorn reloaded (SIGHUP)", unfailing=True),
    "nginx-reloaded": Scenario(nginx_reloaded, "nginx reloaded three times", unfailing=True),
    "clock-moved": Scenario(clock_moved, "the clock two hours on, and two back", unfailing=True, clock=True),
}


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of 16 MB: SQLite's log alone grows to 4. Raises CannotError where this user may not mount one."""
    folder.mkdir(exist_ok=True)
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise CannotError("a small file system cannot be mounted by this user")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=False)
