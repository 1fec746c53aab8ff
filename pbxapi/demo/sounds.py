"""Sounds like talk: beeps in the rhythm of two people who speak, one after the other."""

from __future__ import annotations

import functools
import math
import os
import random
import wave
from array import array
from pathlib import Path

RATE = 8000
"""Samples a second."""

_SYLLABLES = 7
_VOICES = (115.0, 205.0)
"""Hz: a low voice and a high one."""


def write_sound(path: Path, name: str, seconds: int, end: int) -> None:
    """Write a WAV file that was written until `end`, in seconds since the epoch; the same for the same name."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(_talk(name, seconds))
    os.utime(path, (end, end))


def _talk(name: str, seconds: int) -> bytes:
    rng = random.Random(name)  # noqa: S311  (beeps)
    size = 2 * RATE * seconds
    voices = [_voice(pitch) for pitch in _VOICES]
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


@functools.cache
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
