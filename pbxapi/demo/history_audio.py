"""Sound files of recorded calls: beeps in the rhythm of two people who talk, one after the other."""

from __future__ import annotations

import math
import os
import random
import wave
from array import array
from collections.abc import Iterable
from pathlib import Path

from pbxapi.demo.history_book import Sound

RATE = 8000
"""Samples a second."""

LONGEST = 20
"""Seconds of a file at most."""

_SYLLABLES = 7
_VOICES = (115.0, 205.0)
"""Hz: a low voice and a high one."""


def write_sounds(folder: Path, sounds: Iterable[Sound]) -> None:
    """Write a WAV file for each, 16 bit mono, below a folder for its day. Raises OSError."""
    voices = [_voice(pitch) for pitch in _VOICES]
    for sound in sounds:
        place = folder.joinpath(*sound.day.split("-"))
        place.mkdir(parents=True, exist_ok=True)
        path = place / sound.name
        with wave.open(str(path), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(_talk(sound, voices))
        os.utime(path, (sound.end, sound.end))


def _talk(sound: Sound, voices: list[list[bytes]]) -> bytes:
    """The same for the same name."""
    rng = random.Random(sound.name)  # noqa: S311  (beeps)
    size = 2 * RATE * min(sound.seconds, LONGEST)
    parts: list[bytes] = []
    speaker = length = 0
    while length < size:
        for _ in range(rng.randint(3, 9)):
            parts.append(rng.choice(voices[speaker]))
            parts.append(bytes(2 * rng.randint(RATE // 50, RATE // 12)))
        parts.append(bytes(2 * rng.randint(RATE // 5, RATE // 2)))
        length = sum(map(len, parts))
        speaker = 1 - speaker
    return b"".join(parts)[:size]


def _voice(pitch: float) -> list[bytes]:
    return [_syllable(pitch * 2 ** (n / 12), 0.11 + 0.02 * n) for n in range(_SYLLABLES)]


def _syllable(pitch: float, seconds: float) -> bytes:
    """A tone with two overtones that swells and fades."""
    count = int(seconds * RATE)
    step = math.tau * pitch / RATE
    return array("h", (
        int(7000 * math.sin(math.pi * n / count) * (math.sin(step * n) + 0.5 * math.sin(2 * step * n)
            + 0.3 * math.sin(3 * step * n)))
        for n in range(count)
    )).tobytes()  # fmt: skip
