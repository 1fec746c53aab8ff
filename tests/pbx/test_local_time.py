from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pbxapi.pbx.local_time import TEXT, Clock

BERLIN = Clock(ZoneInfo("Europe/Berlin"))
FIRST = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30, the first time
SECOND = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 02:30, the second time


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-07-01 12:00:00", "2026-07-01T12:00:00+02:00"),
        ("2026-12-01 12:00:00", "2026-12-01T12:00:00+01:00"),
        ("2026-10-25 01:59:59", "2026-10-25T01:59:59+02:00"),
        ("2026-10-25 03:00:00", "2026-10-25T03:00:00+01:00"),
        ("2026-03-29 01:59:59", "2026-03-29T01:59:59+01:00"),
        ("2026-03-29 03:00:00", "2026-03-29T03:00:00+02:00"),
        ("0000-00-00 00:00:00", None),
        ("", None),
    ],
)
def test_a_time_of_the_table_gets_the_offset_of_its_day(text: str, expected: str | None) -> None:
    assert BERLIN.text(text) == expected
    moment = BERLIN.moment(text)
    assert (moment.isoformat() if moment else None) == expected


@pytest.mark.parametrize("made", [FIRST, SECOND])
def test_in_the_hour_that_comes_twice_the_uniqueid_says_which(made: datetime) -> None:
    uniqueid = f"pbx1-{int(made.timestamp())}.7"
    assert datetime.fromisoformat(BERLIN.text("2026-10-25 02:30:00", uniqueid) or "") == made
    assert BERLIN.moment("2026-10-25 02:30:00", uniqueid) == made
    assert BERLIN.moment("2026-10-25 02:30:00", "not-one") == FIRST


@given(st.datetimes(datetime(2026, 10, 24), datetime(2026, 10, 26), timezones=st.just(UTC)), st.integers(0, 10_800))
def test_a_range_over_the_change_loses_nothing_that_is_in_it(at: datetime, seconds: int) -> None:
    start, end = at - timedelta(seconds=seconds), at + timedelta(seconds=1)
    local = BERLIN.local(at).strftime(TEXT)
    assert BERLIN.from_bound(start) <= local < BERLIN.until_bound(end + timedelta(seconds=1))


@given(st.datetimes(datetime(2026, 3, 28), datetime(2026, 3, 30), timezones=st.just(UTC)))
def test_in_spring_every_moment_has_a_local_time_of_its_own(at: datetime) -> None:
    at = at.replace(microsecond=0)
    assert BERLIN.moment(BERLIN.local(at).strftime(TEXT)) == at


def test_a_day_is_bounded_by_its_own_midnights() -> None:
    start = datetime(2026, 10, 25, tzinfo=BERLIN.zone)
    end = datetime(2026, 10, 26, tzinfo=BERLIN.zone)
    assert (BERLIN.from_bound(start), BERLIN.until_bound(end)) == ("2026-10-25 00:00:00", "2026-10-26 00:00:00")
