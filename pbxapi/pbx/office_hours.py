"""Hours of the week, such as `Mon-Fri 08:00-18:00`, `Sat,Sun 10:00-14:00` or `22:00-06:00`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_TEXT = re.compile(r"(?:(?P<days>[A-Za-z, -]+) +)?(?P<first>[0-9]{2}:[0-9]{2})-(?P<last>[0-9]{2}:[0-9]{2})")


@dataclass(frozen=True, slots=True)
class Hours:
    """From `first` until before `last` on these days (0 is Monday). A `last` that is not later is on the next day."""

    days: frozenset[int]
    first: time
    last: time

    def hold(self, local: datetime) -> bool:
        """Whether this moment of the exchange's own clock is among them."""
        now, today = local.time(), local.weekday()
        if self.first < self.last:
            return today in self.days and self.first <= now < self.last
        yesterday = (local - timedelta(days=1)).weekday()
        return (today in self.days and now >= self.first) or (yesterday in self.days and now < self.last)


def parse(text: str) -> Hours:
    """Read them. Raises ValueError, saying what they must look like."""
    found = _TEXT.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text[:60]!r} is not such as Mon-Fri 08:00-18:00")
    first, last = _time(found["first"]), _time(found["last"])
    return Hours(_days(found["days"]) if found["days"] else frozenset(range(7)), first, last)


def _time(text: str) -> time:
    # Midnight at the end of a day is the beginning of the next.
    try:
        return time() if text == "24:00" else time.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text} is no time of day") from None


def _days(text: str) -> frozenset[int]:
    found: set[int] = set()
    for item in text.split(","):
        first, dash, last = (part.strip().lower()[:3] for part in item.partition("-"))
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError(f"{item.strip()!r} is no day such as Mon, nor days such as Mon-Fri")
        begin = DAYS.index(first)
        # Sat-Mon goes over the end of the week.
        length = (DAYS.index(last) - begin) % 7 if dash else 0
        found.update((begin + each) % 7 for each in range(length + 1))
    return frozenset(found)
