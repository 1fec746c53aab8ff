"""Programs that run, by their processes, by systemd, and by their own answers."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pbxapi.pbx import host_services
from pbxapi.pbx.host_patience import Patience
from pbxapi.pbx.host_services import CONSOLE, Answer, HostServices, Kind
from pbxapi.pbx.host_state import Service
from pbxapi.pbx.host_systemd import parse_show
from tests.real.deadline import eventually

PROGRAM = "pbxapi-t-httpd"
KIND = Kind("web_server", (PROGRAM,), ())


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], int]]:
    """Start a program of that name; it does nothing for a minute."""
    monkeypatch.setattr(host_services, "KINDS", (KIND,))
    program = shutil.copy("/bin/sleep", tmp_path / PROGRAM)
    started = []

    def begin() -> int:
        started.append(subprocess.Popen([program, "60"]))
        return started[-1].pid

    yield begin
    for each in started:
        each.kill()
        each.wait()


def services(ask: host_services.Asks | None = None, *, elsewhere: bool = False) -> tuple[Service, ...]:
    asks = {KIND.name: ask} if ask else {}
    return HostServices(asks, lambda name: elsewhere, Patience(5), UTC).all()


def test_a_program_that_runs_is_told_with_its_process(start: Callable[[], int]) -> None:
    first, _ = start(), start()
    eventually(lambda: services()[0].processes == 2, "both seen", 20)
    [found] = services()
    assert (found.program, found.state, found.answers) == (PROGRAM, "running", None)
    assert found.pid == first
    assert found.since is not None
    assert abs(datetime.now(UTC) - found.since) < timedelta(minutes=5)
    assert found.memory


def test_a_program_that_does_not_run_is_stopped(start: Callable[[], int]) -> None:
    [found] = services()
    assert (found.state, found.program, found.processes) == ("stopped", None, 0)


def test_its_own_answer_counts_where_no_process_is_seen(start: Callable[[], int]) -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    [found] = services(lambda: Answer("22.1.0", at))
    assert (found.state, found.answers, found.version, found.since) == ("running", True, "22.1.0", at)


def test_a_program_that_runs_and_does_not_answer_is_told_so(start: Callable[[], int]) -> None:
    start()
    eventually(lambda: services()[0].state == "running", "seen", 20)
    [found] = services(lambda: None)
    assert (found.state, found.answers) == ("running", False)


def test_one_of_another_host_is_not_looked_for_here(start: Callable[[], int]) -> None:
    start()
    [found] = services(lambda: None, elsewhere=True)
    assert (found.state, found.pid) == ("unknown", None)
    [found] = services(Answer, elsewhere=True)
    assert found.state == "running"


@pytest.mark.parametrize("word", ["-r", "-R", "-rvvv", "-vvvr", "-rx", "-x", "-nrx"])
def test_a_console_is_not_asterisk(word: str) -> None:
    assert CONSOLE.match(word)


@pytest.mark.parametrize("word", ["-f", "-vvvg", "-c", "-U", "asterisk", "-Uasterisk", "-C/etc/r.conf", "--foreground"])
def test_asterisk_itself_is_no_console(word: str) -> None:
    assert not CONSOLE.match(word)


def test_units_of_systemd_are_read() -> None:
    text = """\
MainPID=812
MemoryCurrent=104857600
Id=mariadb.service
LoadState=loaded
ActiveState=active
ActiveEnterTimestampMonotonic=1000000

MainPID=0
MemoryCurrent=[not set]
Id=mysqld.service
LoadState=not-found
ActiveState=inactive
ActiveEnterTimestampMonotonic=0

MainPID=0
MemoryCurrent=18446744073709551615
Id=nginx.service
LoadState=loaded
ActiveState=failed
ActiveEnterTimestampMonotonic=55
"""
    database, web = parse_show(text, UTC)
    assert (database.name, database.running, database.pid, database.memory) == ("mariadb.service", True, 812, 104857600)
    assert database.since is not None
    assert abs(database.since - datetime.now(UTC) + timedelta(seconds=time.monotonic() - 1)) < timedelta(seconds=60)
    assert (web.running, web.pid, web.since, web.memory) == (False, None, None, None)


def test_a_console_that_is_open_is_not_taken_for_the_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    console = {
        "pid": 9, "ppid": 1, "name": "asterisk", "create_time": 1.0, "memory_info": None,
        "cmdline": ["/usr/sbin/asterisk", "-rvvv"],
    }  # fmt: skip
    monkeypatch.setattr(host_services, "KINDS", (Kind("asterisk", ("asterisk",), ()),))
    monkeypatch.setattr(host_services, "processes", lambda: [console])
    assert services()[0].state == "stopped"
    monkeypatch.setattr(
        host_services, "processes", lambda: [console, console | {"pid": 5, "cmdline": ["asterisk", "-f"]}]
    )
    assert (services()[0].pid, services()[0].processes) == (5, 1)
