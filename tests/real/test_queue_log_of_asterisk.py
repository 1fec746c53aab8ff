"""What a real Asterisk writes of a queue, to the file and to a table over ODBC, and the statistics of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pbxapi.db.call_tables import TableLook
from pbxapi.db.engine import Login, engine
from pbxapi.pbx.local_time import Clock, system_zone
from pbxapi.pbx.queue_history import CDR, FILE, TABLE, QueueHistory
from pbxapi.pbx.queue_log_cdr import QueueCalls
from pbxapi.pbx.queue_log_files import QueueLogFiles
from pbxapi.pbx.queue_log_table import QueueLogTable
from pbxapi.pbx.queueing import QueueStatistics
from tests.real import required
from tests.real.asterisk import Asterisk
from tests.real.configuration import TEMPLATES, Database
from tests.real.deadline import eventually
from tests.real.mariadb import MariaDB
from tests.real.sip_phone import Phone

COLUMNS = "callid VARCHAR(80), queuename VARCHAR(80), agent VARCHAR(80), event VARCHAR(32)"
APART = ", ".join(f"data{number} VARCHAR(100)" for number in range(1, 6))


@dataclass(frozen=True)
class Kind:
    """An Asterisk, and how its table is made."""

    version: str
    table: str
    gmt: str


KINDS = (
    Kind("22", f"id INT AUTO_INCREMENT PRIMARY KEY, time DATETIME(6), {COLUMNS}, {APART}", gmt="no"),
    Kind("16", f"time VARCHAR(32), {COLUMNS}, {APART}", gmt="yes"),
)


@dataclass(frozen=True)
class Writing:
    """A server that writes both, its phones, and where to."""

    server: Asterisk
    database: Database
    phones: dict[str, Phone]

    @property
    def log(self) -> Path:
        return self.server.folder / "log/queue_log"

    def wait_for(self, event: str) -> None:
        eventually(lambda: f"|{event}|" in self.written(), f"{event} is in queue_log")

    def written(self) -> str:
        """Empty until Asterisk makes the file, which it does with the first line."""
        return self.log.read_text() if self.log.exists() else ""


@pytest.fixture(params=KINDS, ids=lambda kind: kind.version)
def writing(
    request: pytest.FixtureRequest, mariadb: MariaDB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Writing]:
    kind: Kind = request.param
    # Asterisk looks at /etc/localtime alone.
    monkeypatch.delenv("TZ", raising=False)
    calls = (TEMPLATES / "database/cdr.sql").read_text()
    database = mariadb.create_database(f"queues{kind.version}", calls, f"CREATE TABLE queue_log ({kind.table})")
    more = {
        "logger.conf": f"\n[general](+)\nqueue_log_to_file = yes\nqueue_log_realtime_use_gmt = {kind.gmt}\n",
        "modules.conf": "\npreload = res_config_odbc.so\n",
    }
    with ExitStack() as closing:
        root = required.unpacked_asterisk(kind.version)
        server = Asterisk(kind.version, root, tmp_path / "asterisk", database=database, more=more)
        (server.folder / "etc/extconfig.conf").write_text("[settings]\nqueue_log => odbc,calls\n")
        closing.callback(server.stop)
        server.start()
        phones = {}
        for number in ("100", "101", "103"):
            phones[number] = Phone(number, f"pw{number}", server.ports.sip, answer_after=None)
            closing.callback(phones[number].close)
            assert phones[number].register() == 200
        yield Writing(server, database, phones)


def talk(writing: Writing) -> float:
    """A caller whom Ana answers, who hangs up; how long they talked."""
    writing.phones["100"].answer_after = 0.0
    call = writing.phones["103"].call("800").wait_answered()
    writing.wait_for("CONNECT")
    since = time.monotonic()
    # Whole seconds are all that is written down.
    eventually(lambda: time.monotonic() - since > 1.1, "they have talked")
    call.hang_up()
    writing.wait_for("COMPLETECALLER")
    return time.monotonic() - since


def give_up(writing: Writing) -> float:
    """A caller who hangs up while it rings; how long that took."""
    writing.phones["100"].answer_after = None
    since = time.monotonic()
    call = writing.phones["103"].call("800").wait_answered()
    eventually(lambda: len(writing.phones["101"].incoming) == 2, "it rings")
    eventually(lambda: time.monotonic() - since > 1.1, "the caller has waited")
    call.hang_up()
    writing.wait_for("ABANDON")
    return time.monotonic() - since


def statistics(writing: Writing, start: datetime, source: str) -> QueueStatistics:
    """From one of the three."""
    place, zone = writing.database, system_zone()
    clock = Clock(zone)
    login = Login(host=place.host, port=place.port, username=place.user, password=place.password)
    made = engine(login, place.name, timeout=5, limit=5, only_read=True)
    files = QueueLogFiles(str(writing.log if source == FILE else writing.log.with_name("none")))
    tables = [QueueLogTable(made, clock, 5)] if source == TABLE else []
    try:
        history = QueueHistory(files, tables, QueueCalls(made, TableLook(made), clock), zone, timeout=5)
        found = history.of("support", start, start + timedelta(minutes=1), 20)
    finally:
        made.dispose()
    assert found.source == source
    return found


def test_what_a_queue_did_is_told_by_the_file_the_table_and_the_call_records(writing: Writing) -> None:
    start = datetime.now(UTC).replace(microsecond=0)
    talked, waited = talk(writing), give_up(writing)
    found = statistics(writing, start, FILE)
    assert (found.offered, found.answered, found.abandoned) == (2, 1, 1)
    assert (found.timed_out, found.left, found.waiting, found.transferred) == (0, 0, 0, 0)
    assert (found.answered_in_time, found.abandoned_in_time, found.service_level) == (1, 1, 100.0)
    assert found.talk.longest == pytest.approx(talked, abs=1.5)
    assert found.wait_abandoned.longest == pytest.approx(waited, abs=1.5)
    [ana] = [each for each in found.agents if each.agent == "Ana"]
    assert (ana.answered, ana.missed, ana.talk_time) == (1, 0, found.talk.longest)
    assert [(hour.offered, hour.answered) for hour in found.hours if hour.offered] == [(2, 1)]
    events = [line.split("|")[4] for line in writing.log.read_text().splitlines()]
    assert events.count("RINGCANCELED") == 2

    other = statistics(writing, start, TABLE)
    assert replace(other, source=FILE, warnings=()) == replace(found, warnings=())

    def recorded() -> QueueStatistics | None:
        calls = statistics(writing, start, CDR)
        return calls if calls.offered == 2 else None

    calls = eventually(recorded, "both calls have their records")
    assert calls is not None
    assert (calls.answered, calls.abandoned, calls.wait.longest) == (1, 1, None)
    [ana] = [each for each in calls.agents if each.answered]
    assert ana.agent == "100"
    assert ana.talk_time == pytest.approx(talked, abs=1.5)
