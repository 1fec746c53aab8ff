"""Keys of the store: who comes in with one, until when, from where, and while the store is away."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from pbxapi.errors import Unavailable
from pbxapi.http import known_keys
from pbxapi.store import Store
from pbxapi.store.keys import KeyStore
from tests.http.keyed import Keyed, keyed

STRANGER = "pbx_" + "0" * 43
PAST = datetime(2020, 1, 1, tzinfo=UTC)


class Clock:
    """The one that the cache goes by."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(known_keys, "time", clock)
    return clock


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Keyed]:
    with keyed(tmp_path, RATE_LIMIT_BAD_KEYS="off") as made:
        yield made


def away(served: Keyed) -> Path:
    """Take the store away, as a server that is down would be."""
    served.store.close()
    gone = served.path.with_suffix(".gone")
    served.path.rename(gone)
    served.path.mkdir()
    return gone


def back(served: Keyed, gone: Path) -> None:
    served.store.close()
    served.path.rmdir()
    gone.rename(served.path)


def test_a_key_of_the_store_may_do_what_its_scopes_say(served: Keyed) -> None:
    key = served.make("wallboard", "read")
    served.ask("GET", "/things/x", key=key)
    assert served.said("GET", "/whoami", 403, key=key) == "The key wallboard lacks the scope admin."
    admin = served.make("ops", "admin")
    assert served.ask("GET", "/whoami", key=admin).get_json()["name"] == "ops"


def test_each_form_of_the_header_takes_it(served: Keyed) -> None:
    key = served.make("ops", "admin")
    for headers in ({"Authorization": key}, {"Authorization": f"bearer {key}"}, {"X-API-Key": key}):
        assert served.app.test_client().get("/whoami", headers=headers).status_code == 200


@pytest.mark.parametrize("change", [lambda key: key[:-1], lambda key: key + "x", lambda key: key.swapcase()])
def test_nearly_a_key_is_none(served: Keyed, change: object) -> None:
    key = served.make("ops", "admin")
    assert callable(change)
    assert "not known here" in served.said("GET", "/whoami", 401, key=change(key))


def test_a_key_that_is_good_no_longer_is_told_why(served: Keyed) -> None:
    revoked, expired, rotated = (served.make(name, "admin") for name in ("gone", "old", "turned"))
    served.store.keys.revoke("gone")
    served.set("old", expires_at=PAST)
    served.store.keys.rotate("turned")
    for key, why in ((revoked, "gone was revoked"), (expired, "old has expired"), (rotated, "turned was rotated")):
        answer = served.ask("GET", "/whoami", 401, key=key)
        assert why in answer.get_json()["detail"]
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert "not known here" in served.said("GET", "/whoami", 401, key=STRANGER)


def test_both_secrets_are_good_in_the_grace_of_a_rotation(served: Keyed) -> None:
    first = served.make("ops", "admin")
    _, second = served.store.keys.rotate("ops", grace=timedelta(hours=1))
    for key in (first, second):
        served.ask("GET", "/whoami", key=key)
    served.set("ops", previous_until=PAST)
    served.ask("GET", "/whoami", 401, key=first)
    served.ask("GET", "/whoami", key=second)


def test_a_key_that_is_good_no_longer_is_no_guess(tmp_path: Path) -> None:
    with keyed(tmp_path, RATE_LIMIT_BAD_KEYS="2/hour") as served:
        key = served.make("gone", "read")
        served.store.keys.revoke("gone")
        for _ in range(5):
            served.ask("GET", "/things/x", 401, key=key)
        served.ask("GET", "/things/x", 401, key=STRANGER)


@pytest.mark.parametrize(
    ("where", "status"),
    [
        ("10.1.2.3", 200),
        ("::ffff:10.1.2.3", 200),
        ("2001:db8::7", 200),
        ("11.1.2.3", 403),
        ("::ffff:11.1.2.3", 403),
        ("2001:db9::7", 403),
        ("", 403),
        ("nonsense", 403),
    ],
)
def test_a_key_is_good_from_its_networks_alone(served: Keyed, where: str, status: int) -> None:
    key = served.make("lan", "admin", networks=["10.0.0.0/8", "2001:db8::/32"])
    answer = served.ask("GET", "/whoami", status, key=key, where=where)
    if status == 403:
        assert answer.get_json()["type"] == "/problems/key-network"
        assert "TRUSTED_PROXIES" in answer.get_json()["detail"] if not where else where in answer.get_json()["detail"]


def test_where_a_request_comes_from_is_said_by_a_trusted_proxy_alone(tmp_path: Path) -> None:
    with keyed(tmp_path, TRUSTED_PROXIES="unix,192.0.2.1") as served:
        key = served.make("lan", "admin", networks=["10.0.0.0/8"])
        for proxy in ("", "192.0.2.1"):
            served.ask("GET", "/whoami", key=key, where=proxy, X_Forwarded_For="10.0.0.5")
            served.ask("GET", "/whoami", 403, key=key, where=proxy, X_Forwarded_For="10.0.0.5, 11.0.0.5")
        served.ask("GET", "/whoami", 403, key=key, where="192.0.2.2", X_Forwarded_For="10.0.0.5")


