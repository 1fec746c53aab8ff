"""Threads that wait for one lock get it in the order in which they asked, and whoever gives up is not waited for."""

from __future__ import annotations

import multiprocessing
import threading
from pathlib import Path
from typing import Any

import pytest

from pbxapi.errors import Unavailable
from pbxapi.pbx.locks import HostLock
from tests.real.deadline import eventually


def start_waiting(lock: HostLock, name: int, order: list[int], before: int) -> threading.Thread:
    def wait() -> None:
        with lock.hold(30):
            order.append(name)

    thread = threading.Thread(target=wait)
    thread.start()
    eventually(lambda: len(lock._turns._line) == before + 1, "it stands in the line")
    return thread


def test_who_asked_first_is_first(tmp_path: Path) -> None:
    lock, order = HostLock(tmp_path / "lock", "It"), list[int]()
    with lock.hold(1):
        threads = [start_waiting(lock, name, order, name + 1) for name in range(8)]
        assert lock.awaited()
    for thread in threads:
        thread.join(10)
    assert order == list(range(8))
    assert not lock.awaited()


def test_who_gives_up_is_not_waited_for(tmp_path: Path) -> None:
    lock, order = HostLock(tmp_path / "lock", "It"), list[int]()
    with lock.hold(1):
        with pytest.raises(Unavailable, match="in use"), lock.hold(0.01):
            pass
        thread = start_waiting(lock, 1, order, 1)
    thread.join(10)
    assert order == [1]
    with lock.hold(0):
        pass


def hold_again_and_again(path: Path, ready: Any, over: Any) -> None:
    lock = HostLock(path, "It")
    threads = [threading.Thread(target=hold_until, args=(lock, ready, over)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)


def hold_until(lock: HostLock, ready: Any, over: Any) -> None:
    while not over.is_set():
        with lock.hold(30):
            ready.set()


def test_a_process_that_always_wants_it_leaves_it_to_others(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    ready, over = context.Event(), context.Event()
    other = context.Process(target=hold_again_and_again, args=(tmp_path / "lock", ready, over))
    other.start()
    try:
        assert ready.wait(30)
        lock = HostLock(tmp_path / "lock", "It")
        for _ in range(5):
            with lock.hold(10):
                pass
    finally:
        over.set()
        other.join(30)
    assert other.exitcode == 0
