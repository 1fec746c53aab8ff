"""What systemd says of units, where it runs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from pbxapi.pbx.host_asking import Unseen, ask

BOOTED = Path("/run/systemd/system")
"""It is there where systemd is the init (sd_booted(3))."""

PROPERTIES = "Id,LoadState,ActiveState,MainPID,ActiveEnterTimestampMonotonic,MemoryCurrent"
RUNNING = frozenset({"active", "reloading", "refreshing"})
NOT_SET = 2**64 - 1


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit that systemd knows; `memory` in bytes."""

    name: str
    running: bool
    since: datetime | None
    pid: int | None
    memory: int | None


def units(names: Sequence[str], deadline: float, zone: tzinfo) -> dict[str, Unit]:
    """Those of these units that are installed; none where there is no systemd, or it does not answer."""
    if not BOOTED.is_dir():
        return {}
    try:
        text = ask("systemctl", "show", f"--property={PROPERTIES}", "--", *names, deadline=deadline)
    except Unseen:
        return {}
    return {unit.name: unit for unit in parse_show(text, zone)}


def parse_show(text: str, zone: tzinfo) -> list[Unit]:
    """Read `systemctl show`: `Name=value` lines, units parted by a blank line."""
    found = []
    for block in text.strip().split("\n\n"):
        given = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if given.get("LoadState") != "loaded" or "Id" not in given:
            continue
        running = given.get("ActiveState") in RUNNING
        entered = _number(given.get("ActiveEnterTimestampMonotonic"))
        found.append(
            Unit(
                given["Id"],
                running,
                _moment(entered, zone) if running and entered else None,
                _number(given.get("MainPID")) or None if running else None,
                _number(given.get("MemoryCurrent")) or None if running else None,
            )
        )
    return found


def _number(text: str | None) -> int | None:
    number = int(text) if text and text.isdecimal() else None
    return None if number == NOT_SET else number


def _moment(microseconds: int, zone: tzinfo) -> datetime:
    """From a time of CLOCK_MONOTONIC."""
    ago = timedelta(seconds=time.monotonic() - microseconds / 1_000_000)
    return (datetime.now(zone) - ago).replace(microsecond=0)
