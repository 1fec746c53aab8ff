"""Whose host it is, its resources and its file systems."""

from __future__ import annotations

import os
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from pbxapi.pbx.host import LocalHost, is_here
from pbxapi.pbx.host_mounts import file_systems
from pbxapi.pbx.host_patience import Patience
from pbxapi.pbx.host_resources import resources


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "::1", "127.9.9.9", os.uname().nodename])
def test_loopback_and_our_own_name_are_this_host(name: str) -> None:
    assert is_here(name)


def test_an_address_of_ours_is_this_host() -> None:
    own = [each.address for several in psutil.net_if_addrs().values() for each in several if each.family == 2]
    assert own
    assert all(map(is_here, own))


@pytest.mark.parametrize("name", ["192.0.2.1", "pbx.example.com", "", "2001:db8::1"])
def test_others_are_not(name: str) -> None:
    assert not is_here(name)


def test_resources_are_those_of_the_kernel() -> None:
    found = resources("exchange", UTC)
    assert found.memory.total == psutil.virtual_memory().total
    assert abs(found.booted_at + timedelta(seconds=found.uptime) - datetime.now(UTC)) < timedelta(seconds=10)
    assert found.cpus >= 1


def test_the_file_system_of_the_root_comes_first_and_none_twice() -> None:
    found = file_systems(Patience(5))
    assert found[0].mount == "/"
    about = os.statvfs("/")
    assert found[0].total == about.f_frsize * about.f_blocks
    devices = [each.device for each in found]
    assert len(devices) == len(set(devices))
    assert not {each.type for each in found} & {"proc", "sysfs", "devpts", "cgroup2"}


def test_a_question_that_hangs_is_waited_for_no_longer_and_not_asked_again() -> None:
    patience, never, asked = Patience(0.05), threading.Event(), []

    def hang() -> int:
        asked.append(1)
        never.wait(30)
        return 7

    assert patience.ask("dead", hang) is None
    assert patience.ask("dead", hang) is None
    assert patience.ask("alive", lambda: 3) == 3
    never.set()
    assert asked == [1]


@pytest.fixture
def host(tmp_path: Path) -> LocalHost:
    folders = {"recordings": str(tmp_path / "none")}
    return LocalHost(
        exchange="192.0.2.1", database_is_here=True, folders=folders, path=tmp_path / "x.lock", asks={}, zone=UTC
    )


def test_a_folder_that_is_not_there_is_absent_before_anything_is_counted(host: LocalHost) -> None:
    disk = host.disk()
    host.close()
    assert (disk.state, disk.purposes[0].state, disk.measured_at) == ("ready", "absent", None)


def test_where_the_exchange_is_another_host_it_is_said(host: LocalHost) -> None:
    assert host.resources().host == "api"
    assert "another host" in (host.why_not() or "")
    assert "another host" in (host.why_no_firewall() or "")
    [asterisk] = [each for each in host.services().items if each.name == "asterisk"]
    assert asterisk.state == "unknown"
