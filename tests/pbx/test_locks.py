"""Locks of a host, between threads here; test_applying.py has them between processes."""

from __future__ import annotations

import fcntl
import os
import stat
import threading
from pathlib import Path

import pytest

from pbxapi.errors import Unavailable
from pbxapi.pbx.locks import HostLock
from tests.real.deadline import eventually


def test_one_at_a_time_and_a_word_for_who_waits_too_long(tmp_path: Path) -> None:
    lock = HostLock(tmp_path / "x.lock", "The configuration")
    with lock.hold(1), pytest.raises(Unavailable, match="in use") as caught, lock.hold(0.05):
        raise AssertionError("held twice")
    assert caught.value.part == "lock"
    with lock.hold(0):
        pass


def test_whether_it_is_held_can_be_seen_and_seeing_holds_nothing(tmp_path: Path) -> None:
    lock = HostLock(tmp_path / "x.lock", "The configuration")
    assert not lock.held()
    with lock.hold(1):
        assert lock.held()
        assert lock.held()
    assert not lock.held()


def test_whether_somebody_waits_can_be_seen(tmp_path: Path) -> None:
    lock = HostLock(tmp_path / "x.lock", "The configuration")
    assert not lock.awaited()

    def wait() -> None:
        with lock.hold(30):
            pass

    waiting = [threading.Thread(target=wait) for _ in range(2)]
    with lock.hold(1):
        assert not lock.awaited()
        for thread in waiting:
            thread.start()
        eventually(lock.awaited, "two wait")
    for thread in waiting:
        thread.join(10)
    assert not lock.awaited()


def test_a_folder_that_is_not_there_is_unavailable_without_its_path(tmp_path: Path) -> None:
    lock = HostLock(tmp_path / "missing" / "x.lock", "The configuration")
    for use in (lambda: lock.hold(1).__enter__(), lock.held, lock.awaited):
        with pytest.raises(Unavailable) as caught:
            use()
        assert str(tmp_path) not in str(caught.value)


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "x.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Unavailable), HostLock(tmp_path / "x.lock", "x").hold(1):
        raise AssertionError("followed")
    assert not (tmp_path / "elsewhere").exists()


def test_a_lock_that_somebody_else_made_can_be_held(tmp_path: Path) -> None:
    """As a user who may read the file and not write it; root may always."""
    path = tmp_path / "lock"
    old = os.umask(0o077)
    try:
        with HostLock(path, "It").hold(1):
            pass
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with pytest.raises(Unavailable), HostLock(path, "It").hold(0):
            pass
    finally:
        os.close(handle)
