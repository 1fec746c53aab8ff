"""Files of sound to put into a recordings' folder."""

from __future__ import annotations

import io
import os
import struct
import time
import wave
from pathlib import Path

NAME = "internal-201-200-20261122-193144-1795375904.0.wav"
PATH = f"2026/11/22/{NAME}"
LONG_AGO = 3600.0


def wav(seconds: float = 1.0) -> bytes:
    """A closed wav file with sound of which every byte is different from its neighbours'."""
    raw = io.BytesIO()
    with wave.open(raw, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"".join(struct.pack("<H", n * 7919 % 65536) for n in range(int(seconds * 8000))))
    return raw.getvalue()


SOUND = wav()
EMPTY = wav(0)
assert len(EMPTY) == 44


def unclosed(sound: bytes = SOUND) -> bytes:
    """As Asterisk leaves it while it writes: no sizes in the header."""
    return sound[:4] + bytes(4) + sound[8:]


def put(root: Path, path: str = PATH, data: bytes = SOUND, age: float = LONG_AGO) -> Path:
    """Write a file that was last written to `age` seconds ago."""
    file = root / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    then = time.time() - age
    os.utime(file, (then, then))
    return file
