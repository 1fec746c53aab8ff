"""What the kernel says of time, load and memory."""

from __future__ import annotations

import os
import time
from datetime import datetime, timedelta, tzinfo

import psutil

from pbxapi.pbx.host_state import Memory, Resources


def resources(host: str, zone: tzinfo) -> Resources:
    """Look now: a few reads of /proc. Times are in this zone."""
    now = datetime.now(zone)
    # Runs on while the host sleeps, and does not jump with the wall clock (time(7), clock_gettime(2)).
    uptime = time.clock_gettime(time.CLOCK_BOOTTIME)
    load = os.getloadavg()
    memory, swap = psutil.virtual_memory(), psutil.swap_memory()
    return Resources(
        host=host,
        measured_at=now.replace(microsecond=0),
        booted_at=(now - timedelta(seconds=uptime)).replace(microsecond=0),
        uptime=int(uptime),
        load_1m=round(load[0], 2),
        load_5m=round(load[1], 2),
        load_15m=round(load[2], 2),
        cpus=os.cpu_count() or 1,
        memory=Memory(memory.total, memory.used, memory.available, swap.total, swap.used),
        users=len(psutil.users()),
    )
