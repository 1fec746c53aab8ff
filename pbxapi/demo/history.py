"""The past of the demo exchange: its calls of a year, as FreePBX would have written them down, and recordings."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta, tzinfo
from pathlib import Path

from pbxapi.demo.history_audio import write_sounds
from pbxapi.demo.history_book import Book
from pbxapi.demo.history_calls import Moment, place
from pbxapi.demo.history_days import bad_day, is_open, is_trunk_up, moments
from pbxapi.demo.history_people import World
from pbxapi.demo.history_tables import write_tables

YEAR = 365
RECORDED_DAYS = 9
"""Older calls have no recording: it is not long since that was switched on."""
LOGGED_DAYS = 5
"""A channel event log grows fast and is purged early."""
FILES = 50
"""Recordings that are still there; those before them were cleaned up, and only their names are left."""

_MADE, _WRITTEN = 0.6, 0.9
"""How much of the work is done with all calls made, and with them in the database."""


def database_path(folder: Path) -> Path:
    """The SQLite file with the tables `cdr` and `cel`."""
    return folder / "cdr.db"


def recordings_path(folder: Path) -> Path:
    """The folder of recordings."""
    return folder / "monitor"


def make_history(
    folder: Path,
    *,
    seed: int,
    until: datetime,
    zone: tzinfo,
    days: int = YEAR,
    progress: Callable[[float], None] = lambda done: None,
) -> None:
    """Write the calls of the days up to `until`, an aware datetime, in the local time of `zone`.

    The same seed and moment make the same history. `progress` is told how much is done, from 0.0 to 1.0. Raises
    OSError and sqlite3.Error, and so when the folder has a history already.
    """
    world = World(seed)
    end = until.timestamp()
    book = Book(zone, end - RECORDED_DAYS * 86400, end - LOGGED_DAYS * 86400, end)
    today = until.astimezone(zone).date()
    for number in range(days):
        day = today - timedelta(days=days - 1 - number)
        _write_day(book, world, seed, day, is_bad=day == bad_day(today))
        progress(_MADE * (number + 1) / days)
    book.events.sort(key=lambda event: event[0])
    write_tables(database_path(folder), book.records, (event for _, event in book.events))
    progress(_WRITTEN)
    recordings_path(folder).mkdir()
    write_sounds(recordings_path(folder), book.sounds[-FILES:])
    progress(1.0)


def _write_day(book: Book, world: World, seed: int, day: date, *, is_bad: bool) -> None:
    rng = random.Random(f"{seed} {day}")  # noqa: S311  (who calls whom in a toy exchange)
    midnight = int(datetime(day.year, day.month, day.day, tzinfo=book.zone).timestamp())
    book.turn_to(day)
    for second in moments(day, rng):
        if midnight + second > book.until:
            return
        moment = Moment(book, rng, midnight + second, world)
        place(moment, is_open=is_open(day, second), trunk_up=not is_bad or is_trunk_up(second))
