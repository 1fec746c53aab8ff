"""Where the statistics of queues come from: the file, the table, or the call records, each as it can be."""

from __future__ import annotations

import dataclasses
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pbxapi.errors import Invalid, NotFound, NotSupported, Timeout, Unavailable
from pbxapi.pbx import queue_history, queue_log_cdr
from pbxapi.pbx.local_time import Clock
from pbxapi.pbx.queue_history import QueueHistory
from pbxapi.pbx.queue_log_cdr import QueueCalls
from pbxapi.pbx.queue_log_files import QueueLogFiles
from pbxapi.pbx.queue_log_table import QueueLogTable
from pbxapi.pbx.queueing import Queue, Queues, QueueStatistics
from tests.things_cdr import BERLIN, CdrFile, CdrReader, row
from tests.things_queues import MemoryQueues, queue, seated, support

START = datetime(2026, 11, 22, 19, tzinfo=BERLIN)
END = START + timedelta(hours=1)
AT = 1795377017
"""Seconds since 1970 at which a caller entered; 19:50:17 UTC, as FreePBX's own log of that call has it."""

CALL = [
    "1795377017|1795377017.154|400|NONE|DID|",
    "1795377017|1795377017.154|400|NONE|ENTERQUEUE||200|1",
    "1795377018|1795377017.154|400|Alice|CONNECT|1|1795377017.158|1",
    "1795377023|1795377017.154|400|Alice|COMPLETECALLER|1|5|1",
]
GIVEN_UP = [
    "1795377100|1795377100.160|400|NONE|ENTERQUEUE||201|1",
    "1795377130|1795377100.160|400|Alice|RINGNOANSWER|15000",
    "1795377140|1795377100.160|400|NONE|ABANDON|1|1|40",
]
EVENING = datetime.fromtimestamp(AT, UTC).replace(minute=0, second=0)
"""When the hour of these calls begins."""


