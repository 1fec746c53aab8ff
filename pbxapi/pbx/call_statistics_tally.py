"""Calls that are counted together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pbxapi.pbx.cdr_totals import Count
from pbxapi.pbx.history import KeptTally


class Tally:
    """A count of calls. `rings` says how many of the answered ones rang for how many seconds."""

    __slots__ = ("calls", "rings", "talk_time")

    def __init__(self) -> None:
        self.calls = 0
        self.talk_time = 0
        self.rings: dict[int, int] = {}

    def add(self, ring: int | None, calls: int, talk_time: int) -> None:
        """Calls that rang for the same time; None for those that were not answered."""
        self.calls += calls
        self.talk_time += talk_time
        if ring is not None:
            self.rings[ring] = self.rings.get(ring, 0) + calls

    def merge(self, other: Tally) -> None:
        """All of another tally."""
        self.calls += other.calls
        self.talk_time += other.talk_time
        rings = self.rings
        for ring, calls in other.rings.items():
            rings[ring] = rings.get(ring, 0) + calls

    def add_kept(self, calls: int, talk_time: int, kept: str) -> None:
        """A tally of the roll-up."""
        self.calls += calls
        self.talk_time += talk_time
        rings, numbers = self.rings, list(map(int, kept.replace(":", " ").split()))
        for ring, times in zip(numbers[::2], numbers[1::2], strict=True):
            rings[ring] = rings.get(ring, 0) + times

    def kept(self) -> tuple[int, int, str]:
        """As the roll-up keeps it."""
        return self.calls, self.talk_time, " ".join(f"{ring}:{calls}" for ring, calls in sorted(self.rings.items()))

    def shown(self) -> dict[str, Any]:
        """As the resource tells it. The percentile is the nearest-rank one: the ring time of a call that was."""
        answered = sum(self.rings.values())
        return {
            "calls": self.calls,
            "answered": answered,
            "answer_rate": round(answered / self.calls, 4) if self.calls else None,
            "talk_time": self.talk_time,
            "average_talk_time": round(self.talk_time / answered, 1) if answered else None,
            "average_ring_time": self._average_ring(answered) if answered else None,
            "p95_ring_time": self._percentile(95, answered) if answered else None,
        }

    def _average_ring(self, answered: int) -> float:
        return round(sum(ring * calls for ring, calls in self.rings.items()) / answered, 1)

    def _percentile(self, percent: int, answered: int) -> int:
        left = -(-percent * answered // 100)
        for ring in sorted(self.rings):
            left -= self.rings[ring]
            if left <= 0:
                return ring
        raise AssertionError("no call has this rank")


Tallies = dict[tuple[int, str], Tally]
"""By number of the hour or day, and key."""


def add_counts(tallies: Tallies, counts: Iterable[Count], place: Callable[[int], int] = int) -> Tallies:
    """Take in what the database counted; `place` says in which tally an hour or a day goes."""
    for number, key, ring, calls, talk in counts:
        at = place(number), key
        tally = tallies.get(at)
        if tally is None:
            tally = tallies[at] = Tally()
        tally.add(ring, calls, talk)
    return tallies


def merged(tallies: Tallies, *, hours: int) -> Tallies:
    """By units of so many hours."""
    found: Tallies = {}
    for (number, key), tally in tallies.items():
        found.setdefault((number // hours, key), Tally()).merge(tally)
    return found


def kept(dimension: str, tallies: Tallies) -> list[KeptTally]:
    """Rows for the roll-up."""
    return [(dimension, number, key, *tally.kept()) for (number, key), tally in tallies.items()]
