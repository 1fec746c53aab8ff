from __future__ import annotations

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pbxapi.http import limits, rates
from pbxapi.http.limits import network_of
from pbxapi.settings import Limits as LimitSettings
from pbxapi.settings import SettingsError
from tests.http.test_rates import Clock
from tests.things import WITH_KEY, app_with_things

HERE, THERE = "192.0.2.1", "192.0.2.2"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rates, "time", clock)
    monkeypatch.setattr(limits, "time", clock)
    return clock


def limited(**environ: str) -> FlaskClient:
    return app_with_things(lambda: None, **{f"RATE_LIMIT_{name}": text for name, text in environ.items()}).test_client()


def ask(client: FlaskClient, *, at: str = HERE, path: str = "/flag", key: str | None = None) -> TestResponse:
    headers = WITH_KEY if key is None else {"Authorization": f"Bearer {key}"} if key else {}
    return client.get(path, headers=headers, environ_overrides={"REMOTE_ADDR": at})


def statuses(
    client: FlaskClient, times: int, *, at: str = HERE, path: str = "/flag", key: str | None = None
) -> list[int]:
    return [ask(client, at=at, path=path, key=key).status_code for _ in range(times)]


def test_a_key_that_asks_too_often_is_told_when_to_come_back_and_is_let_in_then(clock: Clock) -> None:
    client = limited(KEY="2/minute")
    assert statuses(client, 3) == [200, 200, 429]
    refused = ask(client, at=THERE)
    assert refused.status_code == 429
    assert refused.mimetype == "application/problem+json"
    assert refused.json is not None
    assert refused.json["type"] == "/problems/too-many-requests"
    assert refused.headers["Retry-After"] == "30"
    clock.now += 30
    assert statuses(client, 2) == [200, 429]


def test_answers_tell_how_many_more_may_come(clock: Clock) -> None:
    client = limited(KEY="2/minute")
    told = [ask(client).headers for _ in range(3)]
    assert [headers["RateLimit"] for headers in told] == ['"key";r=1;t=30', '"key";r=0;t=30', '"key";r=0;t=30']
    assert {headers["RateLimit-Policy"] for headers in told} == {'"key";q=2;w=60'}


def test_an_address_that_asks_too_often_is_refused_whatever_it_brings(clock: Clock) -> None:
    client = limited(ADDRESS="2/minute")
    assert ask(client, key="").status_code == 401
    assert statuses(client, 2) == [200, 429]
    refused = ask(client, key="")
    assert refused.status_code == 429
    assert refused.headers["RateLimit"] == '"address";r=0;t=30'
    assert ask(client, at=THERE).status_code == 200


def test_nothing_is_counted_where_the_limits_are_off(clock: Clock) -> None:
    client = limited(KEY="off", ADDRESS="off", BAD_KEYS="off")
    assert set(statuses(client, 50)) == {200}
    assert set(statuses(client, 50, key="wrong")) == {401}
    assert "RateLimit" not in ask(client).headers


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/docs", "/openapi.json", "/problems/invalid"])
def test_what_needs_no_key_is_not_limited(clock: Clock, path: str) -> None:
    client = limited(ADDRESS="1/hour", KEY="1/hour")
    found = [ask(client, path=path, key="") for _ in range(3)]
    assert 429 not in {response.status_code for response in found}
    assert "RateLimit" not in found[0].headers


def test_links_to_recordings_are_limited_by_address(clock: Clock) -> None:
    client = limited(ADDRESS="2/minute")
    assert statuses(client, 3, path="/recordings/links?token=x", key="") == [403, 403, 429]
    assert ask(client, path="/recordings/links?token=x", key="", at=THERE).status_code == 403


# -- guessing ----------------------------------------------------------------------------------------------------------


def test_an_address_that_guesses_keys_is_not_listened_to_even_with_the_right_one(clock: Clock) -> None:
    client = limited(BAD_KEYS="3/minute")
    assert [ask(client, key=f"guess-{n}").status_code for n in range(5)] == [401, 401, 401, 429, 429]
    refused = ask(client)
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "20"
    assert ask(client, at=THERE).status_code == 200


def test_guesses_are_looked_at_no_more_often_than_the_rate_says(clock: Clock) -> None:
    client = limited(BAD_KEYS="3/minute")
    found = []
    for _ in range(600):
        found.append(ask(client, key="guess").status_code)
        clock.now += 1
    assert found.count(401) == 3 + 600 // 20 - 1