class Bench:
    """A log's file, a database, and what reads them."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "queue_log"
        self.database = folder / "cdr.db"
        self._closing = ExitStack()

    def write(self, *lines: str) -> None:
        self.log.write_text("".join(f"{line}\n" for line in lines))

    def table(self, columns: str, rows: Sequence[Sequence[object]], name: str = "queue_log") -> None:
        with sqlite3.connect(self.database) as connection:
            connection.execute(f"CREATE TABLE {name} ({columns})")
            for each in rows:
                connection.execute(f"INSERT INTO {name} VALUES ({', '.join('?' * len(each))})", each)
        connection.close()

    def calls(self, *rows: dict[str, object], layout: str = "freepbx17") -> None:
        file = CdrFile(self.database, layout)
        file.add(*rows)
        file.close()

    def history(self, queues: Queues | None = None, timeout: float = 5.0, *, records: bool = True) -> QueueHistory:
        tables, calls = [], None
        if self.database.exists():
            reader = CdrReader(self.database)
            self._closing.callback(reader.close)
            clock = Clock(BERLIN)
            tables = [QueueLogTable(reader.engine, clock, timeout)]
            calls = QueueCalls(reader.engine, reader.tables, clock) if records else None
        return QueueHistory(QueueLogFiles(str(self.log)), tables, calls, BERLIN, timeout=timeout, queues=queues)

    def told(self, queues: Queues | None = None) -> QueueStatistics:
        return self.history(queues).of("400", EVENING, EVENING + timedelta(hours=1), 20)

    def close(self) -> None:
        self._closing.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


def check_both(found: QueueStatistics, source: str) -> None:
    """What the two calls above are."""
    assert (found.source, found.offered, found.answered, found.abandoned) == (source, 2, 1, 1)
    assert (found.wait.longest, found.wait_abandoned.longest, found.talk.longest) == (1, 40, 5)
    assert (found.service_level, found.timed_out, found.waiting) == (50.0, 0, 0)
    [alice] = found.agents
    assert (alice.agent, alice.name, alice.answered, alice.missed, alice.talk_time) == ("Alice", "Alice", 1, 1, 5)


def test_the_file_is_read(bench: Bench) -> None:
    bench.write("1795370000|NONE|NONE|NONE|QUEUESTART|", *CALL, *GIVEN_UP)
    found = bench.told()
    check_both(found, "queue_log")
    assert found.warnings == ()
    assert found.start.utcoffset() == timedelta(hours=1)


def test_members_tell_who_is_behind_a_name(bench: Bench) -> None:
    bench.write(*CALL)
    member = seated("Local/200@from-queue/n", extension="200", name="Alice")
    [alice] = bench.told(MemoryQueues(queue("400", member))).agents
    assert (alice.agent, alice.extension, alice.name) == ("200", "200", "Alice")


def test_the_service_level_is_the_queues_own_unless_told(bench: Bench) -> None:
    bench.write(*CALL)
    settings = dataclasses.replace(support(), service_level=7)
    configured = dataclasses.replace(queue("400"), settings=settings)
    plain = dataclasses.replace(queue("400"), settings=None, service_level=8)
    unset = dataclasses.replace(plain, service_level=0)

    def level(queues: Queues | None, given: int | None = None) -> int:
        return bench.history(queues).of("400", EVENING, EVENING + timedelta(hours=1), given).service_level_seconds

    assert [level(MemoryQueues(each)) for each in (configured, plain, unset)] == [7, 8, 60]
    assert (level(None), level(MemoryQueues(configured), 0)) == (60, 0)


def test_a_queue_that_is_neither_there_nor_in_the_log_is_not_found(bench: Bench) -> None:
    bench.write(*CALL)
    history, hour = bench.history(MemoryQueues()), timedelta(hours=1)
    assert history.of("400", EVENING, EVENING + hour, None).offered == 1
    with pytest.raises(NotFound):
        history.of("400", EVENING + hour, EVENING + 2 * hour, None)
    with pytest.raises(NotFound):
        history.of("401", EVENING, EVENING + hour, None)


class Away(MemoryQueues):
    def get(self, queue: str, *, fresh: bool = False) -> Queue:
        raise Unavailable("not now", part="ami")


def test_the_past_is_told_while_asterisk_does_not_run(bench: Bench) -> None:
    bench.write(*CALL)
    assert bench.history(Away()).of("400", EVENING, EVENING + timedelta(hours=1), None).answered == 1
    assert bench.history(Away()).of("401", EVENING, EVENING + timedelta(hours=1), None).offered == 0


def test_a_log_that_begins_too_late_says_so(bench: Bench) -> None:
    bench.write(*CALL)
    [warning] = bench.told().warnings
    assert "2026-11-22T20:50:17+01:00" in warning


def test_what_was_before_the_range_and_comes_after_it_is_looked_at(bench: Bench) -> None:
    bench.write(
        f"{AT - 11 * 3600}|NONE|400|Alice|PAUSE|",
        f"{AT}|1.1|400|NONE|ENTERQUEUE||1|1",
        f"{AT + 60}|NONE|400|Alice|UNPAUSE|",
        f"{AT + 5400}|1.1|400|Alice|CONNECT|5400|1.2|1",
    )
    found = bench.told()
    assert (found.answered, found.waiting) == (1, 0)
    assert found.agents[0].paused_time == AT + 60 - int(EVENING.timestamp())


def rows(lines: Sequence[str], time: Callable[[int], object], *, apart: bool) -> list[list[object]]:
    """As Asterisk writes lines to a table."""
    found = []
    for number, line in enumerate(lines):
        at, call, name, agent, event, *data = line.split("|")
        cells = [*data, "", "", "", "", ""][:5] if apart else ["|".join(data)]
        found.append([number, time(int(at)), call, name, agent, event, *cells])
    return found


def local(at: int) -> str:
    return datetime.fromtimestamp(at, BERLIN).strftime("%Y-%m-%d %H:%M:%S.123456")


APART = "id INTEGER PRIMARY KEY, time NUMERIC, callid, queuename, agent, event, data1, data2, data3, data4, data5"
JOINED = "id INTEGER PRIMARY KEY, time NUMERIC, callid, queuename, agent, event, data"


@pytest.mark.parametrize("name", ["queue_log", "queuelog"])
@pytest.mark.parametrize("apart", [True, False])
@pytest.mark.parametrize(
    "time",
    [
        local,
        lambda at: local(at)[:19],
        lambda at: datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S.000001"),
        str,
        lambda at: at,
    ],
    ids=["local", "seconds", "gmt", "epoch text", "epoch"],
)
def test_the_table_is_read_in_every_form(bench: Bench, name: str, apart: bool, time: Callable[[int], object]) -> None:
    bench.table(APART if apart else JOINED, rows([*CALL, *GIVEN_UP], time, apart=apart), name)
    check_both(bench.told(), "queue_log_table")


def test_a_table_with_both_kinds_of_data_and_no_numbers_is_read(bench: Bench) -> None:
    made = []
    at_once = [line.replace("1795377018|", "1795377017|") for line in CALL]
    for number, each in enumerate(rows([*at_once, *GIVEN_UP], lambda at: local(at)[:19], apart=True)):
        _, at, *rest = each
        # Written by two versions, the one beginning the second of who was served at once with the end.
        data = "|".join(map(str, rest[4:])).strip("|")
        made.append([at, *rest, ""] if number % 2 else [at, *rest[:4], *[None] * 5, data])
    columns = "time, callid, queuename, agent, event, data1, data2, data3, data4, data5, data"
    bench.table(columns, made[::-1])
    check_both(bench.told(), "queue_log_table")


def test_only_lines_of_the_range_and_the_queue_are_taken_from_the_table(bench: Bench) -> None:
    other = [line.replace("|400|", "|4000|") for line in CALL]
    early = [line.replace("17953770", "17953700") for line in CALL]
    bench.table(APART, rows([*early, *CALL, *other], local, apart=True))
    found = bench.told()
    assert (found.offered, found.answered) == (1, 1)


def test_a_restart_and_a_pause_of_all_are_in_the_table(bench: Bench) -> None:
    lines = [
        *CALL,
        "1795377100|NONE|400|Alice|PAUSE|",
        "1795377110|NONE|NONE|Alice|UNPAUSEALL|",
        "1795377120|1.1|400|NONE|ENTERQUEUE||1|1",
        "1795377130|NONE|NONE|NONE|QUEUESTART|",
    ]
    bench.table(APART, rows(lines, local, apart=True))
    found = bench.told()
    assert (found.left, found.agents[0].paused_time) == (1, 10)


def test_another_table_of_that_name_is_none_of_ours(bench: Bench) -> None:
    bench.table("id, text", [[1, "x"]])
    bench.write(*CALL)
    assert bench.history(records=False).of("400", EVENING, EVENING + timedelta(hours=1), 20).source == "queue_log"


def test_the_log_that_was_written_to_last_is_the_one_that_is_read(bench: Bench) -> None:
    before = [line.replace("17953770", "17952770") for line in CALL]
    bench.write(*before)
    bench.table(APART, rows([*CALL, *GIVEN_UP], local, apart=True))
    check_both(bench.told(), "queue_log_table")
    bench.write(*before, *CALL)
    assert (bench.told().source, bench.told().offered) == ("queue_log", 1)


def test_a_quiet_file_is_better_than_call_records(bench: Bench) -> None:
    bench.calls()
    bench.write(*[line.replace("17953770", "17952770") for line in CALL])
    assert (bench.told().source, bench.told().offered) == ("queue_log", 0)


QUEUED = {"lastapp": "Queue", "lastdata": "400,t,,,,,,,,", "dst": "400", "calldate": "2026-11-22 20:50:17"}


def test_without_a_log_the_call_records_tell_what_they_can(bench: Bench) -> None:
    member = "Local/200@from-queue-00000003;1"
    bench.calls(
        row(**QUEUED, n=1, linkedid="1795377017.154", uniqueid="1795377017.154", dstchannel=member, billsec=6),
        row(**QUEUED, n=2, linkedid="1795377017.160", uniqueid="1795377017.160", dstchannel=member,
            disposition="NO ANSWER", billsec=0),
        row(**QUEUED, n=3, linkedid="1795377017.160", uniqueid="1795377017.160", dstchannel="", billsec=40),
        # Another queue, another application, another hour.
        row(**{**QUEUED, "lastdata": "4000,t"}, n=4),
        row(**{**QUEUED, "lastapp": "Dial"}, n=5),
        row(**{**QUEUED, "calldate": "2026-11-22 22:50:17"}, n=6),
    )  # fmt: skip
    found = bench.told()
    assert (found.source, found.offered, found.answered, found.abandoned) == ("cdr", 2, 1, 1)
    assert (found.timed_out, found.left, found.waiting, found.transferred, found.service_level) == (None,) * 5
    assert (found.wait.average, found.wait_abandoned.average, found.talk.longest) == (None, None, 6)
    [agent] = found.agents
    assert (agent.agent, agent.answered, agent.missed, agent.talk_time, agent.paused_time) == ("200", 1, 1, 6, None)
    assert [(hour.offered, hour.wait.average) for hour in found.hours] == [(2, None)]
    assert len(found.warnings) == 2


def test_call_records_that_name_no_queues_are_none(bench: Bench) -> None:
    bench.calls()
    with sqlite3.connect(bench.database) as connection:
        connection.execute("ALTER TABLE cdr DROP COLUMN lastdata")
    connection.close()
    with pytest.raises(NotSupported):
        bench.told()


def test_where_nothing_was_written_it_is_not_supported_and_says_so_beforehand(bench: Bench) -> None:
    with pytest.raises(NotSupported) as caught:
        bench.told()
    assert bench.history().why_not() == str(caught.value)
    bench.write()
    assert bench.history().why_not() is None


def test_an_empty_log_is_a_log(bench: Bench) -> None:
    bench.write()
    assert (bench.told().source, bench.told().offered) == ("queue_log", 0)


def test_an_empty_range_is_refused(bench: Bench) -> None:
    bench.write(*CALL)
    with pytest.raises(Invalid):
        bench.history().of("400", EVENING, EVENING, 20)


def test_what_takes_too_long_is_given_up(bench: Bench) -> None:
    bench.write(*CALL)
    with pytest.raises(Timeout):
        bench.history(timeout=0).of("400", EVENING, EVENING + timedelta(hours=1), 20)


def test_too_many_events_are_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_history, "MOST_EVENTS", 1000)
    bench.write(*CALL * 334)
    with pytest.raises(Timeout, match="shorter"):
        bench.told()


def test_too_many_call_records_are_given_up(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_log_cdr, "MOST_ROWS", 2)
    bench.calls(*[row(**QUEUED, n=n) for n in range(3)])
    with pytest.raises(Timeout, match="shorter"):
        bench.told()
