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
"""Seconds after which a file whose sizes were never filled in is no longer waited for: Asterisk was killed."""
SETTLING = 3.0
"""Seconds in which a file that is empty still may get its sound."""


def state_of(descriptor: int, found: os.stat_result, kind: Format | None) -> str:
    """One of available, empty, recording. The file is read only when it is new."""
    # A clock that is ahead of ours makes a file young, not old; one from far ahead was copied.
    age = abs(time.time() - found.st_mtime)
    if found.st_size <= max(BARE_HEADER, kind.header if kind else 0):
        return "recording" if age < SETTLING else "empty"
    if age >= UNCLOSED:
        return "available"
    head = os.pread(descriptor, 8, 0)
    if head[:4] == b"RIFF":
        closed = abs(int.from_bytes(head[4:], "little") + 8 - found.st_size) <= 1
        return "available" if closed else "recording"
    pace = kind.pace if kind else 8_000
    return "recording" if age < BUFFER / pace + 1 else "available"
