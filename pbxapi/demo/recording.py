"""MixMonitor: recordings that end up as real wav files in a folder of their own."""

from __future__ import annotations

import contextlib
import math
import struct
import wave
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pbxapi.demo.channels import Channel
from pbxapi.demo.dialplan import Dialplan
from pbxapi.demo.switch import Switch

RATE = 8000  # samples a second
MAX_SECONDS = 600.0

_TONE = b"".join(struct.pack("<h", int(6000 * math.sin(math.tau * 440 * n / RATE))) for n in range(RATE // 5))


@dataclass(eq=False)
class Recording:
    """One running recording. `started` is in seconds since the epoch."""

    number: str
    path: Path
    channel: Channel
    started: float


class Recorder:
    """Every running recording, the newest last."""

    def __init__(self, switch: Switch, dialplan: Dialplan, folder: Path) -> None:
        self.folder = folder
        dialplan.applications["mixmonitor"] = self._application
        self._switch = switch
        self._running: list[Recording] = []
        self._count = 0

    def start(self, channel: Channel, file: str, options: str) -> str:
        """Begin to record. Returns the id that option `i` asks for, or nothing. ValueError when the name is no file's.

        Folders in `file` are kept below our own, whatever it says: the real one would write anywhere.
        """
        parts = [part for part in PurePosixPath(file).parts if part not in ("/", "..")]
        if not parts:
            raise ValueError(f"no file name: {file!r}")
        path = self.folder.joinpath(*parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, 0.0)
        self._count += 1
        number = f"0x{0x7F0000000000 + 16 * self._count:x}"
        self._running.append(Recording(number, path, channel, self._switch.clock.now()))
        self._switch.set_variable(channel, "MIXMONITOR_FILENAME", str(path))
        _, opened, rest = options.partition("i(")
        if opened:
            self._switch.set_variable(channel, rest.partition(")")[0], number)
        self._switch.tell("MixMonitorStart", channel)
        return number if opened else ""

    def stop(self, channel: Channel, number: str = "") -> bool:
        """End the newest recording of a channel, or the one with this id. False when there is none."""
        found = [one for one in self._running if one.channel is channel and number in ("", one.number)]
        if not found:
            return False
        self._finish(found[-1])
        self._switch.tell("MixMonitorStop", channel)
        return True

    def is_recording(self, channel: Channel) -> bool:
        """Whether a channel is being recorded."""
        return any(one.channel is channel for one in self._running)

    def channel_gone(self, channel: Channel) -> None:
        """A channel was hung up: its recordings are complete."""
        for one in [one for one in self._running if one.channel is channel]:
            self._finish(one)

    def _finish(self, recording: Recording) -> None:
        self._running.remove(recording)
        _write(recording.path, min(self._switch.clock.now() - recording.started, MAX_SECONDS))

    def _application(self, dialplan: Dialplan, channel: Channel, data: str) -> bool:
        file, _, options = data.partition(",")
        with contextlib.suppress(ValueError, OSError):  # no name of a file: the call goes on without a recording
            self.start(channel, file, options)
        return True


def _write(path: Path, seconds: float) -> None:
    """A tone of this length, 16 bit mono."""
    size = 2 * int(seconds * RATE)
    with path.open("wb") as raw, wave.open(raw, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes((_TONE * (size // len(_TONE) + 1))[:size])
