"""What the doctor says of the host: its clock, and what a process may open."""

from __future__ import annotations

import ctypes
import resource
from collections.abc import Iterator

from pbxapi.findings import Finding

CLIENTS = 1000
"""Connections of clients that gunicorn keeps open in a worker (its setting worker_connections)."""

EACH = 20
"""File descriptors that a worker needs besides; a thread has four at most: database, manager, program, file."""

TIME_ERROR = 5
"""What adjtimex(2) answers while nobody keeps the clock right."""

TIMEX = 1024
"""Bytes; the kernel's `struct timex` has 208."""


def host(workers: int, threads: int) -> Iterator[Finding]:
    """Look at limits and clock."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = CLIENTS + EACH + 4 * threads
    if soft != resource.RLIM_INFINITY and soft < needed:
        advice = "For the service: LimitNOFILE=8192 in its unit. For this shell: ulimit -n 8192"
        yield Finding("remark", f"a process may open {soft} files, {needed} are better", advice)
    kept = clock_is_kept()
    if kept is False:
        advice = (
            "Records, recordings and keys go by it. `timedatectl set-ntp true`, or chrony: `chronyc tracking`.\n"
            "A virtual machine whose host sets its clock may leave it at that."
        )
        yield Finding("remark", "the clock is not kept right by NTP", advice)
    elif kept:
        yield Finding("fine", "the clock is kept right")


def clock_is_kept() -> bool | None:
    """Whether the kernel knows of somebody who keeps the clock right; None: it does not say.

    Asked in the way that needs no right (adjtimex(2) with no mode), whichever program it is that does.
    """
    try:
        state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(TIMEX))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != TIME_ERROR
