"""The roll-up in the store: what is read back, and who may write."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from pbxapi.errors import Unavailable
from pbxapi.pbx.history import RollUpState
from pbxapi.store import Store
from pbxapi.store.migrate import migrate
from pbxapi.store.tables import roll_up_tallies, roll_ups

LEASE = timedelta(minutes=1)
HOURS = [("all", 25, "", 3, 60, "2:1 5:1"), ("all", 30, "", 1, 0, ""), ("queue", 30, "400", 1, 0, "")]
DAYS = [("all", 1, "", 4, 60, "2:1 5:1")]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    migrate(store)
    yield store
    store.close()


@pytest.fixture
def mine(store: Store) -> Store:
    """A store whose roll-up of `a` this test writes, as `me`, with a day in it."""
    assert store.roll_up.claim("a", "me", LEASE) == RollUpState()
    assert store.roll_up.write("a", "me", range(24, 48), HOURS, DAYS)
    return store


def test_tallies_come_back_as_they_went_in(mine: Store) -> None:
    assert list(mine.roll_up.hours("a", "all", range(24, 48))) == HOURS[:2]
    assert list(mine.roll_up.hours("a", "all", range(26, 30))) == []
    assert list(mine.roll_up.hours("a", "queue", range(30, 31))) == HOURS[2:]
    assert list(mine.roll_up.days("a", "all", range(1, 2))) == DAYS
    assert list(mine.roll_up.days("a", "all", range(2, 2))) == []
    assert list(mine.roll_up.hours("b", "all", range(24, 48))) == []


def test_what_is_written_again_takes_the_place_of_what_was(mine: Store) -> None:
    changed = [("all", 26, "", 7, 7, "1:7")]
    assert mine.roll_up.write("a", "me", range(24, 48), changed, [])
    assert list(mine.roll_up.hours("a", "all", range(100))) == changed
    assert list(mine.roll_up.days("a", "all", range(100))) == []


def test_the_reach_grows_at_both_ends_and_never_shrinks(mine: Store) -> None:
    for hours, reach in (
        (range(24, 40), (24, 48)), (range(48, 50), (24, 50)), (range(24), (0, 50)), (range(24, 48), (0, 50)),
    ):  # fmt: skip
        assert mine.roll_up.write("a", "me", hours, [], [])
        state = mine.roll_up.state("a")
        assert (state.first, state.until) == reach


def test_only_who_claimed_it_writes(mine: Store) -> None:
    roll_up = mine.roll_up
    assert roll_up.claim("a", "other", LEASE) is None
    assert not roll_up.write("a", "other", range(24, 48), [], [])
    assert not roll_up.note("a", "other", failed=True)
    assert list(roll_up.hours("a", "all", range(24, 48))) == HOURS[:2]
    roll_up.release("a", "other")
    assert roll_up.claim("a", "other", LEASE) is None
    roll_up.release("a", "me")
    assert roll_up.claim("a", "other", LEASE) == RollUpState(24, 48)


def test_of_many_who_claim_at_once_one_has_it(store: Store) -> None:
    stores = [Store(store.url) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        claims = pool.map(lambda each: stores[each].roll_up.claim("a", f"owner {each}", LEASE), range(6))
        assert sum(state is not None for state in claims) == 1
    for each in stores:
        each.close()


def test_a_lease_that_ran_out_is_anothers(mine: Store) -> None:
    assert mine.roll_up.claim("a", "me", timedelta(seconds=-1))
    assert mine.roll_up.claim("a", "other", LEASE) == RollUpState(24, 48)
    assert not mine.roll_up.write("a", "me", range(24, 48), [], [])


def test_what_is_noted_is_the_state(mine: Store) -> None:
    assert mine.roll_up.note("a", "me", oldest=3, complete=True, failed=True)
    assert mine.roll_up.state("a") == RollUpState(24, 48, 3, complete=True, failed=True)
    assert mine.roll_up.write("a", "me", range(24, 48), [], [])
    assert not mine.roll_up.state("a").failed
    assert mine.roll_up.state("b") == RollUpState()


def test_the_roll_up_of_a_table_that_is_gone_is_forgotten_after_a_day(mine: Store) -> None:
    assert mine.roll_up.claim("b", "me", LEASE) == RollUpState()
    assert mine.roll_up.state("a") == RollUpState(24, 48)
    with mine.begin() as connection:
        long_ago = datetime.now(UTC) - timedelta(days=1, minutes=1)
        connection.execute(update(roll_ups).where(roll_ups.c.source == "a").values(updated_at=long_ago))
    assert mine.roll_up.claim("b", "me", LEASE) == RollUpState()
    assert mine.roll_up.state("a") == RollUpState()
    with mine.begin() as connection:
        assert connection.execute(select(roll_up_tallies)).all() == []


def test_a_store_without_tables_is_unavailable(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(Unavailable):
        store.roll_up.state("a")
    with pytest.raises(Unavailable):
        store.roll_up.claim("a", "me", LEASE)
    store.close()
