"""What folders take up, counted in the background by a process of its own, and read from where that left it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import stat
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Mapping
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Any

from pbxapi.pbx import host_walk
from pbxapi.pbx.host_state import MEASURING, PARTIAL, Purpose

log = logging.getLogger("pbxapi.host")

KEEP = 900.0
"""Seconds for which a count is good at least."""

SHARE = 10
"""And at least so many times as long as it took: it is at work a tenth of the time at most."""

LIMIT = 3600
"""Seconds that one count of all folders may take."""

START_PAUSE = 30.0
"""Seconds between two starts of ours, where the one before came to nothing."""

FAILED = "it could not be counted: the log says why"
MOST = 1024 * 1024
TERMINATE = 2.0


class DiskUse:
    """Bytes by purpose. All processes of this host share the one result; `path` is the lock's, the result is beside it.

    Who asks gets what there is, and starts a count when that is old; nobody waits for one.
    """

    def __init__(self, folders: Mapping[str, str], path: Path, zone: tzinfo) -> None:
        self._folders = dict(folders)
        self._path = path.absolute()  # the count runs in another folder
        self._result = self._path.with_suffix(".json")
        self._zone = zone
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._started_at = -START_PAUSE
        self._failed = False

    def purposes(self) -> tuple[Purpose, ...]:
        """Each folder, as far as it is known; `measuring` before its first count."""
        found = self._read()
        known = found.get("purposes")
        given = known if isinstance(known, dict) else {}
        read = tuple(self._purpose(name, folder, given.get(name)) for name, folder in self._folders.items())
        if any(each.state == MEASURING for each in read) or self._is_old(found):
            self._start()
        return read

    def close(self) -> None:
        """End a count that was started here."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            _end(process)

    def _purpose(self, name: str, folder: str, found: Any) -> Purpose:
        try:
            if found["path"] != folder:
                raise ValueError(folder)
            at = datetime.fromtimestamp(found["measured_at"], self._zone).replace(microsecond=0)
            return Purpose(
                name, folder, str(found["state"]), _whole(found["bytes"]), _whole(found["files"]), at, found["reason"]
            )
        except (TypeError, KeyError, ValueError, OverflowError, OSError):
            if self._failed:
                return Purpose(name, folder, PARTIAL, None, None, None, FAILED)
            return Purpose(name, folder, MEASURING, None, None, None, None)

    def _read(self) -> dict[str, Any]:
        """What the last count left; nothing where that cannot be read, or somebody else has put it there."""
        try:
            handle = os.open(self._result, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, encoding="utf-8") as file:
                about = os.fstat(handle)
                if not stat.S_ISREG(about.st_mode) or about.st_uid not in {0, os.geteuid(), self._owner()}:
                    return {}
                found = json.loads(file.read(MOST))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _owner(self) -> int:
        return self._path.parent.stat().st_uid

    def _is_old(self, found: Mapping[str, Any]) -> bool:
        try:
            age = time.time() - float(found["finished_at"])
            return not 0 <= age < max(KEEP, SHARE * float(found["seconds"]))
        except (KeyError, TypeError, ValueError):
            return True  # it did not come to its end

    def _start(self) -> None:
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                return
            now = time.monotonic()
            if now - self._started_at < START_PAUSE or self._counted_elsewhere():
                return
            if self._process is not None and self._process.returncode:
                self._failed = True
                log.error("what folders take up could not be counted: status %s", self._process.returncode)
            self._started_at = now
            folders = [f"{name}={folder}" for name, folder in self._folders.items()]
            words = [sys.executable, "-I", host_walk.__file__, str(self._path), str(self._result), str(LIMIT), *folders]
            try:
                self._process = subprocess.Popen(  # noqa: S603  (a list of words, and no shell)
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    cwd="/",
                    start_new_session=True,
                )
                weakref.finalize(self, _end, self._process)
            except OSError as error:
                self._failed = True
                log.error("what folders take up cannot be counted: %s", error.strerror)  # noqa: TRY400

    def _counted_elsewhere(self) -> bool:
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(handle)
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):  # it hangs in the kernel: nobody can end it
            process.wait(TERMINATE)


def _whole(number: Any) -> int | None:
    return None if number is None else int(number)
