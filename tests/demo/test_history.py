"""The past of the demo exchange: rows as FreePBX writes them, at the times at which an office is called."""

from __future__ import annotations

import random
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pbxapi.demo.history import make_history
from pbxapi.demo.history_book import Book
from pbxapi.demo.history_calls import Moment, place
from pbxapi.demo.history_days import bad_day
from pbxapi.demo.history_paths import database_path, queue_log_path
from pbxapi.demo.history_people import World
from pbxapi.demo.history_tables import CDR
from pbxapi.demo.phones import PHONES
from pbxapi.demo.queue import MEMBERS
from pbxapi.pbx.history import Filters
from pbxapi.pbx.local_time import EPOCH, TEXT
from tests.things_cdr import LAYOUTS, CdrReader

BERLIN = ZoneInfo("Europe/Berlin")
UNTIL = datetime(2026, 6, 19, 16, 30, tzinfo=BERLIN)  # a Friday
DAYS = 31


def ask(folder: Path, statement: str, *values: object) -> list[Any]:
    with closing(sqlite3.connect(database_path(folder))) as connection:
        connection.row_factory = sqlite3.Row
        return connection.execute(statement, values).fetchall()


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("month")
    make_history(folder, seed=1, until=UNTIL, zone=BERLIN, days=DAYS)
    return folder


@pytest.fixture(scope="module")
def rows(month: Path) -> Sequence[sqlite3.Row]:
    return ask(month, "SELECT * FROM cdr ORDER BY rowid")


@pytest.fixture(scope="module")
def events(month: Path) -> Sequence[sqlite3.Row]:
    return ask(month, "SELECT * FROM cel ORDER BY id")


def calls(rows: Sequence[sqlite3.Row]) -> dict[str, list[sqlite3.Row]]:
    found = defaultdict(list)
    for row in rows:
        found[row["linkedid"]].append(row)
    return found


def started(row: sqlite3.Row) -> datetime:
    return datetime.strptime(row["calldate"], TEXT)


