"""The shape of a year at an office: how many calls a day has, and when."""

from __future__ import annotations

import random
from datetime import date, timedelta

BUSIEST = 118
"""Calls on a working day that nothing makes quieter."""

_OF_WEEKDAY = (1.0, 0.95, 0.92, 0.9, 0.78, 0.1, 0.02)
_OF_MONTH = (0.9, 0.94, 1.0, 0.92, 0.95, 1.0, 0.85, 0.62, 0.98, 1.0, 1.0, 0.9)
_HOLIDAYS = frozenset({(1, 1), (5, 1), (12, 25), (12, 26)})
_QUIET = frozenset({(12, 24), (12, 27), (12, 28), (12, 29), (12, 30), (12, 31), (1, 2)})
_NIGHT, _LATE = 0.02, 0.15
_OF_HOUR = (
    *(_NIGHT,) * 7, 0.3, 2.6, 4.6, 5.4, 5.0, 2.9, 2.1, 4.0, 4.7, 4.2, 2.8, 0.9, *(_LATE,) * 3, *(_NIGHT,) * 2,
)  # fmt: skip
_OF_SATURDAY = (*(_NIGHT,) * 8, 0.5, 3.0, 4.5, 4.5, 3.0, 0.7, *(_LATE,) * 6, *(_NIGHT,) * 4)
_OPEN, _OPEN_ON_SATURDAY = range(8, 18), range(9, 13)

_DOWN_FROM, _DOWN_UNTIL = 9 * 3600 + 2400, 15 * 3600 + 600
"""When the trunk is down on the bad day, in seconds since midnight."""


def moments(day: date, rng: random.Random) -> list[int]:
    """When the calls of a day begin, in seconds since midnight."""
    hours = rng.choices(range(24), _OF_SATURDAY if day.weekday() == 5 else _OF_HOUR, k=_calls(day, rng))
    return sorted(3600 * hour + rng.randrange(3600) for hour in hours)


def is_open(day: date, second: int) -> bool:
    """Whether somebody is at the office to answer."""
    hours = _OPEN if day.weekday() < 5 else _OPEN_ON_SATURDAY if day.weekday() == 5 else ()
    return second // 3600 in hours and (day.month, day.day) not in _HOLIDAYS


def bad_day(until: date) -> date:
    """The day on which the trunk was down: a Tuesday three to four weeks ago."""
    return until - timedelta(days=21 + (until.weekday() - 1) % 7)


def is_trunk_up(second: int) -> bool:
    """Whether calls come and go on the bad day."""
    return not _DOWN_FROM <= second < _DOWN_UNTIL


def _calls(day: date, rng: random.Random) -> int:
    as_sunday = (day.month, day.day) in _HOLIDAYS
    busy = _OF_WEEKDAY[6 if as_sunday else day.weekday()] * _OF_MONTH[day.month - 1]
    if (day.month, day.day) in _QUIET:
        busy *= 0.35
    return round(BUSIEST * busy * rng.uniform(0.85, 1.15))