def test_what_another_process_changed_is_in_effect_after_two_seconds(served: Keyed, clock: Clock) -> None:
    key = served.make("crm", "admin")
    served.ask("GET", "/whoami", key=key)
    other = Store(served.store.url)
    other.keys.revoke("crm")
    other.close()
    clock.now += 1.9
    served.ask("GET", "/whoami", key=key)
    clock.now += 0.2
    served.ask("GET", "/whoami", 401, key=key)


def test_what_this_process_changed_is_in_effect_at_once(served: Keyed, clock: Clock) -> None:
    key = served.make("crm", "admin")
    served.ask("GET", "/whoami", key=key)
    served.store.keys.change("crm", lambda _: {"scopes": ["read"]})
    served.ask("GET", "/whoami", 403, key=key)
    served.store.keys.revoke("crm")
    served.ask("GET", "/things/x", 401, key=key)


def test_a_key_expires_also_while_it_is_remembered(
    served: Keyed, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = served.make("crm", "admin", expires_at=datetime.now(UTC) + timedelta(seconds=60))
    served.ask("GET", "/whoami", key=key)

    class Later(datetime):
        @classmethod
        def now(cls, tz: object = None) -> Later:
            return cls.fromtimestamp(datetime.now(UTC).timestamp() + 61, UTC)

    monkeypatch.setattr("pbxapi.http.auth.datetime", Later)
    served.ask("GET", "/whoami", 401, key=key)


def test_without_the_store_a_key_goes_on_for_a_minute_and_others_are_not_called_bad(
    served: Keyed, clock: Clock
) -> None:
    key, other = served.make("crm", "admin"), served.make("other", "admin")
    served.ask("GET", "/whoami", key=key)
    gone = away(served)
    for _ in range(8):
        clock.now += 7
        served.ask("GET", "/whoami", key=key)
        answer = served.ask("GET", "/whoami", 503, key=other)
        assert answer.get_json()["type"] == "/problems/store-unavailable"
        assert answer.headers["Retry-After"]
        served.ask("GET", "/whoami", 503, key=STRANGER)
        # These are none of the store's, whatever is in it.
        served.ask("GET", "/whoami", 401, key="of-another-shape")
        served.ask("GET", "/whoami")
    clock.now += 5
    served.ask("GET", "/whoami", 503, key=key)
    back(served, gone)
    clock.now += 2
    for each in (key, other):
        served.ask("GET", "/whoami", key=each)


def test_the_older_interface_is_served_and_refused_alike(served: Keyed, clock: Clock) -> None:
    key = served.make("crm", "read")
    assert served.ask("GET", "/api.php?cmd=auth", 403, key=key).get_json()["error"].endswith("secrets.")
    assert "agents or provision" in served.ask("GET", "/api.php?cmd=queueaddmember", 403, key=key).get_json()["error"]
    away(served)
    served.ask("GET", "/api.php?cmd=auth", 503, key=STRANGER)


def test_one_who_waits_for_a_store_that_does_not_answer_is_enough(served: Keyed, clock: Clock) -> None:
    asked: list[str] = []

    class Slow(KeyStore):
        def find(self, digest: str) -> None:
            asked.append(digest)
            clock.now += 5
            raise Unavailable("no answer", part="store")

    keys = known_keys.KnownKeys(Slow(served.store))
    for _ in range(10):
        with pytest.raises(Unavailable):
            keys.find(STRANGER)
    assert len(asked) == 1
    clock.now += 1
    with pytest.raises(Unavailable):
        keys.find(STRANGER)
    assert len(asked) == 2


def test_the_last_use_is_noted_once_a_minute(served: Keyed, clock: Clock) -> None:
    key = served.make("crm", "admin")
    served.ask("GET", "/whoami", key=key, where="192.0.2.1")
    first = served.store.keys.get("crm")
    assert first.last_used_from == "192.0.2.1"
    clock.now += 59
    served.ask("GET", "/whoami", key=key, where="192.0.2.2")
    assert served.store.keys.get("crm") == first
    served.set("crm", last_used_at=PAST)
    clock.now += 2
    served.ask("GET", "/whoami", key=key, where="192.0.2.2")
    assert served.store.keys.get("crm").last_used_from == "192.0.2.2"


def test_a_key_that_is_refused_is_not_used(served: Keyed) -> None:
    key = served.make("lan", "admin", networks=["10.0.0.0/8"])
    served.ask("GET", "/whoami", 403, key=key)
    assert served.store.keys.get("lan").last_used_at is None


def test_a_store_that_takes_nothing_keeps_nobody_out(
    served: Keyed, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "pbxapi")
    keys = [served.make(f"k{number}", "read") for number in range(3)]
    with served.store.begin() as connection:
        connection.execute(text("CREATE TRIGGER no BEFORE UPDATE ON keys BEGIN SELECT RAISE(ABORT, 'no room'); END"))
    for key in keys:
        served.ask("GET", "/things/x", key=key)
    told = [record for record in caplog.records if "last use" in record.getMessage()]
    assert len(told) == 1
    assert not any(key in record.getMessage() for record in caplog.records for key in keys)
