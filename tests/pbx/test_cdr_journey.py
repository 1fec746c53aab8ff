"""The path of a call, of channel events that real exchanges wrote (`cel/`) and of records."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxapi.errors import NotFound
from pbxapi.pbx.cel_events import MOST_EVENTS, Event
from pbxapi.pbx.cel_journey import cel_steps
from pbxapi.pbx.history import STEPS, Journey, Step
from tests.things_cdr import CdrFile, CdrReader, row

CAPTURES = Path(__file__).parent / "cel"
COLUMNS = (
    "eventtime", "eventtype", "cid_num", "cid_name", "exten", "context", "channame", "appname", "appdata", "uniqueid",
    "linkedid", "peer", "extra",
)  # fmt: skip

Rows = Sequence[Mapping[str, object]]
Travel = Callable[..., Journey]


def capture(name: str) -> list[dict[str, object]]:
    head, *lines = (CAPTURES / f"{name}.txt").read_text().splitlines()
    return [dict(zip(head.split("\t"), line.split("\t"), strict=True)) for line in lines]


def event(kind: str = "CHAN_START", **values: object) -> dict[str, object]:
    return {
        "eventtime": "2026-11-22 19:49:01", "eventtype": kind, "cid_num": "200", "exten": "201",
        "context": "from-internal", "channame": "PJSIP/200-00000001", "uniqueid": "1795376941.1",
        "linkedid": "1795376941.1", **values,
    }  # fmt: skip


@pytest.fixture
def database(tmp_path: Path) -> Iterator[CdrFile]:
    made = CdrFile(tmp_path / "cdr.db")
    yield made
    made.close()


@pytest.fixture
def travel(database: CdrFile) -> Iterator[Travel]:
    """Give the journey of the call of the first event, or of `linkedid`, from a table `cel` with these columns."""
    readers = []

    def travelled(events: Rows = (), linkedid: str = "", columns: Sequence[str] = COLUMNS) -> Journey:
        if columns:
            database.run(f"CREATE TABLE cel (id INTEGER PRIMARY KEY, {', '.join(columns)})")
        database.run("BEGIN")
        for values in events:
            database.run(
                f"INSERT INTO cel ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
                [values.get(name, "") for name in columns],
            )
        database.run("COMMIT")
        readers.append(CdrReader(database.path))
        return readers[-1].records.journey(linkedid or str(events[0]["linkedid"]))

    yield travelled
    for reader in readers:
        reader.close()


def told(steps: Sequence[Step]) -> list[str]:
    """A line a step: what, the channel's number, and the other numbers with what they are."""
    return [
        " ".join(
            [
                step.kind,
                *([step.number] if step.number else []),
                *([f"with {_number(step.peer)}"] if step.peer else []),
                *([f"to {step.extension}"] if step.extension else []),
                *([f"by {_number(step.by)}"] if step.by else []),
                *([str(step.cause)] if step.cause else []),
            ]
        )
        for step in steps
    ]


def _number(channel: str) -> str:
    return channel.partition("/")[2].partition("-")[0].partition("@")[0]


