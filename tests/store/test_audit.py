"""The audit log in the store, on a real SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from pbxapi.errors import Unavailable
from pbxapi.store import Store
from pbxapi.store import audit as store_audit
from pbxapi.store.audit import MOST_TEXT, Entry, Wanted, position
from pbxapi.store.migrate import migrate

NOW = datetime(2026, 1, 5, 10, 0, 0, 123456, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def entry(target: str = "extension 200", at: datetime = NOW, **differs: object) -> Entry:
    usual = {"request_id": "r1", "key": "crm", "remote": "192.0.2.7", "action": "extension.update", "outcome": "done"}
    return Entry(**{**usual, "at": at, "target": target, **differs})  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    migrate(store)
    yield store
    store.close()


def targets(found: list[Entry]) -> list[str]:
    return [each.target for each in found]


def test_an_entry_comes_back_as_it_went_in(store: Store) -> None:
    whole = entry(status=200, detail="applied", before={"name": "Ä"}, after={"name": None, "codecs": ["ulaw"]})
    store.audit.add([whole])
    [found] = store.audit.page(Wanted(), 10)
    assert found == Entry(**{name: getattr(whole, name) for name in Entry.__slots__} | {"id": found.id})


def test_entries_come_newest_first_also_of_one_moment(store: Store) -> None:
    store.audit.add([entry("1"), entry("2"), entry("0", NOW - SECOND)])
    assert targets(store.audit.page(Wanted(), 10)) == ["2", "1", "0"]


def test_pages_give_each_entry_once_while_others_are_added(store: Store) -> None:
    store.audit.add([entry(str(number), NOW + number // 3 * SECOND) for number in range(20)])
    found = store.audit.page(Wanted(), 7)
    while page := store.audit.page(Wanted(), 7, position(found[-1])):
        found += page
        store.audit.add([entry("new", NOW + timedelta(days=1))])
    assert targets(found) == [str(number) for number in reversed(range(20))]


def test_an_export_reads_all_of_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_audit, "CHUNK", 3)
    store.audit.add([entry(str(number)) for number in range(6)])
    assert targets(list(store.audit.every(Wanted()))) == ["5", "4", "3", "2", "1", "0"]


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Wanted(start=NOW), ["b", "a"]),
        (Wanted(end=NOW), ["c"]),
        (Wanted(start=NOW - SECOND, end=NOW), ["c"]),
        (Wanted(key="other"), ["b"]),
        (Wanted(action="extension."), ["b", "a"]),
        (Wanted(action="extension"), []),
        (Wanted(action="extension.update"), ["a"]),
        (Wanted(action="ext."), []),
        (Wanted(target="c"), ["c"]),
        (Wanted(outcome="refused"), ["b"]),
        (Wanted(remote="192.0.2.8"), ["c"]),
        (Wanted(request_id="r2"), ["c"]),
        (Wanted(key="crm", outcome="done", action="queue.create"), ["c"]),
    ],
)
def test_filters_all_have_to_hold(store: Store, wanted: Wanted, fits: list[str]) -> None:
    store.audit.add(
        [
            entry("a"),
            entry("b", action="extension.create", key="other", outcome="refused"),
            entry("c", NOW - SECOND, action="queue.create", remote="192.0.2.8", request_id="r2"),
        ]
    )
    assert targets(store.audit.page(wanted, 10)) == fits


@pytest.mark.parametrize(
    "wanted", [Wanted(), Wanted(key="crm"), Wanted(outcome="failed"), Wanted(action="key."), Wanted(remote="::1")]
)
def test_a_page_is_read_in_the_order_of_an_index(store: Store, wanted: Wanted) -> None:
    """It costs the same at any depth: nothing is sorted, and nothing before the cursor is read."""
    conditions = store_audit._conditions(wanted)
    query = store_audit._page(conditions, 100, (NOW, 7)).compile(store.engine, compile_kwargs={"literal_binds": True})
    with store.begin() as connection:
        plan = [row[3] for row in connection.execute(text(f"EXPLAIN QUERY PLAN {query}"))]
    assert len(plan) == 1
    assert "at<" in plan[0]
    assert "USING INDEX ix_audit_" in plan[0]


def test_the_oldest_are_let_go_of_a_chunk_at_a_time(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_audit, "CHUNK", 2)
    monkeypatch.setattr(store_audit, "TIDIED_AGAIN", 0.0)
    now = datetime.now(UTC)
    ages = {"new": 1, "kept": 9, "old": 11, "older": 12, "oldest": 13}
    store.audit.add([entry(name, now - timedelta(days=days)) for name, days in ages.items()])
    assert [store.audit.tidy(timedelta(days=10)) for _ in range(2)] == [2, 1]
    assert targets(store.audit.page(Wanted(), 10)) == ["new", "kept"]
    store.audit.add([entry("old again", now - timedelta(days=11))])
    assert store.audit.tidy(timedelta(days=10)) == 0  # not before an hour has passed


def test_an_id_never_comes_again(store: Store) -> None:
    store.audit.add([entry(at=datetime(2020, 1, 1, tzinfo=UTC))])
    [first] = store.audit.page(Wanted(), 1)
    store.audit.tidy(timedelta(days=1))
    store.audit.add([entry()])
    [second] = store.audit.page(Wanted(), 1)
    assert (second.id or 0) > (first.id or 0)


def test_what_is_too_long_is_cut_and_still_written(store: Store) -> None:
    long = "x" * 2 * MOST_TEXT
    store.audit.add([entry(long, key=long, action=long, remote=long, request_id=long, after={"name": long})])
    [found] = store.audit.page(Wanted(), 1)
    assert (len(found.target), found.after) == (255, {"name": "..."})


def test_a_store_with_no_tables_says_so(tmp_path: Path) -> None:
    bare = Store(f"sqlite:///{tmp_path}/bare.db")
    with pytest.raises(Unavailable):
        bare.audit.add([entry()])
    bare.close()
