"""Keys in the store, on a real SQLite file; tests/real has the same on servers."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pbxapi.errors import Conflict, Invalid, NotFound, Unavailable
from pbxapi.store import Store
from pbxapi.store.keys import SHAPE, Key, hash_of
from pbxapi.store.migrate import migrate
from tests.store.keys_on import check_keys, check_that_one_of_many_makes_it


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    migrate(store)
    yield store
    store.close()


def made(store: Store, name: str = "crm", **more: object) -> tuple[Key, str]:
    return store.keys.create(name, ["read"], created_by="tests", **more)  # type: ignore[arg-type]


def test_keys_live_in_sqlite(store: Store) -> None:
    check_keys(store)


def test_of_many_who_make_a_key_at_once_one_does(store: Store) -> None:
    check_that_one_of_many_makes_it(store)


def test_no_two_secrets_are_alike_and_none_is_kept(store: Store, tmp_path: Path) -> None:
    secrets = [made(store, f"k{number}")[1] for number in range(20)]
    assert len(set(secrets)) == 20
    assert all(SHAPE.fullmatch(secret) for secret in secrets)
    store.close()
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert not any(secret.encode() in kept for secret in secrets)
    assert all(hash_of(secret).encode() in kept for secret in secrets)


def test_the_secret_before_a_rotation_is_known_as_such_and_the_one_before_that_as_nobodys(store: Store) -> None:
    first = made(store)[1]
    before = datetime.now(UTC)
    key, second = store.keys.rotate("crm", grace=timedelta(hours=1))
    assert key.previous_until is not None
    assert timedelta(minutes=59) < key.previous_until - before < timedelta(minutes=61)
    found = store.keys.find(hash_of(first))
    assert found is not None
    assert (found.previous, found.key) == (True, key)
    current = store.keys.find(hash_of(second))
    assert current is not None
    assert not current.previous
    store.keys.rotate("crm")
    assert store.keys.find(hash_of(first)) is None


@pytest.mark.parametrize("grace", [timedelta(seconds=-1), timedelta(days=31)])
def test_grace_is_bounded(store: Store, grace: timedelta) -> None:
    made(store)
    with pytest.raises(Invalid) as caught:
        store.keys.rotate("crm", grace=grace)
    assert "grace" in caught.value.fields


def test_a_key_that_was_revoked_stays_so_and_keeps_its_name(store: Store) -> None:
    made(store)
    first = store.keys.revoke("crm")[1]
    assert store.keys.revoke("crm")[1] == first
    assert first.status(datetime.now(UTC)) == "revoked"
    for change in (
        lambda: made(store),
        lambda: store.keys.rotate("crm"),
        lambda: store.keys.change("crm", lambda key: {"scopes": ["cdr"]}),
    ):
        with pytest.raises(Conflict, match="revoked"):
            change()
    assert store.keys.all() == [first]


def test_an_expired_key_is_rotated_only_with_another_end(store: Store, tmp_path: Path) -> None:
    made(store, expires_at=datetime.now(UTC) + timedelta(hours=1))
    with sqlite3.connect(tmp_path / "store.db") as connection:
        connection.execute("UPDATE keys SET expires_at = '2020-01-01 00:00:00.000000'")
    connection.close()
    assert store.keys.get("crm").status(datetime.now(UTC)) == "expired"
    with pytest.raises(Conflict, match="expired"):
        store.keys.rotate("crm")
    later = datetime.now(UTC) + timedelta(days=90)
    assert store.keys.rotate("crm", expires_at=later)[0].expires_at == later


def test_a_change_that_its_check_refuses_is_not_made(store: Store) -> None:
    key, secret = made(store)

    def refuse(found: Key) -> None:
        assert found == key
        raise Conflict("no")

    with pytest.raises(Conflict):
        store.keys.rotate("crm", check=refuse)
    with pytest.raises(Conflict):
        store.keys.revoke("crm", refuse)
    assert store.keys.get("crm") == key
    assert store.keys.find(hash_of(secret)) is not None


def test_a_change_is_made_of_the_key_as_it_is_also_when_another_came_in_between(store: Store) -> None:
    made(store)
    seen: list[tuple[str, ...]] = []

    def changes_of(key: Key) -> dict[str, object]:
        seen.append(key.networks)
        if len(seen) == 1:
            other = Store(store.url)
            other.keys.change("crm", lambda _: {"networks": ["10.0.0.0/8"]})
            other.close()
        return {"scopes": ["cdr"]}

    before, after = store.keys.change("crm", changes_of)
    assert seen == [(), ("10.0.0.0/8",)]
    assert before.networks == after.networks == ("10.0.0.0/8",)
    assert after.scopes == ("cdr",)


@pytest.mark.parametrize("name", ["nobody", "", "a\0b", "\ud800", "x" * 300])
def test_there_is_no_key_of_another_name(store: Store, name: str) -> None:
    with pytest.raises(NotFound):
        store.keys.get(name)


def test_without_tables_the_store_is_at_fault(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path}/empty.db")
    for use in (store.keys.all, lambda: store.keys.find("0" * 64), lambda: made(store)):
        with pytest.raises(Unavailable):
            use()
    store.close()
