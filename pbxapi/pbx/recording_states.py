"""Whether a file of sound is whole, as far as the file itself tells.

Asterisk gives a recording a header whose sizes are 0, writes 32 KiB at a time, and fills the sizes in when it closes
the file (main/file.c, formats/format_wav.c). A file of a format without sizes is taken for whole when it has not grown
for longer than such a buffer takes to fill.
"""

from __future__ import annotations

import os
import time

from pbxapi.pbx.recording_names import Format

BARE_HEADER = 44
"""Bytes of a wav file with no sound in it. FreePBX takes whatever is no larger for no recording."""
BUFFER = 32_768
UNCLOSED = 60.0
"""Seconds after which a file whose sizes were never filled in is no longer waited for: Asterisk was killed.

A wav49 grows every 20 seconds.
"""


def state_of(descriptor: int, found: os.stat_result, kind: Format | None) -> str:
    """One of available, empty, recording. The file is read only when it is new."""
    # One from the future is as new as one from as long ago: a clock that is a little ahead of ours, or a copy.
    age = abs(time.time() - found.st_mtime)
    if age < UNCLOSED and age < _patience(os.pread(descriptor, 8, 0), found.st_size, kind):
        return "recording"
    return "empty" if found.st_size <= max(BARE_HEADER, kind.header if kind else 0) else "available"


def _patience(head: bytes, size: int, kind: Format | None) -> float:
    """Seconds without growth after which a file with this beginning is whole."""
    if head[:4] == b"RIFF":
        closed = abs(int.from_bytes(head[4:], "little") + 8 - size) <= 1
        return 0.0 if closed else UNCLOSED
    return BUFFER / (kind.pace if kind else 8_000) + 1
