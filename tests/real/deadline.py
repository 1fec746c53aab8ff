"""Waiting for a condition, up to a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(condition: Callable[[], T], what: str, seconds: float = 5.0) -> T:
    """Return the first result that is true; fail, naming ``what``, when there is none in that time."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {seconds} s: {what} (last: {result!r})")
        time.sleep(0.02)
    return result
