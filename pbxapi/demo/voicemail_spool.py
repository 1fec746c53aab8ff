"""Messages in a spool as app_voicemail lays it out.

`CONTEXT/BOX/FOLDER/msg0000.txt` says who left a message and when, `msg0000.wav` is its sound.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pbxapi.demo.sounds import write_sound

INBOX, OLD, URGENT = "INBOX", "Old", "Urgent"
TEXT = re.compile(r"msg[0-9]{4}\.txt\Z")


@dataclass(frozen=True)
class Left:
    """A message that was left: by whom, at `at` in seconds since the epoch, for how many seconds."""

    at: int
    seconds: int
    number: str
    name: str
    channel: str
    exten: str = "s"
    context: str = "macro-vm"

    def text(self, box: str, number: int) -> str:
        """The file that says so."""
        date = datetime.fromtimestamp(self.at, UTC).strftime("%a %b %e %I:%M:%S %p UTC %Y")
        caller = f'"{self.name}" <{self.number}>' if self.name else self.number
        lines = {
            "origmailbox": box, "context": self.context, "exten": self.exten, "rdnis": "unknown", "priority": 2,
            "callerchan": self.channel, "callerid": caller, "origdate": date, "origtime": self.at, "category": "",
            "msg_id": f"{self.at}-{number:08x}", "flag": "", "duration": self.seconds,
        }  # fmt: skip
        head = ";\n; Message Information file\n;\n[message]\n"
        return head + "".join(f"{key}={text}\n" for key, text in lines.items())


def keep(folder: Path, box: str, left: Left, number: int) -> Path:
    """Put a message behind those that a folder has; gives its path without an ending. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    last = max((int(path.name[3:7]) for path in folder.glob("msg*.txt") if TEXT.match(path.name)), default=-1)
    path = folder / f"msg{last + 1:04}"
    write_sound(path.with_suffix(".wav"), f"{box} {left.at}", left.seconds, left.at + left.seconds)
    path.with_suffix(".txt").write_text(left.text(box, number), encoding="utf-8")
    return path
