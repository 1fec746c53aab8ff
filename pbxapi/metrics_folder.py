"""The folder in which the workers of one server count for Prometheus, and what becomes of the counts of those that end.

prometheus_client makes files for each process there and never takes one away: a server that is told to load its
configuration again every night would answer each scrape more slowly. So the master adds up what ended.
"""

from __future__ import annotations

import atexit
import fcntl
import logging
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""What prometheus_client calls it. It has to be known before that is imported."""
PREFIX = "pbxapi-metrics-"
MEMORY = Path("/dev/shm")  # noqa: S108  (gunicorn makes its own nameless files there)

log = logging.getLogger("pbxapi.metrics")

_ended: set[int] = set()
"""Processes whose counts are not yet added up."""


def make() -> None:
    """Make the folder, in memory where that can be, and take it away when this process ends. None where one is set.

    Raises RuntimeError where it is too late: each worker would tell its own counts, and nobody would see.
    """
    if VARIABLE in os.environ:
        return
    if "prometheus_client" in sys.modules:
        raise RuntimeError("prometheus_client was imported before its folder was made")
    parent = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    for left in parent.glob(f"{PREFIX}*"):
        # Whoever was killed could not take it away.
        if not Path("/proc", left.name.removeprefix(PREFIX).partition("-")[0]).exists():
            shutil.rmtree(left, ignore_errors=True)
    owner = os.getpid()
    folder = tempfile.mkdtemp(prefix=f"{PREFIX}{owner}-", dir=parent)
    os.environ[VARIABLE] = folder
    # Workers are forks, and leave by os._exit or by sys.exit.
    atexit.register(lambda: shutil.rmtree(folder, ignore_errors=True) if os.getpid() == owner else None)


@contextmanager
def reading() -> Iterator[None]:
    """Have nothing added up in the meantime: it would be seen twice, or not at all."""
    with _locked(fcntl.LOCK_SH):
        yield


def forget(pid: int) -> None:
    """A worker ended: what it counted stays, in one file for all that ended, and what it alone had is gone.

    For the master alone. While somebody reads it is put off until the next one ends. Raises nothing: gunicorn's master
    would end by it.
    """
    folder = os.environ.get(VARIABLE)
    if not folder:
        return
    _ended.add(pid)
    try:
        with _locked(fcntl.LOCK_EX | fcntl.LOCK_NB):
            while _ended:
                _add_up(Path(folder), _ended.pop())
    except BlockingIOError:
        pass
    except Exception:
        log.exception("what a worker counted could not be added up")


def _add_up(folder: Path, pid: int) -> None:
    # prometheus_client may not be imported before the variable is set.
    from prometheus_client.mmap_dict import MmapedDict  # noqa: PLC0415

    for kind in ("counter", "histogram"):
        counted = folder / f"{kind}_{pid}.db"
        if counted.exists():
            values = list(MmapedDict.read_all_values_from_file(str(counted)))  # type: ignore[no-untyped-call]
            # Its collector goes by what is before the first "_".
            sums = MmapedDict(str(folder / f"{kind}_ended.db"))  # type: ignore[no-untyped-call]
            for key, value, _, _ in values:
                sums.write_value(key, sums.read_value(key)[0] + value, 0.0)  # type: ignore[no-untyped-call]
            sums.close()  # type: ignore[no-untyped-call]
            counted.unlink()
    for gauge in folder.glob(f"gauge_live*_{pid}.db"):
        gauge.unlink(missing_ok=True)


@contextmanager
def _locked(how: int) -> Iterator[None]:
    file = os.open(Path(os.environ[VARIABLE], "lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, how)
        yield
    finally:
        os.close(file)
