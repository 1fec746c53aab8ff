"""The platform's flag after a change was left: somebody else's reload clears it, and nobody may lose the change."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pbxapi.errors import Unavailable
from pbxapi.pbx import pending_guard
from pbxapi.pbx.pending_guard import PendingGuard
from pbxapi.pbx.provisioning import LEFT, WRITTEN, Applied
from pbxapi.store import Store
from pbxapi.store.migrate import migrate
from tests.pbx.apply_desk import NEVER, Desk
from tests.real.deadline import eventually

WINDOW = 3600.0
AT_ONCE = 0.0
OFTEN = 0.01


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    migrate(store)
    made = Desk(tmp_path, store)
    yield made
    made.close()


def guard(desk: Desk, window: float = WINDOW, interval: float = WINDOW) -> PendingGuard:
    return PendingGuard(desk.store.changes, desk.writing, desk.flag, window=window, interval=interval)


def states(desk: Desk) -> list[str]:
    return [change.state for change in desk.store.changes.open()]


def test_a_flag_that_goes_in_the_window_is_set_again_each_time(desk: Desk) -> None:
    watching = guard(desk)
    watching.watch(desk.write("200"))
    for _ in range(2):
        desk.flag.clear()
        watching.look()
        assert desk.flag.is_set()
    assert states(desk) == [WRITTEN]
    watching.close()


def test_a_flag_that_goes_at_the_very_end_of_the_window_is_set_once_more(desk: Desk) -> None:
    watching = guard(desk, window=AT_ONCE)
    watching.watch(desk.write("200"))
    desk.flag.clear()
    watching.look()
    assert desk.flag.is_set()
    assert states(desk) == [LEFT]
    assert desk.applier.status().pending


def test_a_flag_that_goes_after_the_window_means_that_the_change_is_applied(desk: Desk) -> None:
    watching = guard(desk, window=AT_ONCE)
    change = desk.write("200")
    watching.watch(change)
    watching.look()
    since = desk.store.changes.open()[0].at
    assert desk.applier.status().since == since
    desk.flag.clear()
    watching.look()
    assert not desk.flag.is_set()
    assert not desk.applier.status().pending
    assert desk.store.changes.open() == []


def test_a_flag_that_goes_by_our_own_run_stays_away(desk: Desk) -> None:
    watching = guard(desk)
    change = desk.write("200")
    watching.watch(change)
    assert desk.applier.settle(change).ok
    watching.look()
    assert not desk.flag.is_set()


def test_a_change_that_is_left_goes_with_the_next_run(desk: Desk) -> None:
    watching = guard(desk, window=AT_ONCE)
    watching.watch(desk.write("200"))
    watching.look()
    assert desk.applier.settle(desk.write("201")).ok
    assert desk.store.changes.open() == []
    assert desk.runs() == [["200", "201"]]


def test_a_newer_change_that_is_left_keeps_the_flag_though_an_older_one_is_past_its_window(desk: Desk) -> None:
    early, late = guard(desk, window=AT_ONCE), guard(desk)
    early.watch(desk.write("200"))
    early.look()
    late.watch(desk.write("201"))
    desk.flag.clear()
    late.look()
    assert desk.flag.is_set()
    assert states(desk) == [LEFT, WRITTEN]
    late.close()


def test_where_a_reload_takes_longer_so_does_the_window(desk: Desk) -> None:
    desk.store.changes.ran(0, Applied(True, 60.0, None, datetime.now(UTC)))
    watching = guard(desk, window=AT_ONCE)
    watching.watch(desk.write("200"))
    watching.look()
    assert states(desk) == [WRITTEN]
    watching.close()


def test_while_a_run_is_under_way_nobody_looks(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The flag is gone a moment before the end of a run is noted."""
    monkeypatch.setattr(pending_guard, "PATIENCE", 0.01)
    change = desk.write("200")
    watching = guard(desk)
    watching.watch(change)

    def cleared_and_not_noted() -> None:
        desk.flag.clear()
        with pytest.raises(Unavailable):
            watching.look()

    desk.command.before_end = cleared_and_not_noted
    assert desk.applier.settle(change).ok
    watching.look()
    assert not desk.flag.is_set()
    watching.close()


def test_the_thread_does_it_and_ends_when_there_is_nothing_to_watch(desk: Desk) -> None:
    watching = guard(desk, window=0.3, interval=OFTEN)
    watching.watch(desk.write("200"))
    desk.flag.clear()
    eventually(desk.flag.is_set, "the flag is set again")
    eventually(lambda: states(desk) == [LEFT], "the window is over")
    eventually(lambda: watching._thread is None, "the thread has ended")
    watching.watch(desk.write("201"))
    desk.flag.clear()
    eventually(desk.flag.is_set, "another thread does it for another change")
    watching.close()


def test_leaving_a_change_begins_it(desk: Desk) -> None:
    applier = desk.another(guard=(WINDOW, OFTEN))
    applier.leave(desk.write("200"))
    desk.flag.clear()
    eventually(desk.flag.is_set, "the flag is set again")
    applier.close()


def test_a_change_that_could_not_be_applied_is_watched_too(desk: Desk) -> None:
    applier = desk.another(guard=(WINDOW, OFTEN))
    desk.command.reason = "no"
    applier.settle(desk.write("200"))
    desk.flag.clear()
    eventually(desk.flag.is_set, "the flag is set again")
    applier.close()


def test_a_change_whose_process_died_is_watched_by_who_comes_across_it(desk: Desk) -> None:
    """Its flag may have gone while nobody looked."""
    desk.write("200")
    desk.flag.clear()
    applier = desk.another(guard=(AT_ONCE, OFTEN))
    assert applier.status().pending
    eventually(desk.flag.is_set, "the flag is set again")
    eventually(lambda: states(desk) == [LEFT], "from here on the flag tells")
    applier.close()


def test_a_change_that_its_own_process_watches_is_not_taken_over(desk: Desk) -> None:
    change = desk.write("200")
    other = guard(desk)
    other.adopt()
    assert other._ends == {}
    assert states(desk) == [WRITTEN]
    assert change in desk.waiting()


def test_a_store_or_a_flag_that_is_away_for_a_while_does_not_end_the_watching(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "pbxapi.apply")
    watching = guard(desk, interval=OFTEN)
    watching.watch(desk.write("200"))
    desk.break_store()
    eventually(lambda: "cannot be seen" in caplog.text, "it has looked in vain")
    desk.mend_store()
    desk.flag.clear()
    eventually(desk.flag.is_set, "the flag is set again")
    watching.close()


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
def test_a_forked_child_watches_what_it_is_given_itself_and_nothing_of_its_parents(desk: Desk) -> None:
    applier = desk.another(guard=(WINDOW, OFTEN))
    applier.leave(desk.write("200"))
    child = os.fork()
    if child == 0:
        try:
            assert applier._guard is not None
            assert applier._guard._ends == {}
            applier.leave(desk.write("201"))
            desk.flag.clear()
            eventually(desk.flag.is_set, "the child's thread sets it")
            os._exit(0)
        finally:
            os._exit(1)
    applier.close()
    assert os.waitpid(child, 0)[1] == 0


def test_once_closed_nothing_is_begun(desk: Desk) -> None:
    applier = desk.another(guard=NEVER)
    applier.close()
    applier.leave(desk.write("200"))
    assert applier._guard is not None
    assert applier._guard._thread is None
