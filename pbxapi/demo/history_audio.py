"""Sound files of recorded calls."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pbxapi.demo.history_book import Sound
from pbxapi.demo.sounds import write_sound

LONGEST = 20
"""Seconds of a file at most."""


def write_sounds(folder: Path, sounds: Iterable[Sound]) -> None:
    """Write a WAV file for each, 16 bit mono, below a folder for its day. Raises OSError."""
    for sound in sounds:
        place = folder.joinpath(*sound.day.split("-"))
        place.mkdir(parents=True, exist_ok=True)
        write_sound(place / sound.name, sound.name, min(sound.seconds, LONGEST), sound.end)
