"""The file queue_log, as main/logger.c writes it: `epoch|call|queue|agent|event|data...`, a line for each event."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path

_log = logging.getLogger(__name__)

NOBODY = "NONE"


def line(at: int, call: str, queue: str, agent: str, event: str, *data: object) -> str:
    """One line, its end included. An event without data has an empty one."""
    return "|".join((str(at), call, queue, agent, event, *(map(str, data) if data else ("",)))) + "\n"


def write_log(path: Path, lines: Iterable[tuple[int, str]]) -> None:
    """Write a new file of lines with their moments, in their order. Raises OSError."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(text for _, text in sorted(lines, key=lambda each: each[0]))


class QueueLog:
    """Appends what happens, as soon as `path` is set. The exchange's lock is held by all callers."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.path: Path | None = None
        self._now = now

    def write(self, call: str, queue: str, agent: str, event: str, *data: object) -> None:
        """Append an event. A file that cannot be written must not end a call."""
        if self.path is None:
            return
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line(int(self._now()), call, queue, agent, event, *data))
        except OSError:
            _log.exception("demo exchange: an event of a queue was not written down")
