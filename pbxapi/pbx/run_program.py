"""Running a program of the exchange: no shell, none of our environment, bounded in time and in what it prints."""

from __future__ import annotations

import contextlib
import os
import pwd
import selectors
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
MOST = 1024 * 1024
"""Bytes of its output that are kept: half of them the first, half the last."""

CHUNK = 64 * 1024
LOOK = 0.05
"""Seconds between two looks whether it has ended while it prints nothing."""

DRAIN = 0.5
"""Seconds to read what it had printed before it ended. What it left running may print for ever."""

TERMINATE = 2.0
"""Seconds that it is given to end by itself once it is told to."""


@dataclass(frozen=True, slots=True)
class Ended:
    """What it printed, on both channels; its exit status, negative for a signal, None when its time was over."""

    output: str
    status: int | None


def run_program(words: Sequence[str], timeout: float) -> Ended:
    """Run it to its end, `timeout` seconds at most: then it ends, with everything that it has started.

    What it leaves running after an end of its own stays alone: a reload may start servers. Raises OSError when it
    cannot be started.
    """
    process = subprocess.Popen(  # noqa: S603  (a list of words, and no shell)
        list(words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        cwd="/",
        env=_environment(),
        umask=0o022,
        start_new_session=True,
    )
    kept = _Kept()
    try:
        in_time = _follow(process, kept, monotonic() + timeout)
    finally:
        if process.poll() is None:
            _end(process)
        if process.stdout:
            process.stdout.close()
    return Ended(kept.text(), process.returncode if in_time else None)


def user_name() -> str:
    """The user as whom this process runs: a number where that has no name."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def _environment() -> dict[str, str]:
    """What a login of this user would have. No SHELL: without it FreePBX 15 and later print one JSON object a line."""
    name = user_name()
    try:
        home = pwd.getpwnam(name).pw_dir
    except KeyError:
        home = "/"
    return {"PATH": PATH, "HOME": home, "USER": name, "LOGNAME": name, "LANG": "C.UTF-8"}


class _Kept:
    """The beginning and the end of an output."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()

    def add(self, data: bytes) -> None:
        free = MOST // 2 - len(self._head)
        self._head += data[:free]
        self._tail += data[free:]
        if len(self._tail) > MOST:
            del self._tail[: -MOST // 2]

    def text(self) -> str:
        return (self._head + self._tail[-MOST // 2 :]).decode("utf-8", "replace")


def _follow(process: subprocess.Popen[bytes], kept: _Kept, deadline: float) -> bool:
    """Read until it has ended. Its channel may stay open longer, in the hands of what it started. False: too late."""
    output = process.stdout
    if output is None:
        raise ValueError("the process has no output to read")
    ended = False
    with selectors.DefaultSelector() as selector:
        selector.register(output, selectors.EVENT_READ)
        while (left := deadline - monotonic()) > 0:
            if selector.select(min(left, LOOK)):
                data = os.read(output.fileno(), CHUNK)
                if not data:
                    return ended or _wait(process, deadline)
                kept.add(data)
            if not ended and process.poll() is not None:
                ended, deadline = True, monotonic() + DRAIN
    return ended


def _wait(process: subprocess.Popen[bytes], deadline: float) -> bool:
    try:
        process.wait(max(0.0, deadline - monotonic()))
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End it and what it has started. One that sudo runs is not ours to end: it is left to itself."""
    for number, patience in ((signal.SIGTERM, TERMINATE), (signal.SIGKILL, TERMINATE)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        if _wait(process, monotonic() + patience) and number == signal.SIGKILL:
            return
