from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pbxapi.errors import Unavailable
from pbxapi.pbx.voicemail_lock import free, locked

KILLED = """
import os, signal, sys, time
from pbxapi.pbx.voicemail_lock import locked
with locked(os.open(sys.argv[1], os.O_RDONLY), time.monotonic() + 5):
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


def soon() -> float:
    return time.monotonic() + 5


def test_both_of_asterisks_locks_are_held_and_let_go(folder: int, tmp_path: Path) -> None:
    with locked(folder, soon()):
        assert {each.name for each in tmp_path.iterdir()} == {".lock", "lock"}
        with (tmp_path / "lock").open("r+") as handle, pytest.raises(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert list(tmp_path.iterdir()) == []


def test_asterisk_can_open_what_we_lock(folder: int, tmp_path: Path) -> None:
    """It goes on without a lock when it cannot."""
    with locked(folder, soon()):
        assert (tmp_path / "lock").stat().st_mode & 0o666 == 0o666


def test_asterisks_lock_file_is_waited_for_and_left(folder: int, tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    with pytest.raises(Unavailable) as caught, locked(folder, time.monotonic() + 0.05):
        pass
    assert caught.value.part == "voicemail"
    assert [each.name for each in tmp_path.iterdir()] == [".lock"]
    threading.Timer(0.1, (tmp_path / ".lock").unlink).start()
    with locked(folder, soon()):
        pass


def test_asterisks_flock_is_waited_for_and_left(folder: int, tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        with pytest.raises(Unavailable), locked(folder, time.monotonic() + 0.05):
            pass
        assert [each.name for each in tmp_path.iterdir()] == ["lock"]


def test_one_at_a_time_among_many(folder: int) -> None:
    inside: list[int] = []
    seen: list[int] = []

    def work() -> None:
        for _ in range(10):
            with locked(folder, soon()):
                inside.append(1)
                seen.append(len(inside))
                inside.pop()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert seen == [1] * 40


def test_the_lock_of_a_process_that_was_killed_is_taken_away(folder: int, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=20)
    assert (tmp_path / ".lock").exists()
    with locked(folder, time.monotonic() + 0.5):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_is_held_is_not_taken_away(folder: int, tmp_path: Path) -> None:
    with locked(folder, soon()):
        assert free(folder) is False
        assert (tmp_path / ".lock").exists()
    (tmp_path / ".lock").touch()
    assert free(folder) is False
    assert free(folder) is False
