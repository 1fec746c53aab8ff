"""Sharing one question among all who ask."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pbxapi.errors import Timeout
from pbxapi.pbx.live import Shared


class Source:
    """Counts how often it is asked, and answers when it is let."""

    def __init__(self) -> None:
        self.asked = itertools.count(1)
        self.began = threading.Semaphore(0)
        self.answer = threading.Semaphore(0)

    def fetch(self) -> int:
        number = next(self.asked)
        self.began.release()
        assert self.answer.acquire(timeout=5)
        return number


def at_once(count: int, ask: Callable[[], int], pool: ThreadPoolExecutor) -> list[int]:
    return [future.result(timeout=5) for future in [pool.submit(ask) for _ in range(count)]]


def test_all_who_ask_at_once_share_one_question() -> None:
    source = Source()
    shared = Shared(source.fetch, ttl=60)
    with ThreadPoolExecutor(10) as pool:
        first = pool.submit(lambda: shared.get().value)
        assert source.began.acquire(timeout=5)
        others = [pool.submit(lambda: shared.get().value) for _ in range(9)]
        source.answer.release()
        assert {future.result(timeout=5) for future in [first, *others]} == {1}


def test_an_answer_is_good_for_its_time_and_no_longer() -> None:
    numbers = itertools.count(1)
    assert [Shared(lambda: next(numbers), ttl=60).get().value for _ in range(2)] == [1, 2]
    kept = Shared(lambda: next(numbers), ttl=60)
    assert kept.get() is kept.get()
    off = Shared(lambda: next(numbers), ttl=0)
    assert off.get().value != off.get().value


def test_a_fresh_answer_is_one_that_was_asked_for_later() -> None:
    source = Source()
    shared = Shared(source.fetch, ttl=60)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(lambda: shared.get().value)
        assert source.began.acquire(timeout=5)
        fresh = [pool.submit(lambda: shared.get(fresh=True).value) for _ in range(3)]
        source.answer.release()
        assert first.result(timeout=5) == 1
        source.answer.release()
        source.answer.release()
        source.answer.release()
        assert min(future.result(timeout=5) for future in fresh) == 2
    assert shared.get().value >= 2


def test_two_of_the_same_question_are_never_under_way_at_once() -> None:
    lock = threading.Lock()
    numbers = itertools.count(1)

    def fetch() -> int:
        assert lock.acquire(blocking=False), "two at once"
        try:
            return next(numbers)
        finally:
            lock.release()

    shared = Shared(fetch, ttl=60)
    with ThreadPoolExecutor(16) as pool:
        got = at_once(400, lambda: shared.get(fresh=True).value, pool)
    assert len(got) == 400


def test_what_was_asked_before_a_write_is_not_served_after_it() -> None:
    source = Source()
    shared = Shared(source.fetch, ttl=60)
    with ThreadPoolExecutor(2) as pool:
        before = pool.submit(lambda: shared.get().value)
        assert source.began.acquire(timeout=5)
        shared.drop()
        after = pool.submit(lambda: shared.get().value)
        source.answer.release()
        source.answer.release()
        assert (before.result(timeout=5), after.result(timeout=5)) == (1, 2)
    assert shared.get().value == 2


def test_a_failure_is_everybodys_and_is_not_kept() -> None:
    outcomes: list[Exception | int] = [OSError("gone"), 7]

    def fetch() -> int:
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    shared = Shared(fetch, ttl=60)
    with pytest.raises(OSError, match="gone"):
        shared.get()
    assert shared.get().value == 7


def test_waiting_for_another_is_bounded() -> None:
    source = Source()
    shared = Shared(source.fetch, ttl=60, wait=0.05)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(shared.get)
        assert source.began.acquire(timeout=5)
        with pytest.raises(Timeout):
            shared.get()
        source.answer.release()
        first.result(timeout=5)


def test_a_list_that_costs_much_is_good_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 0.5, 0.5])
    shared = Shared(lambda: 1, ttl=1)
    monkeypatch.setattr("pbxapi.pbx.live.time.monotonic", lambda: next(clock, 0.5))
    snapshot = shared.get()
    assert snapshot.good_until == pytest.approx(10.0)
