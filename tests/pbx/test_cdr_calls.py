from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from pbxapi.pbx.history import Filters, PastCall
from tests.things_cdr import CdrFile, CdrReader, row

ALL = Filters()


@pytest.fixture(params=["freepbx17", "freepbx13"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[CdrFile]:
    with ExitStack() as stack:
        made = CdrFile(tmp_path / "cdr.db", request.param)
        stack.callback(made.close)
        yield made


@pytest.fixture
def reader(database: CdrFile) -> Iterator[CdrReader]:
    made = CdrReader(database.path)
    yield made
    made.close()


@pytest.fixture
def linked(tmp_path: Path) -> Iterator[tuple[CdrFile, CdrReader]]:
    """A table that has linkedids."""
    file = CdrFile(tmp_path / "linked.db")
    made = CdrReader(file.path)
    yield file, made
    made.close()
    file.close()


def walk(reader: CdrReader, limit: int, filters: Filters = ALL, *, oldest_first: bool = False) -> list[PastCall]:
    found: list[PastCall] = []
    cursor = None
    while True:
        calls, cursor = reader.records.calls(filters, limit=limit, cursor=cursor, oldest_first=oldest_first)
        found += calls
        if cursor is None:
            return found


def leg(call: int, n: int, minute: int, **values: object) -> dict[str, object]:
    """Leg n of a call; the first has the call's id."""
    more = {"uniqueid": f"1795376000.{call}{n:02d}", "linkedid": f"1795376000.{call}00", "sequence": call * 100 + n}
    return row(**{**more, "calldate": f"2026-11-22 19:{minute:02d}:00", **values})


def queue_call() -> list[dict[str, object]]:
    """What FreePBX 14 wrote for a call to queue 400 that the agent 200 took on PJSIP/200."""
    return [
        leg(1, 0, 50, src="300", cnum="300", cnam="Carol", clid='"Carol" <300>', dst="400", lastapp="Queue",
            lastdata="400,t,,,", dstchannel="Local/200@from-queue-00000003;1", duration=26, billsec=26),
        leg(1, 1, 50, src="300", dst="200", lastapp="Dial", dstchannel="Local/FMPR-200@from-internal-00000004;1",
            channel="Local/200@from-queue-00000003;2", duration=5, billsec=0),
        leg(1, 2, 50, src="300", dst="200", dstchannel="PJSIP/200-00000009", dst_cnam="Alice",
            channel="Local/200@from-queue-00000003;2", duration=24, billsec=14, calldate="2026-11-22 19:50:02"),
    ]  # fmt: skip


def test_a_queue_call_is_one_call_with_who_called_and_who_answered(linked: tuple[CdrFile, CdrReader]) -> None:
    database, reader = linked
    database.add(*queue_call())
    [call] = walk(reader, 10)
    assert call.id == "1795376000.100"
    assert (call.caller.number, call.caller.name) == ("300", "Carol")
    assert (call.callee.number, call.callee.name) == ("200", "Alice" if "dst_cnam" in database.columns else None)
    assert call.dialed == "400"
    assert call.status == "completed"
    assert (call.ring_time, call.talk_time, call.duration) == (12, 14, 26)
    assert len(call.legs) == 3


@pytest.mark.parametrize(
    ("values", "status", "talk"),
    [
        ({}, "completed", 4),
        ({"disposition": "NO ANSWER", "billsec": 0}, "no_answer", 0),
        ({"disposition": "BUSY", "billsec": 0}, "busy", 0),
        ({"disposition": "FAILED", "billsec": 0, "dstchannel": ""}, "failed", 0),
        ({"lastapp": "VoiceMail", "dstchannel": ""}, "voicemail", 4),
        ({"lastapp": "Queue", "dstchannel": ""}, "abandoned", 4),
        ({"lastapp": "BackGround", "dstchannel": ""}, "completed", 4),
        ({"dstchannel": ""}, "failed", 0),  # there was no device to ring
    ],
)
def test_how_a_call_ended_is_told(
    database: CdrFile, reader: CdrReader, values: dict[str, object], status: str, talk: int
) -> None:
    database.add(leg(1, 0, 10, **values))
    [call] = walk(reader, 10)
    assert (call.status, call.talk_time) == (status, talk)


def test_a_voicemail_that_answered_after_the_phone_did_not(database: CdrFile, reader: CdrReader) -> None:
    unanswered = leg(1, 0, 10, disposition="NO ANSWER", billsec=0, duration=20)
    database.add(unanswered, {**unanswered, "disposition": "ANSWERED", "lastapp": "VoiceMail", "dstchannel": "",
                              "sequence": 101, "duration": 35, "billsec": 15})  # fmt: skip
    [call] = walk(reader, 10)
    assert call.status == "voicemail"
    assert len(call.legs) == 2


@pytest.mark.parametrize(
    ("disposition", "status"), [("BUSY", "busy"), ("NO ANSWER", "no_answer"), ("FAILED", "failed")]
)
def test_what_the_dialplan_did_after_nobody_answered_is_no_answer(
    database: CdrFile, reader: CdrReader, disposition: str, status: str
) -> None:
    # As Asterisk writes it when the caller was answered before: in a call that was placed by a click.
    unanswered = leg(1, 0, 10, disposition=disposition, duration=2, billsec=2)
    database.add(unanswered, {**unanswered, "disposition": "ANSWERED", "lastapp": "Hangup", "dstchannel": "",
                              "sequence": 102, "duration": 0, "billsec": 0})  # fmt: skip
    [call] = walk(reader, 10)
    assert (call.status, call.talk_time, call.ring_time) == (status, 0, 2)


def test_a_call_at_the_end_of_time_is_told(database: CdrFile, reader: CdrReader) -> None:
    database.add(leg(1, 0, 10, calldate="9999-12-31 23:59:59"))
    assert len(walk(reader, 10)) == 1


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_each_call_stands_on_one_page_alone(linked: tuple[CdrFile, CdrReader], limit: int, oldest_first: bool) -> None:
    database, reader = linked
    # Legs of a call minutes apart, so that they fall on different pages.
    rows = [leg(call, n, (call * 7 + n * 13) % 60) for call in range(1, 13) for n in range(1 + call % 4)]
    random.Random(3).shuffle(rows)
    database.add(*rows)
    calls = walk(reader, limit, oldest_first=oldest_first)
    assert sorted(call.id for call in calls) == sorted(f"1795376000.{n}00" for n in range(1, 13))
    assert sum(len(call.legs) for call in calls) == len(rows)
    times = [(min if oldest_first else max)(str(leg.calldate) for leg in call.legs) for call in calls]
    assert times == sorted(times, reverse=not oldest_first)


def test_a_call_of_which_one_leg_fits_has_all_of_its_legs(linked: tuple[CdrFile, CdrReader]) -> None:
    database, reader = linked
    database.add(*queue_call(), leg(2, 0, 20))
    [call] = walk(reader, 10, Filters(dst="400"))
    assert len(call.legs) == 3


def test_legs_that_are_the_very_same_make_one_call(database: CdrFile, reader: CdrReader) -> None:
    database.add(*[leg(1, 0, 10)] * 3, leg(2, 0, 10), leg(3, 0, 10))
    assert sorted(call.id for call in walk(reader, 1)) == [f"1795376000.{n}00" for n in (1, 2, 3)]


def test_rows_without_a_linkedid_are_calls_by_their_uniqueid(linked: tuple[CdrFile, CdrReader]) -> None:
    database, reader = linked
    database.add(leg(1, 0, 10, linkedid=""), leg(1, 1, 11, linkedid=""), *queue_call())
    assert len(walk(reader, 1)) == 3
    assert reader.records.call("1795376000.101").id == "1795376000.101"


def test_calls_are_counted_as_calls(linked: tuple[CdrFile, CdrReader]) -> None:
    database, reader = linked
    database.add(*queue_call(), leg(2, 0, 20))
    assert reader.records.total(ALL) == 4
    assert reader.records.total(ALL, calls=True) == 2
