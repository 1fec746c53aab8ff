"""The programs that an exchange is made of: whether they run, since when, and what they take."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from time import monotonic
from typing import Any

import psutil

from pbxapi.pbx.host_patience import Patience
from pbxapi.pbx.host_state import RUNNING, STOPPED, UNKNOWN, Service
from pbxapi.pbx.host_systemd import Unit, units

TIMEOUT = 3.0


@dataclass(frozen=True)
class Kind:
    """A service by the names of its programs and of its units."""

    name: str
    programs: tuple[str, ...]
    units: tuple[str, ...]


KINDS = (
    Kind("asterisk", ("asterisk",), ("asterisk.service", "freepbx.service")),
    Kind("database", ("mariadbd", "mysqld"), ("mariadb.service", "mysql.service", "mysqld.service")),
    Kind("web_server", ("nginx", "apache2", "httpd"), ("nginx.service", "apache2.service", "httpd.service")),
    Kind("fail2ban", ("fail2ban-server",), ("fail2ban.service",)),
)
# `asterisk -r`, `-rvvv` and `-rx ...` are consoles, not the exchange; the letters before are those of asterisk(8) that
# take no argument.
CONSOLE = re.compile(r"-[BcdfFghiImnpqtTvVWX]*[rRx]")
PROC_HIDDEN = "the processes of others cannot be seen here"


@dataclass(frozen=True)
class Answer:
    """What a service says when it is asked."""

    version: str | None = None
    started_at: datetime | None = None


Asks = Callable[[], Answer | None]
"""Ask the service itself; None: no answer. Must not raise."""


class HostServices:
    """`asks` are ways to ask a service itself, by its name; `elsewhere` names services that run on another host."""

    def __init__(
        self, asks: dict[str, Asks], elsewhere: Callable[[str], bool], patience: Patience, zone: tzinfo
    ) -> None:
        self._asks = asks
        self._elsewhere = elsewhere
        self._patience = patience
        self._zone = zone

    def all(self) -> tuple[Service, ...]:
        """Look at the processes, ask systemd, and ask the services themselves."""
        here = processes()
        names = [unit for kind in KINDS for unit in kind.units]
        known = units(names, monotonic() + TIMEOUT, self._zone)
        return tuple(each for kind in KINDS for each in self._of(kind, here, known))

    def _of(self, kind: Kind, here: Sequence[Any], known: dict[str, Unit]) -> Iterable[Service]:
        ask = self._asks.get(kind.name)
        answer = self._patience.ask(("asks", kind.name), ask) if ask else None
        answers = None if ask is None else answer is not None
        if self._elsewhere(kind.name):
            yield self._other(kind, answers, answer)
            return
        found = {
            program: [each for each in here if each["name"] == program and not _is_console(each)]
            for program in kind.programs
        }
        found = {program: run for program, run in found.items() if run}
        for program, run in found.items():
            yield self._running(kind, program, run, answers, answer)
        if not found:
            yield self._unseen(kind, [known[unit] for unit in kind.units if unit in known], answers, answer)

    def _running(
        self, kind: Kind, program: str, run: list[Any], answers: bool | None, answer: Answer | None
    ) -> Service:
        own = {each["pid"] for each in run}
        first = min((each for each in run if each["ppid"] not in own), key=lambda each: float(each["create_time"] or 0))
        since = datetime.fromtimestamp(first["create_time"], self._zone).replace(microsecond=0)
        memory = [each["memory_info"].rss for each in run if each["memory_info"]]
        version = answer.version if answer else None
        return Service(
            kind.name, program, RUNNING, answers, since, first["pid"], len(run), sum(memory) or None, version, None
        )

    def _other(self, kind: Kind, answers: bool | None, answer: Answer | None) -> Service:
        state = RUNNING if answers else UNKNOWN
        return self._from_answer(kind, state, answers, answer, "it is on another host than this API")

    def _unseen(self, kind: Kind, known: list[Unit], answers: bool | None, answer: Answer | None) -> Service:
        """Tell of one of which no process is seen: systemd knows better where processes are hidden."""
        active = next((unit for unit in known if unit.running and unit.pid), None)
        if active and _hidden():
            version = answer.version if answer else None
            return Service(
                kind.name, None, RUNNING, answers, active.since, active.pid, 1, active.memory, version, PROC_HIDDEN
            )
        if answers:
            return self._from_answer(kind, RUNNING, answers, answer, "it answers, and no process of it is seen here")
        if _hidden() and not known:
            return self._from_answer(kind, UNKNOWN, answers, answer, PROC_HIDDEN)
        return self._from_answer(kind, STOPPED, answers, answer, None if known else "it does not run here")

    @staticmethod
    def _from_answer(
        kind: Kind, state: str, answers: bool | None, answer: Answer | None, reason: str | None
    ) -> Service:
        since, version = (answer.started_at, answer.version) if answer else (None, None)
        return Service(kind.name, None, state, answers, since, None, 0, None, version, reason)


def processes() -> list[Any]:
    """Those that this user may see, with what is asked of them here."""
    return [each.info for each in psutil.process_iter(["pid", "ppid", "name", "create_time", "memory_info", "cmdline"])]


def _is_console(process: Any) -> bool:
    return process["name"] == "asterisk" and any(CONSOLE.match(word) for word in (process["cmdline"] or [])[1:])


def _hidden() -> bool:
    """Whether those of other users cannot be seen (hidepid of proc(5), ProtectProc= of systemd)."""
    return not Path("/proc/1").exists()
