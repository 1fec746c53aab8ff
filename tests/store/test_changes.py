"""The journal of changes, on a real SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pbxapi.pbx.provisioning import ABANDONED, LEFT, WRITING, WRITTEN, Applied
from pbxapi.store import Store
from pbxapi.store.changes import RUNS_KEPT
from pbxapi.store.migrate import migrate

AT = datetime(2026, 11, 23, 5, 0, 0, 123456, UTC)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    migrate(store)
    yield store
    store.close()


def states(store: Store) -> dict[int, str]:
    return {change.id: change.state for change in store.changes.open()}


def test_a_change_goes_from_writing_to_written_and_away(store: Store) -> None:
    change = store.changes.begin(["200", "201"])
    [found] = store.changes.open()
    assert (found.id, found.numbers, found.state) == (change, ("200", "201"), WRITING)
    store.changes.written(change)
    assert states(store) == {change: WRITTEN}
    store.changes.forget(change)
    assert states(store) == {}


def test_an_id_never_comes_again(store: Store) -> None:
    first = store.changes.begin(["200"])
    store.changes.forget(first)
    assert store.changes.begin(["200"]) > first


def test_what_is_wanted_without_a_change_stands_in_line_with_changes(store: Store) -> None:
    change = store.changes.begin(["200"])
    wanted = store.changes.request()
    assert wanted > change
    assert states(store)[wanted] == WRITTEN


def test_a_good_run_takes_away_what_it_was_for_and_nothing_else(store: Store) -> None:
    left, dead, written, later = (store.changes.begin([n]) for n in "1234")
    for change in (left, written, later):
        store.changes.written(change)
    store.changes.abandon(dead)
    store.changes.leave([left])
    assert states(store) == {left: LEFT, dead: ABANDONED, written: WRITTEN, later: WRITTEN}
    done = Applied(True, 0.5, None, AT)
    store.changes.ran(written, done)
    assert states(store) == {dead: ABANDONED, later: WRITTEN}
    assert store.changes.last_run() == (written, done)


def test_a_failed_run_leaves_everything_and_is_remembered(store: Store) -> None:
    change = store.changes.request()
    assert store.changes.last_run() is None
    failed = Applied(False, 12.25, "no", AT)
    store.changes.ran(change, failed)
    assert states(store) == {change: WRITTEN}
    assert store.changes.last_run() == (change, failed)


def test_only_what_is_written_can_be_left(store: Store) -> None:
    writing, gone = store.changes.begin(["1"]), store.changes.begin(["2"])
    store.changes.forget(gone)
    store.changes.leave([writing, gone])
    assert states(store) == {writing: WRITING}


def test_of_the_runs_only_the_last_few_are_kept(store: Store) -> None:
    for number in range(RUNS_KEPT + 5):
        store.changes.ran(number, Applied(True, 0.0, None, AT))
    with store.begin() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM applies").scalar() == RUNS_KEPT
    assert store.changes.last_run() == (RUNS_KEPT + 4, Applied(True, 0.0, None, AT))
