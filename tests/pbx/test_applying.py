"""Coalesced runs, over a real store and real locks; the command is what stands at the edge."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pbxapi.errors import NotSupported, Unavailable
from pbxapi.pbx.locks import HostLock
from pbxapi.pbx.provisioning import WRITTEN, Applied
from pbxapi.store import Store
from pbxapi.store.migrate import migrate
from tests.pbx.apply_desk import Desk, Flag
from tests.real.deadline import eventually


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    migrate(store)
    made = Desk(tmp_path, store)
    yield made
    made.close()


def test_a_change_is_in_effect_after_one_run(desk: Desk) -> None:
    change = desk.write("200")
    assert desk.flag.is_set()
    applied = desk.applier.settle(change)
    assert (applied.ok, applied.reason) == (True, None)
    assert desk.runs() == [["200"]]
    status = desk.applier.status()
    assert (status.pending, status.running, status.since, status.last) == (False, False, None, applied)


def test_a_hundred_at_once_need_two_or_three_runs_and_each_answer_is_true(desk: Desk) -> None:
    desk.command.seconds = 0.2
    start = threading.Barrier(100)

    def post(number: int) -> tuple[str, bool, bool]:
        start.wait(30)
        change = desk.write(str(number))
        applied = desk.applier.settle(change)
        return str(number), applied.ok, any(str(number) in run for run in desk.runs())

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(post, range(100)))
    assert all(ok and covered for _, ok, covered in answers)
    assert 1 <= len(desk.runs()) <= 3
    assert desk.runs()[-1] == sorted(str(number) for number in range(100))
    assert not desk.applier.status().pending


def one_process(folder: str, first: int, ready: Any, done: Any) -> None:
    """A worker of a server: eight threads, each with a change."""
    desk = Desk(Path(folder), Store(f"sqlite:///{folder}/store.db"))
    desk.command.seconds = 0.2
    ready.wait(60)

    def post(number: int) -> bool:
        return desk.applier.settle(desk.write(str(number))).ok and any(str(number) in run for run in desk.runs())

    with ThreadPoolExecutor(8) as pool:
        done.put(list(pool.map(post, range(first, first + 8))))
    desk.close()


@pytest.mark.parametrize("method", ["fork", "spawn"])
@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_processes_share_runs_as_threads_do(desk: Desk, tmp_path: Path, method: str) -> None:
    context: Any = multiprocessing.get_context(method)
    ready, done = context.Barrier(2), context.Queue()
    workers = [
        context.Process(target=one_process, args=(str(tmp_path), 100 * n, ready, done), daemon=True) for n in range(2)
    ]
    for worker in workers:
        worker.start()
    answers = [done.get(timeout=60) for _ in workers]
    for worker in workers:
        worker.join(30)
    assert answers == [[True] * 8] * 2
    assert 1 <= len(desk.runs()) <= 3
    assert not desk.applier.status().pending


def test_a_failed_run_is_the_answer_of_all_whom_it_was_for_and_they_keep_waiting(desk: Desk) -> None:
    desk.command.reason = "fwconsole says that it failed"
    changes = [desk.write("200"), desk.write("201")]
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(desk.applier.settle, changes))
    assert [(each.ok, each.reason) for each in answers] == [(False, "fwconsole says that it failed")] * 2
    assert len(desk.runs()) == 1
    status = desk.applier.status()
    assert status.pending
    assert status.last == answers[0]
    assert status.since == desk.store.changes.open()[0].at
    assert desk.flag.is_set()


def test_who_waits_through_a_failed_run_that_came_after_its_own_is_told_of_its_own(desk: Desk) -> None:
    first = desk.write("200")
    assert desk.applier.settle(first).ok
    desk.command.reason = "no"
    assert not desk.applier.settle(desk.write("201")).ok
    # As one that was slow to take the lock: its change is in effect since the first run.
    assert desk.applier.settle(first).ok
    assert len(desk.runs()) == 2


def test_a_failure_does_not_stand_in_for_a_later_change(desk: Desk) -> None:
    desk.command.reason = "no"
    desk.applier.settle(desk.write("200"))
    desk.command.reason = None
    assert desk.applier.settle(desk.write("201")).ok
    assert desk.runs() == [["200"], ["200", "201"]]
    assert desk.store.changes.open() == []


def test_a_command_that_lies_has_failed(desk: Desk) -> None:
    desk.command.clears = False
    applied = desk.applier.settle(desk.write("200"))
    assert not applied.ok
    assert "still says" in str(applied.reason)
    assert desk.applier.status().pending


def test_a_failed_command_that_cleared_the_flag_has_it_set_again(desk: Desk) -> None:
    desk.command.reason = "Asterisk does not answer"
    desk.applier.settle(desk.write("200"))
    assert desk.flag.is_set()


def test_a_command_that_does_nothing_is_caught_also_when_the_flag_was_gone_before(desk: Desk) -> None:
    """Somebody's own reload cleared it just now: that says nothing of ours."""
    change = desk.write("200")
    desk.flag.clear()
    desk.command.clears = False
    assert not desk.applier.settle(change).ok


