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
from pbxapi.demo.history_messages import keep_messages
from pbxapi.demo.history_paths import database_path, queue_log_path, recordings_path, voicemail_path
from pbxapi.demo.history_people import World
from pbxapi.demo.history_queues import day_lines
from pbxapi.demo.history_tables import write_tables
from pbxapi.demo.queue_log import write_log

YEAR = 365
RECORDED_DAYS = 9
"""Older calls have no recording: it is not long since that was switched on."""
LOGGED_DAYS = 5
"""A channel event log grows fast and is purged early."""
QUEUE_DAYS = 30
"""A queue_log is rotated."""
FILES = 50
"""Recordings that are still there; those before them were cleaned up, and only their names are left."""

_MADE, _WRITTEN = 0.6, 0.9
"""How much of the work is done with all calls made, and with them in the database."""


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
        book.queue_lines += day_lines(book, day)
        progress(_MADE * (number + 1) / days)
    book.events.sort(key=lambda event: event[0])
    write_tables(database_path(folder), book.records, (event for _, event in book.events))
    progress(_WRITTEN)
    since = end - QUEUE_DAYS * 86400
    write_log(queue_log_path(folder), (line for line in book.queue_lines if line[0] >= since))
    keep_messages(voicemail_path(folder), book.messages)
    recordings_path(folder).mkdir()
    write_sounds(recordings_path(folder), book.sounds[-FILES:])
    progress(1.0)


def _write_day(book: Book, world: World, seed: int, day: date, *, is_bad: bool) -> None:
    rng = random.Random(f"{seed} {day}")  # noqa: S311  (who calls whom in a toy exchange)
    book.turn_to(day)
    midnight = book.midnight
    for second in moments(day, rng):
        if midnight + second > book.until:
            return
        moment = Moment(book, rng, midnight + second, world)
        place(moment, is_open=is_open(day, second), trunk_up=not is_bad or is_trunk_up(second))
