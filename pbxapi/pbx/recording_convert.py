"""Recordings in another format, by ffmpeg or sox where one is installed, as a stream.

The program reads the recording from a descriptor that is already open, and is told what kind it is: no name reaches it,
and nothing in the file makes it open another (ffmpeg would follow a playlist).
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator

from pbxapi.errors import NotConverted, NotSupported, Unavailable
from pbxapi.pbx.history import OpenRecording

log = logging.getLogger("pbxapi.recordings")

FORMS = {"mp3": "audio/mpeg", "ogg": "audio/ogg"}
AT_ONCE = 2
"""Conversions at a time in each process: each keeps a core busy."""
LONGEST = 600.0
"""Seconds that one may take, at the pace of who listens."""
CHUNK = 64 * 1024

_FFMPEG = {
    "wav": ("wav",), "wav49": ("wav",), "wav16": ("wav",), "gsm": ("gsm",), "mp3": ("mp3",), "ogg": ("ogg",),
    "opus": ("ogg",), "g722": ("g722",), "au": ("au",), "flac": ("flac",), "aac": ("aac",),
    "ulaw": ("mulaw", "-ar", "8000"), "alaw": ("alaw", "-ar", "8000"), "sln": ("s16le", "-ar", "8000"),
    "sln16": ("s16le", "-ar", "16000"),
}  # fmt: skip
_FFMPEG_OUT = {"mp3": ("-c:a", "libmp3lame", "-f", "mp3"), "ogg": ("-c:a", "libvorbis", "-f", "ogg")}
_SOX = {
    "wav": ("wav",), "wav49": ("wav",), "wav16": ("wav",), "gsm": ("gsm",), "mp3": ("mp3",), "ogg": ("ogg",),
    "au": ("au",), "flac": ("flac",), "ulaw": ("ul", "-r", "8000", "-c", "1"), "alaw": ("al", "-r", "8000", "-c", "1"),
    "sln": ("sw", "-r", "8000", "-c", "1"), "sln16": ("sw", "-r", "16000", "-c", "1"),
}  # fmt: skip


def command(kind: str | None, form: str) -> list[str]:
    """What turns standard input into the other format. Raises NotSupported when nothing that is installed does."""
    ffmpeg, sox = shutil.which("ffmpeg"), shutil.which("sox")
    if ffmpeg and kind in _FFMPEG:
        source, *options = _FFMPEG[kind]
        quiet = [ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", "-protocol_whitelist", "pipe"]
        return [*quiet, *options, "-f", source, "-i", "pipe:0", "-vn", *_FFMPEG_OUT[form], "pipe:1"]
    if sox and kind in _SOX:
        return [sox, "-V1", "-t", *_SOX[kind], "-", "-t", form, "-"]
    if not ffmpeg and not sox:
        raise NotSupported("Recordings cannot be converted here: neither ffmpeg nor sox is installed")
    raise NotSupported(f"What is installed here does not read {kind or 'this kind of sound'}")


class Conversion:
    """The other format, chunk by chunk. `close` ends the program, and so does the time limit.

    Raises NotConverted at once when nothing comes of it, and in the middle when the program fails there.
    """

    def __init__(
        self, words: list[str], opened: OpenRecording, slots: threading.BoundedSemaphore, longest: float
    ) -> None:
        """Start it. `opened` is closed, whatever comes of it; `slots` gets one back when it has ended."""
        self._slots = slots
        self._lock = threading.Lock()
        self._ended = False
        try:
            # The stream is its own process group: what a wrapper script started ends with it.
            self._process = subprocess.Popen(  # noqa: S603  (words of our own, and no shell)
                words, stdin=opened.file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
            )
        except OSError as error:
            slots.release()
            raise NotConverted("The program that converts sound cannot be started") from error
        finally:
            opened.file.close()
        self._timer = threading.Timer(longest, self._kill)
        self._timer.daemon = True
        self._timer.start()
        try:
            self._first = self._read()
            if not self._first:
                raise NotConverted("The program that converts sound could make nothing of this recording")
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        chunk, self._first = self._first or self._read(), b""
        if not chunk:
            self.close()
            raise StopIteration
        return chunk

    def close(self) -> None:
        """End the program, wherever it is."""
        self._timer.cancel()
        self._kill()
        if self._process.stdout:
            self._process.stdout.close()

    def _read(self) -> bytes:
        chunk: bytes = os.read(self._process.stdout.fileno(), CHUNK) if self._process.stdout else b""
        if not chunk and self._reap(self._process.wait) != 0:
            raise NotConverted("The program that converts sound failed")
        return chunk
