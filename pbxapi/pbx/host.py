"""The host that this API runs on, which on most installations is the exchange's."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from pathlib import Path

import psutil

from pbxapi.pbx.host_disk import DiskUse
from pbxapi.pbx.host_firewall import firewall
from pbxapi.pbx.host_mounts import file_systems
from pbxapi.pbx.host_patience import Patience
from pbxapi.pbx.host_resources import resources
from pbxapi.pbx.host_services import Asks, HostServices
from pbxapi.pbx.host_state import (
    ABSENT,
    API,
    EXCHANGE,
    MEASURING,
    PARTIAL,
    READY,
    Disk,
    Firewall,
    Purpose,
    Resources,
    Service,
    Services,
)
from pbxapi.pbx.live import Shared

KERNEL = 0.5
"""Seconds that a file system may take to answer."""

SELF = 1.5
"""Seconds that a service may take to say that it is there."""

FIREWALL_TTL = 15.0
SERVICES_TTL = 5.0
REMOTE = "AMI_HOST is another host: what /system tells of resources, disks and firewall is of this API's own"


class LocalHost:
    """`path` is where the processes of this host agree on who counts; `folders` are what is counted, by purpose.

    `exchange` is the exchange's host, by address or name; `asks` as for HostServices.
    """

    def __init__(
        self,
        *,
        exchange: str,
        database_is_here: bool,
        folders: Mapping[str, str],
        path: Path,
        asks: dict[str, Asks],
        zone: tzinfo,
    ) -> None:
        self._exchange = exchange
        self._database_is_here = database_is_here
        self._zone = zone
        self._kernel = Patience(KERNEL)
        self._use = DiskUse(folders, path, zone)
        self._services = HostServices(asks, self._is_elsewhere, Patience(SELF), zone)
        self._seen: Shared[tuple[Service, ...]] = Shared(self._services.all, ttl=SERVICES_TTL)
        self._rules: Shared[Firewall] = Shared(lambda: firewall(self.name, zone), ttl=FIREWALL_TTL)

    @property
    def name(self) -> str:
        """Whose host this is."""
        return EXCHANGE if is_here(self._exchange) else API

    def why_not(self) -> str | None:
        """Why what is told is not of the exchange's host; None where it is."""
        return None if self.name == EXCHANGE else REMOTE

    def why_no_firewall(self) -> str | None:
        """Why the rules cannot be seen; None where they can."""
        return self.why_not() or (None if os.geteuid() == 0 else "only root may see the rules of a firewall")

    def resources(self) -> Resources:
        """Time, load and memory, now."""
        return resources(self.name, self._zone)

    def disk(self) -> Disk:
        """The file systems, and what is known of the folders. Waits for no count."""
        purposes = tuple(map(self._looked_for, self._use.purposes()))
        states = {each.state for each in purposes}
        state = MEASURING if MEASURING in states else PARTIAL if PARTIAL in states else READY
        times = [each.measured_at for each in purposes if each.measured_at]
        oldest = min(times) if times and state != MEASURING else None
        age = max(0, int((datetime.now(self._zone) - oldest).total_seconds())) if oldest else None
        return Disk(self.name, state, oldest, age, file_systems(self._kernel), purposes)

    def _looked_for(self, purpose: Purpose) -> Purpose:
        """Whether there is anything to count is known before it is counted."""
        if purpose.state != MEASURING:
            return purpose
        there = self._kernel.ask(("exists", purpose.path), lambda: _exists(purpose.path))
        return replace(purpose, state=ABSENT) if there is False else purpose

    def firewall(self) -> Firewall:
        """Rules and jails, up to 15 seconds old. Raises Timeout."""
        return self._rules.get().value

    def services(self) -> Services:
        """The services, up to 5 seconds old. Raises Timeout."""
        return Services(self.name, self._seen.get().value)

    def _is_elsewhere(self, service: str) -> bool:
        return (service == "asterisk" and self.name == API) or (service == "database" and not self._database_is_here)

    def close(self) -> None:
        """End what runs in the background."""
        self._use.close()


def is_here(name: str) -> bool:
    """Whether an address or a name is this host: loopback, its own name, or an address of one of its interfaces."""
    if name in {"localhost", os.uname().nodename}:
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    if address.is_loopback:
        return True
    own = (each.address.partition("%")[0] for several in psutil.net_if_addrs().values() for each in several)
    return str(address) in set(own)


def _exists(path: str) -> bool:
    try:
        return Path(path).exists()
    except OSError:  # its folder is closed to us: the count says so
        return True