def test_nobody_writes_while_a_run_is_under_way(desk: Desk) -> None:
    change = desk.write("200")
    with desk.command.held() as begun, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(desk.applier.settle, change)
        begun.wait(10)
        assert desk.applier.status().running
        with pytest.raises(Unavailable), desk.writing.hold(0.05):
            raise AssertionError("written while the platform reloads")
        desk.command.go_on()
        assert answer.result(10).ok
    assert not desk.applier.status().running


def test_an_apply_that_is_asked_for_runs_also_when_nothing_waits_and_leaves_nothing(desk: Desk) -> None:
    desk.flag.set()
    applied = desk.applier.run()
    assert applied.ok
    assert desk.runs() == [[]]
    assert desk.store.changes.open() == []
    assert not desk.applier.status().pending
    assert desk.applier.run().ok
    assert len(desk.runs()) == 2


def test_those_who_ask_for_an_apply_at_once_share_it(desk: Desk) -> None:
    start = threading.Barrier(20)

    def ask(_: int) -> Applied:
        start.wait(10)
        return desk.applier.run()

    with ThreadPoolExecutor(20) as pool:
        assert all(applied.ok for applied in pool.map(ask, range(20)))
    assert len(desk.runs()) <= 3


def test_an_apply_that_is_asked_for_and_fails_leaves_no_trace_of_the_asking(desk: Desk) -> None:
    desk.command.reason = "no"
    assert desk.applier.run().reason == "no"
    assert desk.store.changes.open() == []


def test_where_it_cannot_be_applied_asking_is_not_supported_and_writing_is_left_pending(desk: Desk) -> None:
    desk.command.missing = "fwconsole is not there"
    with pytest.raises(NotSupported, match="fwconsole is not there"):
        desk.applier.run()
    assert desk.store.changes.open() == []


def test_a_store_that_is_away_is_a_reason_for_who_wrote_and_an_error_for_who_asks(desk: Desk) -> None:
    change = desk.write("200")
    desk.break_store()
    applied = desk.applier.settle(change)
    assert not applied.ok
    assert "store" in str(applied.reason)
    with pytest.raises(Unavailable):
        desk.applier.run()


def test_a_store_that_goes_away_while_the_command_runs_does_not_make_the_answer_false(desk: Desk) -> None:
    change = desk.write("200")
    desk.command.before_end = desk.break_store
    assert desk.applier.settle(change).ok


def test_who_cannot_have_the_lock_in_time_is_told_and_its_change_waits(desk: Desk, tmp_path: Path) -> None:
    desk.applier.close()
    impatient = desk.another(timeout=0.05)
    change = desk.write("200")
    with HostLock(tmp_path / "apply.lock", "x").hold(1):
        applied = impatient.settle(change)
    assert not applied.ok
    assert "in use" in str(applied.reason)
    assert [each.state for each in desk.store.changes.open()] == [WRITTEN]
    impatient.close()


def runs_for_ever(folder: str, begun: Any) -> None:
    desk = Desk(Path(folder), Store(f"sqlite:///{folder}/store.db"))

    def never_end() -> None:
        begun.set()
        threading.Event().wait()

    desk.command.before_end = never_end
    desk.applier.settle(desk.write("200"))


def test_a_runner_that_is_killed_lets_go_and_its_change_goes_with_the_next_run(desk: Desk, tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    begun = context.Event()
    worker = context.Process(target=runs_for_ever, args=(str(tmp_path), begun), daemon=True)
    worker.start()
    assert begun.wait(30)
    assert desk.applier.status().running
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    worker.join(10)
    status = desk.applier.status()
    assert (status.pending, status.running) == (True, False)
    assert desk.applier.settle(desk.write("201")).ok
    assert desk.runs()[-1] == ["200", "201"]
    assert desk.store.changes.open() == []


def test_who_writes_while_a_run_waits_for_writers_gets_into_it(desk: Desk) -> None:
    first = desk.write("200")
    with ThreadPoolExecutor(1) as pool:
        with desk.writing.hold(10):
            settled = pool.submit(desk.applier.settle, first)
            eventually(lambda: desk.applier.status().running, "the run waits for the writer")
            second = desk.write_under_lock("201")
        assert settled.result(10).ok
    assert desk.applier.settle(second).ok
    assert desk.runs() == [["200", "201"]]


def test_without_a_flag_the_journal_alone_tells_what_waits(desk: Desk) -> None:
    plain = desk.another(flag=None)
    change = desk.write("200")
    plain.leave(change)
    desk.flag.clear()
    assert plain.status().pending
    assert plain.run().ok
    assert not plain.status().pending
    plain.close()


def test_the_flag_alone_is_enough_to_wait(desk: Desk) -> None:
    Flag(desk.folder).set()
    status = desk.applier.status()
    assert (status.pending, status.since) == (True, None)
