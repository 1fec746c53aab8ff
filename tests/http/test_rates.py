from __future__ import annotations

import time

import pytest

from pbxapi.http import rates
from pbxapi.http.rates import LocalBucket, Rate


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return time.time()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(rates, "time", clock)
    return clock


def let_in(bucket: LocalBucket, name: str, times: int) -> int:
    return sum(not bucket.rate.refuses(bucket.take(name)) for _ in range(times))


@pytest.mark.parametrize("text", ["1/second", "20/minute", "6000/minute", "7/hour", "12345/hour"])
def test_as_many_as_the_rate_says_come_at_once_and_not_one_more(clock: Clock, text: str) -> None:
    bucket = LocalBucket(Rate.of(text))
    assert let_in(bucket, "a", bucket.rate.amount + 5) == bucket.rate.amount


def test_no_border_lets_twice_as_many_through(clock: Clock) -> None:
    bucket = LocalBucket(Rate.of("60/minute"))
    let_in(bucket, "a", 60)
    passed = 0
    for _ in range(100):
        clock.now += 0.1
        passed += let_in(bucket, "a", 60)
    assert passed == 10


def test_each_name_has_a_bucket_of_its_own(clock: Clock) -> None:
    bucket = LocalBucket(Rate.of("2/second"))
    assert let_in(bucket, "a", 3) == 2
    assert let_in(bucket, "b", 3) == 2


def test_who_waits_as_long_as_is_said_is_let_in_however_often_he_asked(clock: Clock) -> None:
    bucket = LocalBucket(Rate.of("20/minute"))
    assert let_in(bucket, "a", 500) == 20
    wait = bucket.take("a")
    assert wait == pytest.approx(3)
    clock.now += wait - 1.6
    assert bucket.rate.refuses(bucket.take("a"))
    clock.now += 1.6
    assert not bucket.rate.refuses(bucket.take("a"))


def test_what_remains_is_counted_down_and_grows_with_time(clock: Clock) -> None:
    bucket = LocalBucket(Rate.of("4/minute"))
    rate = bucket.rate
    overs = [bucket.take("a") for _ in range(5)]
    assert [rate.remaining(over) for over in overs] == [3, 2, 1, 0, 0]
    assert [rate.until_more(over) for over in overs] == pytest.approx([15] * 5)
    clock.now += 30
    assert rate.remaining(bucket.take("a")) == 1


def test_a_flood_of_names_is_forgotten_the_oldest_first(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MOST", 3)
    bucket = LocalBucket(Rate.of("1/hour"))
    for name in ("a", "b", "c"):
        assert let_in(bucket, name, 1)
    assert let_in(bucket, "d", 1)
    assert not let_in(bucket, "b", 1)
    assert let_in(bucket, "a", 1)
    assert len(bucket._empty) == 3
