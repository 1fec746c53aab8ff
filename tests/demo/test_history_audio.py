"""Recordings of the demo's past: real sound, for the calls that say so."""

from __future__ import annotations

import re
import sqlite3
import wave
from contextlib import closing
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from pbxapi.demo.history import FILES, make_history
from pbxapi.demo.history_paths import database_path, recordings_path

BERLIN = ZoneInfo("Europe/Berlin")
UNTIL = datetime(2026, 6, 19, 16, 30, tzinfo=BERLIN)
HEADER = 44  # bytes
NAME = re.compile(r"(?:in|out|internal|external|q|rg)-\w+-\w+-(?P<day>\d{8})-(?P<time>\d{6})-(?P<id>\d+\.\d+)\.wav")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("recorded")
    make_history(made, seed=1, until=UNTIL, zone=BERLIN, days=15)
    return made


@pytest.fixture(scope="module")
def files(folder: Path) -> dict[str, Path]:
    return {path.name: path for path in recordings_path(folder).rglob("*") if path.is_file()}


def recorded(folder: Path) -> dict[str, sqlite3.Row]:
    """The longest row of each recorded call by the name of its recording."""
    with closing(sqlite3.connect(database_path(folder))) as connection:
        connection.row_factory = sqlite3.Row
        statement = "SELECT * FROM cdr WHERE recordingfile != '' AND uniqueid = linkedid ORDER BY billsec"
        return {row["recordingfile"]: row for row in connection.execute(statement)}


def test_the_newest_recordings_are_there_and_some_older_ones_are_only_named(
    folder: Path, files: dict[str, Path]
) -> None:
    named = recorded(folder)
    assert len(files) == FILES
    assert set(files) < set(named)
    oldest = min(named[name]["calldate"] for name in files)
    assert all(named[name]["calldate"] <= oldest for name in set(named) - set(files))


def test_a_file_lies_where_freepbx_puts_it(folder: Path, files: dict[str, Path]) -> None:
    named = recorded(folder)
    for name, path in files.items():
        parts = NAME.fullmatch(name)
        assert parts is not None
        day = parts["day"]
        assert path.relative_to(recordings_path(folder)).as_posix() == f"{day[:4]}/{day[4:6]}/{day[6:]}/{name}"
        assert parts["id"] == named[name]["uniqueid"]
        began = datetime.fromtimestamp(int(parts["id"].partition(".")[0]), BERLIN)
        assert f"{began:%Y%m%d%H%M%S}" == day + parts["time"]


def test_a_file_is_sound_that_telephones_make(files: dict[str, Path]) -> None:
    for path in files.values():
        with wave.open(str(path)) as sound:
            assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate()) == (1, 2, 8000)
            frames = sound.readframes(sound.getnframes())
        assert len(frames) == path.stat().st_size - HEADER
        assert not frames or max(frames) > 0


def test_a_file_is_as_long_as_the_talk(folder: Path, files: dict[str, Path]) -> None:
    named = recorded(folder)
    outbound = [name for name in files if name.startswith("out-")]
    assert outbound
    for name in outbound:
        with wave.open(str(files[name])) as sound:
            assert sound.getnframes() == 8000 * named[name]["billsec"]


def test_they_are_small_and_one_at_least_has_no_sound(files: dict[str, Path]) -> None:
    sizes = [path.stat().st_size for path in files.values()]
    assert sum(sizes) < 15_000_000
    assert 1 <= sizes.count(HEADER) <= FILES / 5


def test_a_file_was_last_written_when_the_call_ended(files: dict[str, Path]) -> None:
    assert max(path.stat().st_mtime for path in files.values()) <= UNTIL.timestamp()
