"""The exchange's clock: its tables hold local times without an offset, this API speaks ISO 8601 with one."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

TEXT = "%Y-%m-%d %H:%M:%S"
EPOCH = re.compile(r"(?:.*-)?([0-9]{9,10})\.[0-9]+\Z")
"""The seconds in a uniqueid: `[systemname-]seconds.number` (ast_channel_alloc, main/channel.c)."""


def system_zone() -> tzinfo:
    """The zone that TZ or /etc/localtime names, with its rules for daylight saving; UTC when neither can be read."""
    name = os.environ.get("TZ", "").lstrip(":")
    try:
        if name:
            return ZoneInfo(name)
        with Path("/etc/localtime").open("rb") as rules:
            return ZoneInfo.from_file(rules)
    except (OSError, ValueError):
        return UTC


class Clock:
    """Between aware datetimes and the local times of the exchange's tables, `YYYY-MM-DD HH:MM:SS`."""

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self._offset = lru_cache(maxsize=20_000)(self._offset_of)

    def local(self, moment: datetime) -> datetime:
        """This moment by the exchange's clock, without an offset."""
        return moment.astimezone(self.zone).replace(tzinfo=None, fold=0)

    def from_bound(self, start: datetime) -> str:
        """What the table's times are compared with for `>=`.

        In the hour that comes twice when daylight saving ends, a local time does not tell which of the two it was in:
        from a moment of the first one on, both are taken.
        """
        there = start.astimezone(self.zone)
        if there.fold == 0 and self._comes_twice(there):
            there = self._turn(there)
        return there.strftime(TEXT)

    def until_bound(self, end: datetime) -> str:
        """What the table's times are compared with for `<`; up to a moment of the second hour, both are taken."""
        there = end.astimezone(self.zone)
        if there.fold == 1:
            there = self._turn(there) + self._gain(there)
        return there.replace(tzinfo=None, fold=0).strftime(TEXT)

    def moment(self, text: str | None, uniqueid: str | None = None) -> datetime | None:
        """Read a time of the table; None for one that is none (0000-00-00).

        Of an hour that came twice, the one in which the channel with this uniqueid was made. It has a fixed offset, so
        that what is added to it is time that passed.
        """
        try:
            there = datetime.strptime(text or "", TEXT).replace(tzinfo=self.zone)
        except ValueError:
            return None
        if self._comes_twice(there):
            there = self._which(there, uniqueid)
        return there.replace(tzinfo=timezone(there.utcoffset() or timedelta()), fold=0)

    def text(self, text: str, uniqueid: str | None = None) -> str | None:
        """As `moment`, in ISO 8601; made for thousands of rows."""
        offset = self._offset(text[:13])
        if offset:
            return f"{text[:10]}T{text[11:]}{offset}"
        found = self.moment(text, uniqueid)
        return found.isoformat() if found else None

    def _offset_of(self, hour: str) -> str:
        """The offset that all of an hour has, or nothing when it has not one alone."""
        try:
            first = datetime.strptime(hour, "%Y-%m-%d %H").replace(tzinfo=self.zone)
        except ValueError:
            return ""
        last = first + timedelta(minutes=59, seconds=59)
        if first.utcoffset() != last.utcoffset() or self._comes_twice(first) or self._comes_twice(last):
            return ""
        return first.isoformat()[19:]

    def _comes_twice(self, there: datetime) -> bool:
        early, late = there.replace(fold=0).utcoffset(), there.replace(fold=1).utcoffset()
        # In the hour that is left out in spring the two differ as well, the other way round.
        return early is not None and late is not None and early > late

    def _gain(self, there: datetime) -> timedelta:
        early, late = there.replace(fold=0).utcoffset(), there.replace(fold=1).utcoffset()
        return (early or timedelta()) - (late or timedelta())

    def _turn(self, there: datetime) -> datetime:
        """The first local time of those that come twice around this one."""
        first = there.replace(fold=0)
        step = timedelta(minutes=1)
        turn = first.replace(second=0, microsecond=0)
        while self._comes_twice(turn - step):
            turn -= step
        return turn

    def _which(self, there: datetime, uniqueid: str | None) -> datetime:
        made = EPOCH.match(uniqueid or "")
        if made is None:
            return there.replace(fold=0)
        return min((there.replace(fold=0), there.replace(fold=1)), key=lambda t: abs(t.timestamp() - int(made[1])))