BLIND_END = ["hangup 105 16", "hangup 101 16", "end"]
ATTENDED = [
    "start 100 to 101", "ring 101", "answer 101", "bridge 100 with 101",
    "ring 105", "answer 105", "bridge 101 with 105",
    "attended_transfer 100 with 105 to 105 by 101", "bridge 100 with 105", "hangup 101 16",
    "hangup 105 16", "hangup 100 16", "end",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        (
            "asterisk22-answered",
            [
                "start 100 to 101", "ring 101", "answer 101", "bridge 100 with 101", "hangup 100 by 100 16",
                "hangup 101 by 100 16", "end",
            ],
        ),
        (
            "asterisk22-busy",
            ["start 100 to 102", "ring 102", "hangup 102 by 102 17", "hangup 100 by builtin 17", "end"],
        ),
        (
            "asterisk22-blind",
            [
                "start 100 to 101", "ring 101", "answer 101", "bridge 100 with 101",
                "blind_transfer 101 to 105 by 100", "hangup 100 16", "ring 105", "answer 105", "bridge 101 with 105",
                *BLIND_END,
            ],
        ),
        ("asterisk22-attended", ATTENDED),
        ("asterisk16-attended", ATTENDED),
        (
            "asterisk22-park",
            [
                "start 100 to 101", "ring 101", "answer 101", "bridge 100 with 101", "park 100 by 101",
                "unpark 100 by 105", "bridge 105 with 100", "hangup 105 by 105 16", "hangup 100 by 105 16",
                "hangup 101 16", "end",
            ],
        ),
        (
            "asterisk22-queue",
            [
                "start 103 to 800", "pbx_answer 103", "queue 103 to support", "ring 100", "ring 101", "answer 100",
                "hangup 101 26", "bridge 103 with 100", "hangup 100 by 103 16", "queue_leave 103 to support",
                "hangup 103 by 103 16", "end",
            ],
        ),
        ("asterisk22-voicemail", ["start 103 to 850", "voicemail 103 to 100@default", "hangup 103 by 103", "end"]),
        ("asterisk22-ivr", ["start 103 to 830", "pbx_answer 103", "ivr 103", "hangup 103 by 103", "end"]),
        (
            "asterisk22-originate",
            [
                "start 100", "answer 100", "ring 101", "answer 101", "bridge 100 with 101", "hangup 101 16",
                "hangup 100 16", "end",
            ],
        ),
        (
            "freepbx17-click-to-call",
            [
                "start 200 to 200", "ring 200", "answer 200", "ring 201", "answer 201", "hangup 201", "hangup 200",
                "end",
            ],
        ),
        (
            "freepbx17-queue-follow-me",
            [
                "start 200 to 400", "pbx_answer 200", "queue 200 to 400", "ring 200", "answer 200",
                "queue_leave 200 to 400", "hangup 200", "hangup 200", "end",
            ],
        ),
        ("freepbx17-follow-me-unanswered", ["start 201 to 200", "ring 200", "hangup 200", "hangup 201", "end"]),
    ],
)  # fmt: skip
def test_events_of_real_exchanges_become_steps(travel: Travel, name: str, steps: list[str]) -> None:
    journey = travel(capture(name))

    assert journey.source == "cel"
    assert told(journey.steps) == steps


def test_a_step_tells_what_the_events_hold(travel: Travel) -> None:
    start, _, answered, _, hangup, *_ = travel(capture("asterisk22-answered")).steps

    assert (start.name, start.context, start.channel) == ("Ana", "from-internal", "PJSIP/100-00000000")
    assert (start.at and start.at.isoformat(), answered.at) == ("2026-11-23T00:46:18+01:00", start.at)
    assert (hangup.by, hangup.cause, hangup.detail) == ("PJSIP/100-00000000", 16, "ANSWER")


@pytest.mark.parametrize(("name", "detail"), [("asterisk22-queue", "answered"), ("asterisk22-abandon", "unanswered")])
def test_who_left_a_queue_was_answered_or_not(travel: Travel, name: str, detail: str) -> None:
    [left] = [step for step in travel(capture(name)).steps if step.kind == "queue_leave"]

    assert left.detail == detail


@pytest.mark.parametrize(
    ("name", "kind", "detail"),
    [
        ("asterisk22-ivr", "ivr", "tt-monkeys"),
        ("asterisk22-park", "park", "default"),
        ("asterisk22-park", "unpark", "ParkedCallUnparked"),
        ("asterisk22-voicemail", "voicemail", None),
    ],
)
def test_details_are_asterisks_words(travel: Travel, name: str, kind: str, detail: str | None) -> None:
    [step] = [step for step in travel(capture(name)).steps if step.kind == kind]

    assert step.detail == detail


def test_only_the_events_of_the_call_count(travel: Travel) -> None:
    others = [event(linkedid="other"), event("HANGUP", linkedid="other")]

    assert told(travel([event(), *others]).steps) == ["start 200 to 201"]


def test_issabels_column_is_read_and_what_it_cuts_off_is_not_told(travel: Travel) -> None:
    columns = [*COLUMNS[:-2], "eventextra"]
    short = [{**values, "eventextra": str(values["extra"])[:255]} for values in capture("asterisk16-attended")]

    [moved] = [step for step in travel(short, columns=columns).steps if step.kind == "attended_transfer"]

    assert (moved.by, moved.channel) == ("PJSIP/101-0000000f", "PJSIP/100-0000000e")
    assert moved.extension is None


