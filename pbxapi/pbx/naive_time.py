"""Hours and days by the exchange's clock as numbers: how many began since 1970, had it never been turned."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from pbxapi.pbx.local_time import TEXT

HOUR = 3600
HOURS_A_DAY = 24
EPOCH = datetime(1970, 1, 1)


def seconds_of(local: datetime) -> int:
    """Seconds from 1970 to a local time without an offset."""
    return (local - EPOCH) // timedelta(seconds=1)


def text_of(seconds: int) -> str:
    """A local time as the tables spell it."""
    return (EPOCH + timedelta(seconds=seconds)).strftime(TEXT)


def day_of(number: int) -> date:
    """The day with this number."""
    return (EPOCH + timedelta(days=number)).date()


def weekday_of(day: int) -> int:
    """1 for Monday to 7 for Sunday."""
    # The first day of 1970 was a Thursday.
    return (day + 3) % 7 + 1
