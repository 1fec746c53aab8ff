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
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from pbxapi.errors import NotConverted, NotSupported, Unavailable
from pbxapi.pbx.history import OpenRecording

log = logging.getLogger("pbxapi.recordings")

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


class Converter:
    """Starts conversions, `at_once` at a time, each ended after `longest` seconds."""

    def __init__(self, at_once: int = AT_ONCE, longest: float = LONGEST) -> None:
        self._slots = threading.BoundedSemaphore(at_once)
        self._longest = longest

    def convert(self, opened: OpenRecording, form: str) -> Conversion:
        """Convert from the file's beginning, and close it. Raises NotSupported, NotConverted and Unavailable."""
        with opened.file as file:
            words = command(opened.format, form)
            if not self._slots.acquire(blocking=False):
                raise Unavailable("Too many recordings are being converted", part="streams", retry_after=5)
            return Conversion(words, file, self._slots.release, self._longest)


class Conversion:
    """The other format, chunk by chunk, as the program makes it. `close` ends the program.

    Raises NotConverted: at once when nothing comes of it, and in the middle when it fails there or takes too long.
    """

    def __init__(self, words: list[str], file: BinaryIO, ended: Callable[[], None], longest: float) -> None:
        """Start it; `ended` is called when there is no process any more, whatever came of it."""
        self._name = words[0]
        self._ended: Callable[[], None] | None = ended
        self._lock = threading.Lock()
        try:
            # A group of its own: what a wrapper script starts ends with it.
            self._process = subprocess.Popen(  # noqa: S603  (words of our own, and no shell)
                words,
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            ended()
            raise NotConverted("The program that converts sound cannot be started") from error
        self._output = cast("BinaryIO", self._process.stdout)
        self._timer = threading.Timer(longest, self._end)
        self._timer.daemon = True
        self._timer.start()
        try:
            self._ahead = self._read()
            if not self._ahead:
                raise NotConverted("The program that converts sound made nothing of this recording")
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._output.closed:
            raise StopIteration
        chunk, self._ahead = self._ahead or self._read(), b""
        if not chunk:
            self.close()
            raise StopIteration
        return chunk

    def close(self) -> None:
        """End the program, wherever it is."""
        self._timer.cancel()
        self._end()
        self._output.close()

    def _read(self) -> bytes:
        chunk = self._output.read(CHUNK)
        # It ends soon after its output does; the timer sees to one that does not.
        if not chunk and (status := self._process.wait()) != 0:
            log.warning("%s ended with status %d", self._name, status)
            raise NotConverted("The program that converts sound failed, or took too long")
        return chunk

    def _end(self) -> None:
        with self._lock:
            ended, self._ended = self._ended, None
            if ended is None:
                return
            if self._process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        ended()