def test_without_bridge_ids_who_was_there_already_tells_the_bridge(travel: Travel) -> None:
    columns = [name for name in COLUMNS if name != "extra"]

    steps = told(travel(capture("asterisk22-answered"), columns=columns).steps)

    assert steps.count("bridge 100 with 101") == 1


def test_whoever_talked_with_who_transferred_was_transferred(travel: Travel) -> None:
    columns = [name for name in COLUMNS if name != "extra"]

    [moved] = [step for step in travel(capture("asterisk22-blind"), columns=columns).steps if "transfer" in step.kind]

    assert (moved.channel, moved.by, moved.extension) == ("PJSIP/101-00000009", "PJSIP/100-00000008", None)


def test_columns_that_are_not_there_are_not_told(travel: Travel) -> None:
    columns = ("eventtype", "eventtime", "channame", "uniqueid", "linkedid")

    steps = travel(capture("asterisk22-blind"), columns=columns).steps

    assert told(steps)[:3] == ["start 100", "ring 101", "answer 101"]
    assert (steps[0].extension, steps[0].context, steps[0].name) == (None, None, None)


def test_asterisk_11_tells_a_bridge_by_its_two(travel: Travel) -> None:
    steps = travel([event(), event("BRIDGE_START", peer="SIP/201-00000002")]).steps

    assert told(steps) == ["start 200 to 201", "bridge 200 with 201"]


def test_an_application_that_is_not_logged_is_seen_by_what_happens_in_it(travel: Travel) -> None:
    answered = event("ANSWER", appname="VoiceMail", appdata="201@default&202@default,u")

    assert told(travel([event(), answered]).steps) == ["start 200 to 201", "voicemail 200 to 201@default&202@default"]


def test_a_caller_who_hears_one_sound_after_the_other_is_in_one_menu(travel: Travel) -> None:
    sounds = [event("STREAM_BEGIN", appname="BackGround", appdata=sound) for sound in ("one", "two")]
    back = [event("APP_END", appname="BackGround"), event("STREAM_BEGIN", appname="BackGround", appdata="three")]

    steps = travel([event(), *sounds, *back]).steps

    assert [step.detail for step in steps if step.kind == "ivr"] == ["one", "three"]


def test_a_pickup_and_a_forward_are_told(travel: Travel) -> None:
    picked_up = event("PICKUP", extra='{"pickup_channel":"PJSIP/105-00000009","pickup_channel_uniqueid":"1.9"}')
    forwarded = event("FORWARD", extra='{"forward":"Local/300@from-internal"}')

    steps = told(travel([event(), picked_up, forwarded]).steps)

    assert steps == ["start 200 to 201", "pickup 200 by 105", "forward 200 to Local/300@from-internal"]


def test_a_parked_call_that_comes_back_to_the_same_is_a_new_bridge(travel: Travel) -> None:
    other = {"channame": "PJSIP/201-00000002", "uniqueid": "1795376941.2"}
    talk = [
        event("BRIDGE_ENTER", extra='{"bridge_id":"a","bridge_technology":"simple_bridge"}', **who)
        for who in ({}, other)
    ]
    leave = [event("BRIDGE_EXIT"), event("BRIDGE_EXIT", **other)]
    parked = event("PARK_START", extra='{"parking_lot":"default"}')

    steps = told(travel([event(), *talk, *leave, parked, *talk]).steps)

    assert steps == ["start 200 to 201", "bridge 201 with 200", "park 200", "bridge 201 with 200"]


def test_who_wait_in_one_holding_bridge_do_not_hear_each_other(travel: Travel) -> None:
    other = {"channame": "PJSIP/201-00000002", "uniqueid": "1795376941.2"}
    waiting = '{"bridge_id":"a","bridge_technology":"holding_bridge"}'

    steps = travel([event(), *(event("BRIDGE_ENTER", extra=waiting, **who) for who in ({}, other))]).steps

    assert told(steps) == ["start 200 to 201"]