def test_a_key_that_was_used_from_there_goes_on_while_others_guess(clock: Clock) -> None:
    client = limited(BAD_KEYS="3/minute")
    assert ask(client).status_code == 200
    statuses(client, 10, key="guess")
    assert ask(client, key="another").status_code == 429
    assert ask(client).status_code == 200
    bare = {"X-API-Key": "guess"}
    assert client.get("/flag", headers=bare, environ_overrides={"REMOTE_ADDR": HERE}).status_code == 429


def test_a_key_that_was_used_from_there_long_ago_does_not(clock: Clock) -> None:
    client = limited(BAD_KEYS="3/minute")
    assert ask(client).status_code == 200
    clock.now += 3599
    statuses(client, 10, key="guess")
    assert ask(client).status_code == 200
    clock.now += 3601
    statuses(client, 10, key="guess")
    assert ask(client).status_code == 429


def test_a_key_that_was_used_from_elsewhere_does_not(clock: Clock) -> None:
    client = limited(BAD_KEYS="3/minute")
    assert ask(client, at=THERE).status_code == 200
    statuses(client, 10, key="guess")
    assert ask(client).status_code == 429


def test_who_brings_no_key_guesses_none(clock: Clock) -> None:
    client = limited(BAD_KEYS="3/minute")
    assert set(statuses(client, 20, key="")) == {401}
    assert ask(client).status_code == 200
    statuses(client, 10, key="guess")
    assert ask(client, key="").status_code == 401


def test_guessers_are_counted_by_network_and_forgotten_the_oldest_first(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_SHUT", 2)
    app = app_with_things(RATE_LIMIT_BAD_KEYS="1/hour")
    client = app.test_client()
    assert ask(client, key="guess", at="2001:db8::1").status_code == 401
    assert ask(client, key="guess", at="2001:db8::2").status_code == 429
    assert ask(client, key="guess", at="2001:db8:0:1::1").status_code == 401
    assert ask(client, key="guess", at=HERE).status_code == 401
    assert list(app.extensions[limits.LIMITS]._shut) == ["2001:db8:0:1::/64", HERE]


def test_keys_that_were_used_are_remembered_in_bounds_and_not_as_they_are(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MOST_WELCOME", 2)
    app = app_with_things()
    for n in range(5):
        ask(app.test_client(), at=f"192.0.2.{n}")
    remembered = app.extensions[limits.LIMITS]._welcome
    assert len(remembered) == 2
    assert all(isinstance(item, int) for item in remembered)


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unknown", "unknown"),
    ],
)
def test_what_an_address_is_counted_by(address: str, counted: str) -> None:
    assert network_of(address) == counted


# -- the older interface -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("mode", "status"), [("strict", 429), ("classic", 200)])
def test_the_older_interface_says_it_in_its_envelope(clock: Clock, mode: str, status: int) -> None:
    client = app_with_things(RATE_LIMIT_KEY="1/minute", LEGACY_MODE=mode).test_client()
    client.get("/api.php?cmd=auth", headers=WITH_KEY)
    response = client.get("/api.php?cmd=auth", headers=WITH_KEY)
    assert response.status_code == status
    assert response.headers["Retry-After"] == "60"
    assert response.json is not None
    assert (set(response.json), response.json["code"]) == ({"error", "code"}, 429)


# -- settings and the document -----------------------------------------------------------------------------------------


def test_a_url_that_the_client_of_redis_does_not_understand_is_named_without_its_password() -> None:
    with pytest.raises(SettingsError) as caught:
        limits.Limits(LimitSettings(storage="redis://:hush@host:port-of-none/0"))
    assert "RATE_LIMIT_STORAGE" in str(caught.value)
    assert "hush" not in str(caught.value)


def test_the_document_says_it_of_every_operation_with_a_key() -> None:
    document = limited().get("/openapi.json").get_json()
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in {"get", "post", "put", "patch", "delete"}:
                keyed = bool(operation["security"])
                expected = keyed or path in {"/recordings/links", "/metrics"}
                assert ("429" in operation["responses"]) == expected, (method, path)
    problem = document["components"]["responses"]["Problem429"]
    assert {"Retry-After", "RateLimit", "RateLimit-Policy"} <= set(problem["headers"])
