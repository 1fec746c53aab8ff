"""What holds of keys on every database."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from pbxapi.errors import Conflict, NotFound
from pbxapi.store import Store
from pbxapi.store.keys import hash_of

LATER = datetime(2100, 1, 5, 10, 0, 0, 123456, tzinfo=UTC)


def check_keys(store: Store) -> None:
    """A key from its making to its end, in an empty store."""
    keys = store.keys
    key, secret = keys.create(
        "crm", ["calls", "read"], networks=["10.0.0.0/8", "::1"], expires_at=LATER, created_by="tests"
    )
    assert (key.scopes, key.networks, key.expires_at) == (("read", "calls"), ("10.0.0.0/8", "::1/128"), LATER)
    assert secret.startswith(key.prefix)
    assert secret not in repr(key)
    found = keys.find(hash_of(secret))
    assert found is not None
    assert (found.key, found.previous) == (key, False)
    assert keys.find(hash_of(secret.swapcase())) is None
    # A name is told from one that differs in case alone.
    other, _ = keys.create("CRM", ["read"], created_by="tests")
    assert keys.all() == [other, key]
    with pytest.raises(Conflict, match="already"):
        keys.create("crm", ["read"], created_by="tests")
    with pytest.raises(NotFound):
        keys.get("Crm")
    before, after = keys.change("crm", lambda _: {"scopes": ["cdr"], "networks": [], "expires_at": None})
    assert before == key
    assert (after.scopes, after.networks, after.expires_at, after.version) == (("cdr",), (), None, 2)
    rotated, second = keys.rotate("crm", grace=timedelta(hours=1))
    for each, previous in ((secret, True), (second, False)):
        again = keys.find(hash_of(each))
        assert again is not None
        assert (again.key, again.previous) == (rotated, previous)
    now = datetime.now(UTC)
    for at in (now, now + timedelta(seconds=50)):
        keys.used("crm", at, "10.0.0.7")
    assert (keys.get("crm").last_used_at, keys.get("crm").last_used_from) == (now, "10.0.0.7")
    keys.used("crm", now + timedelta(seconds=61), "::1")
    assert keys.get("crm").last_used_from == "::1"
    _, revoked = keys.revoke("crm")
    assert revoked.status(now) == "revoked"
    assert keys.get("CRM").status(now) == "active"


def check_that_one_of_many_makes_it(store: Store) -> None:
    """Several who make a key of one name at once, each over a connection of its own."""
    stores = [Store(store.url) for _ in range(6)]
    start = threading.Barrier(len(stores))
    secrets: list[str] = []
    refused: list[str] = []

    def make(one: Store) -> None:
        start.wait(10)
        try:
            secrets.append(one.keys.create("race", ["read"], created_by="tests")[1])
        except Conflict as error:
            refused.append(str(error))

    threads = [threading.Thread(target=make, args=(one,)) for one in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for one in stores:
        one.close()
    assert len(secrets) == 1
    assert refused == ["There is a key race already"] * 5
    found = store.keys.find(hash_of(secrets[0]))
    assert found is not None
    assert found.key.name == "race"
