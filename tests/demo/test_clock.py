"""The one thread for all that happens later."""

from __future__ import annotations

import logging
import threading

import pytest

from pbxapi.demo.clock import Clock

SECONDS = 5.0


def test_actions_run_when_they_are_due_in_the_order_they_were_asked_for() -> None:
    clock, done, order = Clock(threading.RLock()), threading.Event(), list[str]()
    clock.later(0.03, done.set)
    clock.later(0.02, lambda: order.append("third"))
    clock.later(0.0, lambda: order.append("first"))
    clock.later(0.0, lambda: order.append("second"))
    clock.later(0.01, lambda: order.append("never")).cancel()
    clock.start()
    assert done.wait(SECONDS)
    clock.stop(SECONDS)
    assert order == ["first", "second", "third"]


def test_actions_hold_the_lock() -> None:
    lock, ran = threading.RLock(), threading.Event()
    clock = Clock(lock)
    clock.start()
    with lock:
        clock.later(0.0, ran.set)
        assert not ran.wait(0.05)
    assert ran.wait(SECONDS)
    clock.stop(SECONDS)


def test_an_action_that_fails_is_logged_and_the_next_one_runs(caplog: pytest.LogCaptureFixture) -> None:
    clock, done = Clock(threading.RLock()), threading.Event()
    clock.later(0.0, list[None]().pop)
    clock.later(0.0, done.set)
    with caplog.at_level(logging.ERROR):
        clock.start()
        assert done.wait(SECONDS)
        clock.stop(SECONDS)
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [IndexError]


def test_after_stop_nothing_happens_any_more() -> None:
    before = set(threading.enumerate())
    clock, ran = Clock(threading.RLock()), threading.Event()
    clock.start()
    assert [each.name for each in set(threading.enumerate()) - before] == ["demo-clock"]
    clock.later(0.02, ran.set)
    clock.stop(SECONDS)
    clock.later(0.0, ran.set)
    assert not ran.wait(0.05)
    assert set(threading.enumerate()) <= before
