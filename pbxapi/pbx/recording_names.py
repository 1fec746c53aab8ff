"""Where a recording lies, as its call record tells it, and what its name tells. No file is looked at.

FreePBX and Issabel write `TYPE-CALLED-CALLER-YYYYMMDD-HHMMSS-UNIQUEID.EXT` into `recordingfile`, and the file is in the
folder YYYY/MM/DD of that date, not of `calldate`: a call over midnight differs. Issabel takes a full path as well, and
writes `deleted` when its interface deletes one. Elastix wrote `audio:<path>` into `userfield`.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import PurePosixPath

# Of surrogates, only those that stand for a byte that is no UTF-8 can be in a path (PEP 383).
_HOSTILE = re.compile(r"[\x00-\x1f\x7f\ud800-\udc7f\udd00-\udfff]|(?:^|/)\.{0,2}(?:/|\Z)")
# The last such field: a number that was dialled can look like a date too.
_DATE = re.compile(r"(?:.*-)?(2\d{3})(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=[-.]|\Z)", re.ASCII)
_DAY = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_PARTS = re.compile(
    # type, called, caller, day, time, uniqueid
    r"[A-Za-z]+-([^-]*)-(.*)-(2\d{7})-(\d{6})-((?:.*-)?\d+\.\d+)(?:\.\w+)?\Z",
    re.ASCII,
)
LONGEST = 1_000
AUDIO = "audio:"
DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of sound: Asterisk's name of it, its media type, and how many bytes of it a second makes.

    A file of it with no sound has `header` bytes.
    """

    name: str
    media_type: str
    pace: int = 8_000
    header: int = 0


_ULAW, _ALAW = Format("ulaw", "audio/basic"), Format("alaw", "audio/x-alaw-basic")
_SLIN = Format("sln", "audio/x-sln", 16_000)
FORMATS = {
    # The extensions that Asterisk's format modules register (formats/format_*.c), and what converters make.
    "wav": Format("wav", "audio/wav", 16_000, 44),
    "WAV": Format("wav49", "audio/wav", 1_625, 60),
    "wav49": Format("wav49", "audio/wav", 1_625, 60),
    "wav16": Format("wav16", "audio/wav", 32_000, 44),
    "gsm": Format("gsm", "audio/x-gsm", 1_650),
    "mp3": Format("mp3", "audio/mpeg"),
    "ogg": Format("ogg", "audio/ogg"),
    "opus": Format("opus", "audio/ogg"),
    "g722": Format("g722", "audio/x-g722"),
    "g729": Format("g729", "audio/x-g729", 1_000),
    "ulaw": _ULAW,
    "ul": _ULAW,
    "mu": _ULAW,
    "pcm": _ULAW,
    "alaw": _ALAW,
    "al": _ALAW,
    "au": Format("au", "audio/basic", header=24),
    "sln": _SLIN,
    "raw": _SLIN,
    "sln16": Format("sln16", "audio/x-sln", 32_000),
    "flac": Format("flac", "audio/flac"),
    "m4a": Format("m4a", "audio/mp4"),
    "aac": Format("aac", "audio/aac"),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What a file's name tells of its call. `at` is the exchange's own time, `YYYY-MM-DD HH:MM:SS`, if it is one."""

    dst: str
    src: str
    at: str
    uniqueid: str


class Paths:
    """Paths below the folder `root`, which need not be there."""

    def __init__(self, root: str) -> None:
        # Records hold full paths as Asterisk was told them, or as a script resolved them.
        self._roots = {os.path.normpath(root) + "/", os.path.realpath(root) + "/"}

    def of_record(self, recordingfile: str, userfield: str, calldate: str) -> str | None:
        """Where the recording of a record should be, below the root; None where there is none, or it would not be."""
        text = recordingfile or (userfield if userfield.startswith(AUDIO) else "")
        text = text.removeprefix(AUDIO)
        if not text or text == DELETED:
            return None
        if "/" in text:
            text = self._below(text)
            return None if is_hostile(text) else text
        # Nearly every name is like this, and is_hostile() takes longer than all the rest.
        plain = text.isascii() and text.isprintable() and text[0] != "." and len(text) <= LONGEST
        if not plain and is_hostile(text):
            return None
        day = _DATE.match(text) or _DAY.match(calldate)
        return f"{day[1]}/{day[2]}/{day[3]}/{text}" if day else text

    def _below(self, path: str) -> str:
        return next((path.removeprefix(root) for root in self._roots if path.startswith(root)), path)


def is_hostile(path: str) -> bool:
    """Whether a path is none to open below a folder: absolute, with `..` or an empty component, or not printable."""
    return len(path) > LONGEST or _HOSTILE.search(path) is not None


def named(name: str) -> str | None:
    """The path that a client asks for by its name, with or without a slash before it; None for a hostile one."""
    path = name.lstrip("/")
    return None if is_hostile(path) else path


def format_of(name: str) -> Format | None:
    """The kind of sound that a file's name says it is; None for one that is none."""
    extension = name.rpartition(".")[2]
    return FORMATS.get(extension) or FORMATS.get(extension.lower())


def candidates(path: str) -> list[str]:
    """Where to look for the file of a path: there, and in the root; some records lack the ending."""
    places = dict.fromkeys((path, PurePosixPath(path).name))
    if format_of(path):
        return list(places)
    return [f"{place}.{extension}" for place in places for extension in FORMATS]


def told(name: str) -> Told | None:
    """Read a name that FreePBX or Issabel made; None for another."""
    found = _PARTS.match(name)
    if found is None:
        return None
    dst, src, day, time, uniqueid = found.groups()
    at = f"{day[:4]}-{day[4:6]}-{day[6:]} {time[:2]}:{time[2:4]}:{time[4:]}"
    return Told(dst, src, at, uniqueid)
