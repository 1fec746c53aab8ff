"""Limits that several processes share: a real Redis, which also freezes, dies and comes back."""

from __future__ import annotations

import logging
import signal
import time
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from pbxapi.http.rates import Rate
from pbxapi.http.shared_rates import PAUSE, Server, SharedBucket
from tests.real.redis_server import PASSWORD, RedisServer
from tests.things import WITH_KEY, app_with_things


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def redis(server: RedisServer) -> RedisServer:
    server.ask("FLUSHALL")
    return server


def bucket(redis: RedisServer, rate: str) -> SharedBucket:
    """As another process has it."""
    return SharedBucket("key", Rate.of(rate), Server(redis.url))


def let_in(bucket: SharedBucket, times: int, name: str = "a") -> int:
    return sum(not bucket.rate.refuses(bucket.take(name)) for _ in range(times))


def client(redis: RedisServer, **environ: str) -> FlaskClient:
    return app_with_things(lambda: None, RATE_LIMIT_STORAGE=redis.url, **environ).test_client()


@pytest.mark.parametrize("rate", ["20/minute", "7/hour", "1000/hour"])
def test_processes_count_together(redis: RedisServer, rate: str) -> None:
    one, other = bucket(redis, rate), bucket(redis, rate)
    amount = one.rate.amount
    assert let_in(one, amount - 3) == amount - 3
    assert let_in(other, 10) == 3
    assert let_in(other, 1, "another") == 1
    assert one.take("a") == pytest.approx(one.rate.interval, abs=one.rate.interval / 2 + 1)


def test_who_waits_is_let_in_and_nothing_stays_behind(redis: RedisServer) -> None:
    mine = bucket(redis, "5/second")
    assert let_in(mine, 10) == 5
    wait = mine.take("a")
    assert 0 < wait <= 0.2
    time.sleep(wait)
    assert let_in(mine, 1) == 1
    time.sleep(1.2)
    assert redis.ask("KEYS *") == b"*0\r\n"


def test_a_limit_holds_over_two_applications(redis: RedisServer) -> None:
    clients = [client(redis, RATE_LIMIT_KEY="4/hour") for _ in range(2)]
    found = [clients[n % 2].get("/flag", headers=WITH_KEY) for n in range(6)]
    assert [response.status_code for response in found] == [200] * 4 + [429] * 2
    assert found[2].headers["RateLimit"] == '"key";r=1;t=900'
    assert 898 <= int(found[5].headers["Retry-After"]) <= 900


def test_guesses_are_counted_over_two_applications(redis: RedisServer) -> None:
    clients = [client(redis, RATE_LIMIT_BAD_KEYS="4/hour") for _ in range(2)]
    wrong = {"Authorization": "Bearer wrong"}
    assert [clients[n % 2].get("/flag", headers=wrong).status_code for n in range(7)].count(401) == 4


def test_a_frozen_server_holds_nobody_up_and_is_found_again(
    redis: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    mine = bucket(redis, "3/hour")
    assert let_in(mine, 1) == 1
    redis.signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        # This process alone, from the start.
        assert let_in(mine, 200) == 3
        assert time.monotonic() - began < 2.0
    finally:
        redis.signal(signal.SIGCONT)
    time.sleep(PAUSE)
    assert let_in(mine, 5) <= 2
    words = [record.getMessage() for record in caplog.records if record.name == "pbxapi.limits"]
    assert len(words) == 2, words
    assert "gives no answer" in words[0]
    assert "answers again" in words[1]
    assert PASSWORD not in caplog.text


def test_a_server_that_is_not_there_lets_everybody_in_up_to_each_process_limit(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    server.kill()
    try:
        mine = client(server, RATE_LIMIT_KEY="3/hour")
        found = [mine.get("/flag", headers=WITH_KEY).status_code for _ in range(5)]
        assert found == [200, 200, 200, 429, 429]
        assert caplog.text.count("gives no answer") == 1
    finally:
        server.start()