def test_a_channel_that_began_in_another_call_has_its_number_from_the_event(travel: Travel) -> None:
    joined = event("ANSWER", appname="AppDial", channame="PJSIP/trunk-00000009", uniqueid="1.9", cid_num="5551234")

    assert told(travel([event(), joined]).steps) == ["start 200 to 201", "answer 5551234"]


@pytest.mark.parametrize("time", ["2026-11-22 19:49:01.123456", "2026-11-22 19:49:01"])
def test_fractions_of_a_second_are_left_out(travel: Travel, time: str) -> None:
    [start] = travel([event(eventtime=time)]).steps

    assert start.at is not None
    assert start.at.isoformat() == "2026-11-22T19:49:01+01:00"


def test_when_daylight_saving_ends_steps_stay_in_the_order_of_time(travel: Travel) -> None:
    # 1792889990 is 02:59:50 in Berlin, ten seconds before the clock is put back to 02:00.
    began = event(eventtime="2026-10-25 02:59:50", uniqueid="1792889990.1", linkedid="1792889990.1")
    ended = {**began, "eventtype": "HANGUP", "eventtime": "2026-10-25 02:00:05"}

    start, hangup = travel([ended, began]).steps

    assert (start.kind, hangup.kind) == ("start", "hangup")
    assert start.at is not None
    assert hangup.at is not None
    assert (hangup.at.astimezone(UTC) - start.at.astimezone(UTC)).total_seconds() == 15


def test_a_call_of_too_many_events_is_told_as_far_as_it_is_read(travel: Travel) -> None:
    started = [event(uniqueid=f"1795376941.{n}", channame=f"PJSIP/1-{n:08x}") for n in range(MOST_EVENTS + 10)]

    assert len(travel([event(), *started]).steps) == MOST_EVENTS


@pytest.mark.parametrize("columns", [(), COLUMNS, ("eventtime", "eventtype")])
def test_the_records_tell_where_there_are_no_events(travel: Travel, database: CdrFile, columns: Sequence[str]) -> None:
    database.add(row(n=7))

    journey = travel(linkedid="1795376941.7", columns=columns)

    assert (journey.linkedid, journey.source) == ("1795376941.7", "cdr")
    assert told(journey.steps) == ["start 200 to 201", "ring 201", "answer 201", "hangup 201", "hangup 200", "end"]
    assert times(journey.steps) == [1, 1, 4, 8, 8, 8]
    start, ring, _, hangup, *_ = journey.steps
    assert (start.name, start.context, ring.channel) == ("Alice", "from-internal", "PJSIP/201-00000003")
    assert hangup.detail == "ANSWERED"


def test_a_call_that_nothing_tells_of_is_not_found(travel: Travel) -> None:
    with pytest.raises(NotFound):
        travel([event()], linkedid="1795376941.999")


CALL = {"uniqueid": "1795376941.1", "linkedid": "1795376941.1"}
LOCAL = "Local/200@from-queue-00000003;"


