"""Counting what folders take up: a program of its own, run by `host_disk`, that needs the standard library alone.

    python -I host_walk.py LOCK RESULT SECONDS NAME=FOLDER...

A process, for a folder of a dead file server stops whoever looks into it for ever, and nobody serves calls beside it
with an idle process' share of the processor. RESULT is written anew, whole, after each folder: a JSON object
`{"finished_at", "seconds", "purposes": {NAME: {"path", "state", "bytes", "files", "measured_at", "reason"}}}`.
"""

from __future__ import annotations

import fcntl
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

NICE = 19
IDLE = 3
"""IOPRIO_CLASS_IDLE (ioprio_set(2)): psutil knows how to set it."""

BLOCK = 512
"""st_blocks counts in these, whatever the file system's own are (stat(3type))."""

REST_AFTER = 0.05
"""Seconds of work after which it rests for as long."""

MOST_LINKS = 1_000_000
"""Files with several names that are remembered, some 100 bytes each; further ones count once a name."""

LOCK_TRIES = 5
LOCK_PAUSE = 0.05
"""Who only looks whether it is locked holds it for a moment."""


def main(lock: str, result: str, seconds: str, *folders: str) -> int:
    """Count each folder, unless somebody does already."""
    os.umask(0o022)
    handle = os.open(lock, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    if not locked(handle):
        return 0
    be_gentle()
    began = time.monotonic()
    deadline = began + float(seconds)
    found: dict[str, Any] = {"finished_at": None, "seconds": None, "purposes": previous(Path(result))}
    for each in folders:
        name, _, folder = each.partition("=")
        found["purposes"][name] = measured(folder, deadline)
        write(Path(result), found)
    found |= {"finished_at": time.time(), "seconds": time.monotonic() - began}
    write(Path(result), found)
    return 0


def locked(handle: int) -> bool:
    """Whether it could be had; the kernel lets go of it when this process ends."""
    for _ in range(LOCK_TRIES):
        with suppress(BlockingIOError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        time.sleep(LOCK_PAUSE)
    return False


def be_gentle() -> None:
    """Come after everybody else, for the processor and for the disk."""
    with suppress(Exception):  # psutil is not there, or the kernel does not let us
        import psutil  # noqa: PLC0415

        psutil.Process().ionice(IDLE)
    with suppress(OSError):
        os.nice(NICE)


def measured(folder: str, deadline: float) -> dict[str, Any]:
    """Count one. A symbolic link in its own path is followed: recordings are often on a disk of their own."""
    said: dict[str, Any] = {"path": folder, "state": "absent", "bytes": None, "files": None, "reason": None}
    try:
        top = os.path.realpath(folder, strict=True)
        device = Path(top).stat().st_dev
    except FileNotFoundError:
        return said | {"measured_at": time.time()}
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        return said | {"state": "partial", "reason": reason, "measured_at": time.time()}
    count = Count(deadline)
    count.walk(top, device)
    return said | {
        "state": "partial" if count.reason else "ready",
        "bytes": count.bytes,
        "files": count.files,
        "reason": count.reason,
        "measured_at": time.time(),
    }


class Count:
    """What was found below a folder: the blocks of everything, as `du` counts them, and how many are no folders."""

    def __init__(self, deadline: float) -> None:
        self.bytes = 0
        self.files = 0
        self._deadline = deadline
        self._closed = 0
        self._late = False
        self._links: set[int] = set()
        self._worked_since = time.monotonic()

    @property
    def reason(self) -> str | None:
        """Why this is not all; None when it is."""
        if self._late:
            return "its time was over before everything was counted"
        return f"{self._closed} of its folders could not be read" if self._closed else None

    def walk(self, top: str, device: int) -> None:
        """Count everything on this device, and follow no link."""
        with suppress(OSError):
            self._add(os.lstat(top))
        waiting = [top]
        while waiting and not self._late:
            folder = waiting.pop()
            try:
                waiting.extend(self._inside(folder, device))
            except OSError:
                self._closed += 1

    def _inside(self, folder: str, device: int) -> Iterator[str]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not self._rested():
                    return
                try:
                    about = entry.stat(follow_symlinks=False)
                except FileNotFoundError:  # Asterisk deletes and moves beside us
                    continue
                if about.st_dev != device:
                    continue
                is_folder = entry.is_dir(follow_symlinks=False)
                if not is_folder and about.st_nlink > 1:
                    if about.st_ino in self._links:
                        continue
                    if len(self._links) < MOST_LINKS:
                        self._links.add(about.st_ino)
                self._add(about)
                self.files += not is_folder
                if is_folder:
                    yield entry.path

    def _add(self, about: os.stat_result) -> None:
        self.bytes += about.st_blocks * BLOCK

    def _rested(self) -> bool:
        """Rest, when it is time to; False when there is no time left."""
        worked = time.monotonic() - self._worked_since
        if worked > REST_AFTER:
            time.sleep(worked)
            self._worked_since = time.monotonic()
            self._late = self._worked_since > self._deadline
        return not self._late


def previous(result: Path) -> dict[str, Any]:
    """What was found before: it stands until it is found anew."""
    try:
        found: dict[str, Any] = json.loads(result.read_text())["purposes"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def write(result: Path, found: dict[str, Any]) -> None:
    """Put it in place in one step: whoever reads sees the one before or this one."""
    made = result.with_name(f"{result.name}.new")
    made.unlink(missing_ok=True)
    handle = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o640)
    with os.fdopen(handle, "w") as file:
        json.dump(found, file)
    made.replace(result)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
