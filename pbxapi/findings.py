"""What the doctor found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing looked at: `fine`, a `remark`, or a `fault`; and what to do about it."""

    level: str
    what: str
    advice: str = ""
