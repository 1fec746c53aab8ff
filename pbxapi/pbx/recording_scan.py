"""Recordings found in their folders rather than by call records: by date, the newest first, then what lies in the root.

A page goes through whole folders until it is full or its time is up, and keeps no more of each than it gives. Where it
stopped is the cursor: a path in its folder, or a folder with nothing after it when all of that was gone through.
"""

from __future__ import annotations

import heapq
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from pbxapi.errors import RecordingGone
from pbxapi.pbx.history import Filters
from pbxapi.pbx.local_time import Clock
from pbxapi.pbx.recording_folder import Folder
from pbxapi.pbx.recording_names import Told, format_of, is_hostile, told

LONGEST = 5.0
"""Seconds after which a page is given with what was found so far."""
_PARTS = (re.compile(r"2\d{3}", re.ASCII), re.compile(r"0[1-9]|1[0-2]", re.ASCII), re.compile(r"[0-3]\d", re.ASCII))

Order = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Scan:
    """What to look for in a folder of recordings, by the exchange's clock."""

    folder: Folder
    clock: Clock
    filters: Filters

    def page(self, limit: int, position: str | None) -> tuple[list[str], str | None]:
        """Paths of sound files, at most `limit`, and where to go on."""
        found: list[str] = []
        deadline = time.monotonic() + LONGEST
        last, _, seen = position.rpartition("/") if position is not None else ("~", "", "")
        for folder in self._folders():
            # Digits sort as their dates do, and the root's own, "", is the last.
            if folder > last or (folder == last and not seen):
                continue
            before = _order(seen, told(seen)) if folder == last else None
            names = self._names(folder, limit + 1 - len(found), before)
            found += [f"{folder}/{name}" if folder else name for name in names]
            if len(found) > limit:
                return found[:limit], _place(found[limit - 1])
            if time.monotonic() > deadline and folder:
                return found, f"{folder}/"
        return found, None

    def _names(self, folder: str, limit: int, before: Order | None) -> list[str]:
        """The newest of a folder that fit and come after what was seen, newest first."""
        try:
            with self.folder.listing(folder) as entries:
                orders = (self._order(entry) for entry in entries)
                fitting = (order for order in orders if order and (before is None or order < before))
                return [name for _, name in heapq.nlargest(limit, fitting)]
        except RecordingGone:
            return []

    def _order(self, entry: os.DirEntry[str]) -> Order | None:
        """Where a file stands in its folder; None for one that does not fit."""
        f = self.filters
        name = os.fsencode(entry.name).decode("utf-8", "surrogateescape")
        if format_of(name) is None or is_hostile(name) or not entry.is_file(follow_symlinks=False):
            return None
        known = told(name)
        if f.either and (known is None or f.either not in {known.src, known.dst}):
            return None
        if f.uniqueid and (known is None or f.uniqueid != known.uniqueid):
            return None
        if (f.start or f.end) and not self._in_time(known, entry):
            return None
        return _order(name, known)

    def _in_time(self, known: Told | None, entry: os.DirEntry[str]) -> bool:
        at = self.clock.moment(known.at, known.uniqueid) if known else None
        if at is None:
            try:
                at = datetime.fromtimestamp(entry.stat(follow_symlinks=False).st_mtime, UTC)
            except FileNotFoundError:
                return False
        return (not self.filters.start or self.filters.start <= at) and (not self.filters.end or at < self.filters.end)

    def _folders(self) -> Iterator[str]:
        """The folders by date, newest first, and the root."""
        first = self._day(self.filters.start) if self.filters.start else ""
        last = self._day(self.filters.end) if self.filters.end else "~"
        for year in self._dated("", _PARTS[0]):
            for month in self._dated(year, _PARTS[1]):
                path = f"{year}/{month}"
                if not first[:7] <= path <= last[:7]:
                    continue
                for day in self._dated(path, _PARTS[2]):
                    if first <= f"{path}/{day}" <= last:
                        yield f"{path}/{day}"
        yield ""

    def _day(self, moment: datetime) -> str:
        return f"{self.clock.local(moment):%Y/%m/%d}"

    def _dated(self, path: str, part: re.Pattern[str]) -> list[str]:
        try:
            with self.folder.listing(path) as entries:
                names = [entry.name for entry in entries if part.fullmatch(entry.name)]
        except RecordingGone:
            return []
        return sorted(names, reverse=True)


def _place(path: str) -> str:
    return path if "/" in path else f"/{path}"


def _order(name: str, known: Told | None) -> Order:
    return (known.at if known else "", name)