@pytest.mark.parametrize(
    ("legs", "steps", "at"),
    [
        (
            [{"disposition": "NO ANSWER", "billsec": 0}, {"dstchannel": "", "lastapp": "VoiceMail",
              "lastdata": "201@default,u", "calldate": "2026-11-22 19:49:08", "duration": 4}],
            [
                "start 200 to 201", "ring 201", "hangup 201", "voicemail 200 to 201@default", "hangup 200", "end",
            ],
            [1, 1, 8, 8, 12, 12],
        ),
        (
            [{"disposition": "BUSY", "billsec": 0, "duration": 0}],
            ["start 200 to 201", "ring 201", "hangup 201", "hangup 200", "end"],
            [1, 1, 1, 1, 1],
        ),
        (
            [{"src": "0049891", "cnum": "0049891", "did": "555100", "channel": "PJSIP/trunk-00000001"}],
            ["start 0049891 to 555100", "ring 201", "answer 201", "hangup 201", "hangup 0049891", "end"],
            [1, 1, 4, 8, 8, 8],
        ),
        # A queue whose member is called by a Local channel, as FreePBX does; and one whose member is called itself.
        (
            [
                {"dst": "400", "lastapp": "Queue", "lastdata": "400,t,,", "dstchannel": f"{LOCAL}1", "billsec": 7},
                {"channel": f"{LOCAL}2", "calldate": "2026-11-22 19:49:03", "duration": 5, "billsec": 4},
            ],
            [
                "start 200 to 400", "queue 200 to 400", "ring 201", "answer 201", "hangup 201", "hangup 200", "end",
            ],
            [1, 1, 3, 4, 8, 8, 8],
        ),
        (
            [{"dst": "400", "lastapp": "Queue", "lastdata": "support,t", "billsec": 7}],
            [
                "start 200 to 400", "queue 200 to support", "ring 201", "answer 201", "hangup 201", "hangup 200",
                "end",
            ],
            [1, 1, 1, None, 8, 8, 8],
        ),
        # Two that rang at once.
        (
            [
                {"disposition": "NO ANSWER", "duration": 9, "billsec": 0},
                {"dstchannel": "PJSIP/202-00000004", "duration": 7, "billsec": 4},
            ],
            [
                "start 200 to 201", "ring 201", "ring 202", "answer 202", "hangup 202", "hangup 201", "hangup 200",
                "end",
            ],
            [1, 1, 1, 4, 8, 10, 10, 10],
        ),
    ],
)  # fmt: skip
def test_records_tell_what_they_can(
    travel: Travel, database: CdrFile, legs: Rows, steps: list[str], at: list[int | None]
) -> None:
    database.add(*(row(**{**CALL, "sequence": n, **leg}) for n, leg in enumerate(legs)))

    found = travel(linkedid=CALL["linkedid"], columns=()).steps

    assert told(found) == steps
    assert times(found) == at


def test_a_record_whose_date_is_none_is_told_without_times(travel: Travel, database: CdrFile) -> None:
    database.add(row(**CALL, calldate="0000-00-00 00:00:00"))

    found = travel(linkedid=CALL["linkedid"], columns=()).steps

    assert {step.at for step in found} == {None}
    assert told(found)[0] == "start 200 to 201"


def times(steps: Sequence[Step]) -> list[int | None]:
    """Seconds after 19:49:00."""
    begin = datetime(2026, 11, 22, 18, 49, tzinfo=UTC)
    return [None if step.at is None else int((step.at - begin).total_seconds()) for step in steps]


CHANNELS = st.sampled_from(["PJSIP/1-1", "SIP/2-2", "Local/3@c-1;1", "Local/3@c-1;2", "Local/", "", "Surrogate/x"])
EXTRA = st.dictionaries(
    st.sampled_from(["bridge_id", "hangupcause", "hangupsource", "extension", "transferee_channel_name", "retriever"]),
    st.one_of(st.none(), st.integers(), CHANNELS, st.lists(st.integers(), max_size=1)),
)
EVENTS = st.builds(
    Event,
    at=st.none() | st.datetimes(timezones=st.just(UTC)),
    type=st.sampled_from(
        [
            "CHAN_START", "ANSWER", "APP_START", "APP_END", "BRIDGE_ENTER", "BRIDGE_EXIT", "BLINDTRANSFER",
            "ATTENDEDTRANSFER", "PARK_START", "PARK_END", "PICKUP", "FORWARD", "HANGUP", "LINKEDID_END", "", "?",
        ]
    ),
    uniqueid=st.sampled_from(["1", "2", "3", ""]),
    channel=CHANNELS,
    number=st.text(max_size=3),
    name=st.text(max_size=3),
    extension=st.text(max_size=3),
    context=st.text(max_size=3),
    application=st.sampled_from(["", "Queue", "AppQueue", "Dial", "VoiceMail", "BackGround"]),
    data=st.text(max_size=5),
    peer=st.lists(CHANNELS, max_size=2).map(",".join),
    extra=EXTRA,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(EVENTS, max_size=25))
def test_whatever_is_in_the_table_gives_steps_that_fit_the_document(events: list[Event]) -> None:
    for step in cel_steps(events):
        assert step.kind in STEPS
        texts: list[Any] = [step.channel, step.number, step.peer, step.by, step.extension, step.context, step.detail]
        assert all(text is None or isinstance(text, str) for text in texts)
        assert step.cause is None or isinstance(step.cause, int)
