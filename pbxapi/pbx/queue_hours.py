"""The hours of the exchange's clock, as moments with an offset."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone, tzinfo

QUARTER = 900
"""Seconds. No zone's offset has changed at another minute in these fifty years."""


class Hours:
    """Of the hour that comes twice when daylight saving ends, each is one of its own."""

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._known: dict[int, datetime] = {}

    def of(self, at: int) -> datetime:
        """When the hour began that this second since 1970 is in."""
        quarter = at // QUARTER
        found = self._known.get(quarter)
        if found is None:
            there = datetime.fromtimestamp(quarter * QUARTER, UTC).astimezone(self._zone)
            # With the zone itself, two hours of one name would be one key.
            offset = timezone(there.utcoffset() or timedelta())
            found = self._known[quarter] = there.replace(minute=0, second=0, microsecond=0, tzinfo=offset, fold=0)
        return found

    def between(self, start: int, end: int) -> Iterator[datetime]:
        """Every hour that has a second of this range."""
        while start < end:
            hour = self.of(start)
            yield hour
            start = int(hour.timestamp()) + 3600
