"""Messages that callers of the past left in mailboxes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pbxapi.demo.history_people import VOICEMAIL
from pbxapi.demo.voicemail_spool import INBOX, OLD, Left, keep

NEW, HEARD = 3, 2
"""How many of the newest messages of a box nobody has heard yet, and how many older ones are kept."""

CONTEXT = "default"


def keep_messages(spool: Path, messages: Iterable[tuple[str, Left]]) -> None:
    """Write the newest messages of each box of VOICEMAIL, given in the order of time. Raises OSError."""
    boxes: dict[str, list[Left]] = {}
    for box, left in messages:
        boxes.setdefault(box, []).append(left)
    for box in VOICEMAIL:
        kept = boxes.get(box, [])[-NEW - HEARD :]
        for number, left in enumerate(kept):
            folder = INBOX if number >= len(kept) - NEW else OLD
            keep(spool / CONTEXT / box / folder, box, left, number)
