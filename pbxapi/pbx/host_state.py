"""What is told of the host: its resources, its disks, its firewall and the programs that an exchange needs.

Bytes are bytes, durations whole seconds, times aware. None: not known.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

EXCHANGE = "exchange"
API = "api"
"""Whose host it is that is told of: the exchange's, or that of this API alone, where AMI_HOST is another one."""

MEASURING = "measuring"
READY = "ready"
PARTIAL = "partial"
ABSENT = "absent"
"""How far the bytes of a purpose are: not known yet, known, of a part alone, and nothing there to count."""

ACTIVE = "active"
INACTIVE = "inactive"
UNKNOWN = "unknown"
RUNNING = "running"
STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes. `used` is what programs have, `available` what they can get without swapping."""

    total: int
    used: int
    available: int
    swap_total: int
    swap_used: int


@dataclass(frozen=True, slots=True)
class Resources:
    """The load is over 1, 5 and 15 minutes; `users` are sessions of people who are logged in."""

    host: str
    measured_at: datetime
    booted_at: datetime
    uptime: int
    load_1m: float
    load_5m: float
    load_15m: float
    cpus: int
    memory: Memory
    users: int


@dataclass(frozen=True, slots=True)
class FileSystem:
    """`free` is what may still be written by who is not root. The numbers are None where it does not answer."""

    device: str
    mount: str
    type: str
    read_only: bool
    total: int | None
    used: int | None
    free: int | None
    inodes_total: int | None
    inodes_free: int | None


@dataclass(frozen=True, slots=True)
class Purpose:
    """What a folder and all below it take up on its file system. `reason` is why that is a part alone."""

    name: str
    path: str
    state: str
    bytes: int | None
    files: int | None
    measured_at: datetime | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Disk:
    """`measured_at` and `age` are those of the oldest measurement; None while one is lacking."""

    host: str
    state: str
    measured_at: datetime | None
    age: int | None
    file_systems: tuple[FileSystem, ...]
    purposes: tuple[Purpose, ...]


@dataclass(frozen=True, slots=True)
class RuleSet:
    """A firewall by the name of its program. `state` is active where rules are loaded, inactive, absent, or unknown.

    `input_policy` is what becomes of a packet for this host that no rule is for.
    """

    name: str
    state: str
    rules: int | None = None
    input_policy: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Jail:
    """A jail of fail2ban, and how many addresses it counts and has locked out."""

    name: str
    failed: int | None
    failed_total: int | None
    banned: int | None
    banned_total: int | None


@dataclass(frozen=True, slots=True)
class Fail2ban:
    """`state` is active, inactive, absent or unknown; `reason` says why it is not active."""

    state: str
    jails: tuple[Jail, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Firewall:
    """`state` is active where any rules are known to be loaded, unknown where they cannot be seen."""

    host: str
    measured_at: datetime
    state: str
    rule_sets: tuple[RuleSet, ...]
    fail2ban: Fail2ban


@dataclass(frozen=True, slots=True)
class Service:
    """A program that runs, or does not. `answers` is what it says itself when asked; None: nobody asked.

    `memory` is the resident memory of its processes, in bytes; what they share is counted in each.
    """

    name: str
    program: str | None
    state: str
    answers: bool | None
    since: datetime | None
    pid: int | None
    processes: int
    memory: int | None
    version: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Services:
    """The services of a host."""

    host: str
    items: tuple[Service, ...]
    next: None = None


class Host(Protocol):
    """The host. No answer waits for a measurement; `firewall` and `services` may take some seconds, and be kept."""

    def resources(self) -> Resources: ...
    def disk(self) -> Disk: ...
    def firewall(self) -> Firewall: ...
    def services(self) -> Services: ...
    def close(self) -> None: ...