def test_the_tables_are_those_of_freepbx_17_with_their_indexes(month: Path, rows: Sequence[sqlite3.Row]) -> None:
    assert set(rows[0].keys()) == set(LAYOUTS["freepbx17"])
    indexed = ask(month, "SELECT tbl_name AS t, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
    found = {f"{row['t']}.{row['sql'].rpartition('(')[2].rstrip(')')}" for row in indexed}
    assert {"cdr.calldate", "cdr.dst", "cdr.accountcode", "cdr.uniqueid", "cdr.did", "cdr.linkedid"} <= found
    assert {"cdr.recordingfile", "cel.uniqueid", "cel.linkedid", "cel.context"} <= found


def test_a_year_would_have_about_50000_rows(rows: Sequence[sqlite3.Row]) -> None:
    assert 40_000 < len(rows) * 365 / DAYS < 62_000


def test_each_call_has_a_row_of_its_first_channel(rows: Sequence[sqlite3.Row]) -> None:
    for linkedid, legs in calls(rows).items():
        assert any(leg["uniqueid"] == linkedid for leg in legs)


def test_uniqueid_is_not_unique_but_with_the_sequence_which_only_grows(rows: Sequence[sqlite3.Row]) -> None:
    assert len({row["uniqueid"] for row in rows}) < len(rows)
    sequence = [row["sequence"] for row in rows]
    assert sequence == sorted(set(sequence))


def first_times(rows: Iterable[tuple[str, str]]) -> dict[str, str]:
    """When the first row of each channel begins, by its uniqueid."""
    found: dict[str, str] = {}
    for uniqueid, calldate in rows:
        found.setdefault(uniqueid, calldate)
    return found


def local_time(uniqueid: str, zone: str) -> str:
    made = EPOCH.match(uniqueid)
    assert made is not None
    return datetime.fromtimestamp(int(made[1]), ZoneInfo(zone)).strftime(TEXT)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata"])
def test_the_epoch_in_a_uniqueid_is_when_its_first_row_begins(tmp_path: Path, zone: str) -> None:
    make_history(tmp_path, seed=3, until=UNTIL, zone=ZoneInfo(zone), days=2)
    rows = ask(tmp_path, "SELECT uniqueid, calldate FROM cdr ORDER BY rowid")
    assert all(local_time(uniqueid, zone) == time for uniqueid, time in first_times(rows).items())


@pytest.mark.parametrize(
    ("zone", "night"),
    [("Europe/Berlin", datetime(2026, 10, 25, tzinfo=UTC)), ("Europe/Berlin", datetime(2026, 3, 29, tzinfo=UTC)),
     ("America/Santiago", datetime(2026, 4, 5, 2, tzinfo=UTC))],
)  # fmt: skip
def test_so_it_is_when_daylight_saving_begins_and_ends(zone: str, night: datetime) -> None:
    book = Book(ZoneInfo(zone), recorded_from=0, logged_from=0, until=night.timestamp() + 86400)
    rng, world = random.Random(1), World(1)
    for second in range(0, 3 * 3600, 60):
        place(Moment(book, rng, int(night.timestamp()) + second, world), is_open=True, trunk_up=True)
    date, uniqueid = CDR.index("calldate"), CDR.index("uniqueid")
    times = first_times((str(row[uniqueid]), str(row[date])) for row in book.records)
    assert len(times) > 150
    assert all(local_time(uniqueid, zone) == time for uniqueid, time in times.items())
    assert list(times.values()) != sorted(times.values()) or night.month == 3


def test_nothing_has_happened_after_the_moment_it_is_made(rows: Sequence[sqlite3.Row]) -> None:
    ends = [started(row) + timedelta(seconds=row["duration"]) for row in rows]
    assert UNTIL.replace(tzinfo=None) - timedelta(hours=1) < max(ends) <= UNTIL.replace(tzinfo=None)


def test_a_call_that_lasts_beyond_that_moment_is_not_written() -> None:
    book = Book(BERLIN, recorded_from=0, logged_from=0, until=UNTIL.timestamp())
    rng, world = random.Random(1), World(1)
    for _ in range(100):
        place(Moment(book, rng, int(book.until) - 30, world), is_open=True, trunk_up=True)
    date, duration, linkedid = (CDR.index(name) for name in ("calldate", "duration", "linkedid"))
    ends = [
        datetime.strptime(str(row[date]), TEXT) + timedelta(seconds=int(str(row[duration]))) for row in book.records
    ]
    assert max(ends) <= UNTIL.replace(tzinfo=None)
    assert 0 < len({row[linkedid] for row in book.records}) < 100


def test_the_days_are_those_before_it(rows: Sequence[sqlite3.Row]) -> None:
    assert {started(row).date() for row in rows} >= {
        (UNTIL - timedelta(days=n)).date() for n in range(DAYS) if (UNTIL - timedelta(days=n)).weekday() < 5
    }
    assert min(started(row).date() for row in rows) >= (UNTIL - timedelta(days=DAYS - 1)).date()


def test_it_is_an_office_with_a_lunch_break_and_weekends(rows: Sequence[sqlite3.Row]) -> None:
    began = [started(legs[0]) for legs in calls(rows).values()]
    working = [at.hour for at in began if at.weekday() < 5]
    assert len(working) > 20 * len([at for at in began if at.weekday() == 6])
    assert sum(8 <= hour < 18 for hour in working) > 0.9 * len(working)
    assert working.count(13) < 0.6 * working.count(10)
    assert any(hour < 7 or hour > 20 for hour in working)


def test_holidays_are_quiet(tmp_path: Path) -> None:
    make_history(tmp_path, seed=1, until=datetime(2026, 12, 26, tzinfo=BERLIN), zone=BERLIN, days=9)
    (on_friday,) = ask(tmp_path, "SELECT COUNT(*) AS n FROM cdr WHERE calldate LIKE '2026-12-18%'")
    (at_christmas,) = ask(tmp_path, "SELECT COUNT(*) AS n FROM cdr WHERE calldate LIKE '2026-12-25%'")
    assert at_christmas["n"] < on_friday["n"] / 10


def test_every_disposition_and_the_usual_applications_are_there(rows: Sequence[sqlite3.Row]) -> None:
    assert {row["disposition"] for row in rows} == {"ANSWERED", "NO ANSWER", "BUSY", "FAILED", "CONGESTION"}
    assert {row["lastapp"] for row in rows} >= {"Dial", "Queue", "VoiceMail", "BackGround", "Playback"}
    assert any(row["dst"] == "s" for row in rows)


def test_only_what_is_answered_is_paid_for(rows: Sequence[sqlite3.Row]) -> None:
    for row in rows:
        assert row["duration"] >= row["billsec"] >= 0
        assert (row["disposition"] == "ANSWERED") or row["billsec"] == 0


def test_queue_calls_have_a_leg_for_each_member_of_the_demo_queue(rows: Sequence[sqlite3.Row]) -> None:
    seen = defaultdict(set)
    for legs in calls(rows).values():
        halves = {leg["channel"]: leg for leg in legs if "@from-queue-" in leg["channel"]}
        for leg in legs:
            if leg["lastapp"] == "Queue" and leg["dstchannel"]:
                member = halves[leg["dstchannel"].replace(";1", ";2")]
                assert re.match(rf"PJSIP/{member['dst']}-[0-9a-f]{{8}}\Z", member["dstchannel"])
                assert (member["disposition"], member["linkedid"]) == (leg["disposition"], leg["linkedid"])
                seen[leg["lastdata"].partition(",")[0]].add(member["dst"])
    assert seen == {queue: set(members) for queue, members in MEMBERS.items()}


def test_the_phones_are_those_of_the_demo_exchange(rows: Sequence[sqlite3.Row]) -> None:
    named = {phone.number: phone.name for phone in PHONES}
    inside = [row for row in rows if re.match(r"PJSIP/\d", row["channel"])]
    assert {row["cnum"] for row in inside} <= set(named)
    assert all(row["cnam"] == named[row["cnum"]] for row in inside)
    outbound = [row for row in inside if row["dstchannel"].startswith("PJSIP/trunk-")]
    assert outbound
    assert all(row["src"] == row["outbound_cnum"] != row["cnum"] for row in outbound)


def test_a_call_from_outside_names_the_number_that_was_called(rows: Sequence[sqlite3.Row]) -> None:
    assert all(row["did"].startswith("020794601") == row["channel"].startswith("PJSIP/trunk-") for row in rows)


def test_calls_are_read_as_the_calls_they_were(month: Path) -> None:
    reader = CdrReader(database_path(month))
    try:
        statuses: set[str] = set()
        cursor = None
        for _ in range(6):
            page, cursor = reader.records.calls(Filters(), limit=100, cursor=cursor)
            statuses.update(call.status for call in page)
    finally:
        reader.close()
    assert statuses == {"completed", "voicemail", "abandoned", "busy", "no_answer", "failed"}


def test_on_the_bad_day_nothing_comes_in_or_goes_out(rows: Sequence[sqlite3.Row]) -> None:
    day = bad_day(UNTIL.date())
    assert day.weekday() == 1
    assert 21 <= (UNTIL.date() - day).days <= 27
    then = [row for row in rows if f"{day} 10" < row["calldate"] < f"{day} 15"]
    assert len(then) > 10
    assert not any(row["did"] for row in then)
    assert {row["disposition"] for row in then if row["outbound_cnum"]} == {"FAILED", "CONGESTION"}


def test_the_event_log_is_of_the_last_days_alone_and_in_the_order_of_time(
    rows: Sequence[sqlite3.Row], events: Sequence[sqlite3.Row]
) -> None:
    assert [event["eventtime"] for event in events] == sorted(event["eventtime"] for event in events)
    since = (UNTIL - timedelta(days=5)).strftime(TEXT)
    assert events[0]["eventtime"] >= since
    assert {event["linkedid"] for event in events} == {row["linkedid"] for row in rows if row["calldate"] >= since}


def test_every_channel_in_the_event_log_begins_and_ends_and_the_call_ends_last(events: Sequence[sqlite3.Row]) -> None:
    for logged in calls(events).values():
        kinds = defaultdict(list)
        for event in logged:
            kinds[event["uniqueid"]].append(event["eventtype"])
        assert logged[-1]["eventtype"] == "LINKEDID_END"
        assert all(kind[0] == "CHAN_START" for kind in kinds.values())
        assert all(kind.count("CHAN_END") == kind.count("HANGUP") == 1 for kind in kinds.values())
        assert all(kind.count("BRIDGE_ENTER") == kind.count("BRIDGE_EXIT") for kind in kinds.values())


def test_journeys_tell_of_the_menu_the_queue_and_transfers(month: Path, events: Sequence[sqlite3.Row]) -> None:
    reader = CdrReader(database_path(month))
    try:
        moved = {event["linkedid"] for event in events if event["eventtype"] == "BLINDTRANSFER"}
        travelled = [reader.records.journey(linkedid) for linkedid in [*list(calls(events))[:60], *moved]]
    finally:
        reader.close()
    assert {journey.source for journey in travelled} == {"cel"}
    kinds = {step.kind for journey in travelled for step in journey.steps}
    assert kinds >= {"ring", "answer", "ivr", "queue", "queue_leave", "voicemail", "bridge", "blind_transfer", "hangup"}


def test_the_same_seed_and_moment_make_the_same_history_and_another_seed_another(tmp_path: Path) -> None:
    made = []
    for name, seed in (("one", 5), ("two", 5), ("three", 6)):
        (tmp_path / name).mkdir()
        make_history(tmp_path / name, seed=seed, until=UNTIL, zone=BERLIN, days=2)
        files = {path.name: path.read_bytes() for path in tmp_path.joinpath(name).rglob("*.wav")}
        tables = [list(map(tuple, ask(tmp_path / name, f"SELECT * FROM {table}"))) for table in ("cdr", "cel")]
        made.append((tables, files))
    assert made[0] == made[1]
    assert made[0] != made[2]


def test_its_zone_is_that_of_the_tables_and_not_of_the_moment(tmp_path: Path) -> None:
    made = []
    for name, zone in (("one", BERLIN), ("two", timezone(timedelta(hours=2)))):
        (tmp_path / name).mkdir()
        make_history(tmp_path / name, seed=5, until=UNTIL.astimezone(zone), zone=BERLIN, days=1)
        made.append([tuple(row) for row in ask(tmp_path / name, "SELECT * FROM cdr")])
    assert made[0] == made[1]


def test_progress_grows_to_the_whole(tmp_path: Path) -> None:
    told: list[float] = []
    make_history(tmp_path, seed=1, until=UNTIL, zone=BERLIN, days=4, progress=told.append)
    assert told == sorted(told)
    assert len(told) >= 4
    assert told[-1] == 1.0


def test_queue_log_tells_the_same_calls_as_the_call_records(tmp_path: Path) -> None:
    until = datetime(2026, 6, 17, 15, 0, tzinfo=UTC)
    make_history(tmp_path, seed=3, until=until, zone=UTC, days=8)
    lines = [line.split("|") for line in queue_log_path(tmp_path).read_text().splitlines()]
    assert [int(line[0]) for line in lines] == sorted(int(line[0]) for line in lines)
    told: dict[str, list[str]] = {}
    for line in lines:
        told.setdefault(line[1], []).append(line[4])
    paused = told.pop("NONE")
    assert paused.count("PAUSE") == paused.count("UNPAUSE") > 0
    ends = {"COMPLETECALLER", "COMPLETEAGENT", "ABANDON"}
    for events in told.values():
        assert events.count("ENTERQUEUE") == len([event for event in events if event in ends]) == 1
    with closing(sqlite3.connect(database_path(tmp_path))) as connection:
        of_queues = "SELECT DISTINCT linkedid FROM cdr WHERE lastapp = 'Queue'"
        rows = connection.execute(of_queues).fetchall()
        served = connection.execute(
            f"{of_queues} AND disposition = 'ANSWERED' AND dstchannel LIKE 'Local/%'"
        ).fetchall()
    assert {row[0] for row in rows} == set(told)
    assert {row[0] for row in served} == {call for call, events in told.items() if "CONNECT" in events}
