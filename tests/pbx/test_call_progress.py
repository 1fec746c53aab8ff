"""What a row of events makes of a call. The rows are those that Asterisk 16 and 22 send, cut to what matters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pbxapi.ami import Message
from pbxapi.pbx.call_progress import GRACE, SETTLE, CallProgress
from pbxapi.pbx.interfaces import CallRecord

START = datetime(2026, 1, 5, 10, 0, tzinfo=UTC)
A, B = "pbxapi-1", "ast-1767607200.7"


def follow(*rows: str | float, devices: dict[str, str] | None = None, canceled: bool = False) -> CallRecord:
    """Play rows of `Event Header=value ...`, and seconds that pass between them; give the record at the end."""
    record = CallRecord(
        id=A, origin="100", to="101", context="from-internal", caller_id=None, external_id=None, created_at=START,
        updated_at=START, canceled=canceled,
    )  # fmt: skip
    progress = CallProgress(record, lambda leg: (devices or {}).get(leg, "NOT_INUSE"))
    now = START
    for row in rows:
        if isinstance(row, str):
            event = message(row)
            assert progress.concerns(event)
            progress.on_event(event, now)
        else:
            now += timedelta(seconds=row)
            progress.on_tick(now)
    return progress.record


def message(row: str) -> Message:
    name, *fields = row.split(" ")
    return Message("\r\n".join([f"Event: {name}", *(field.replace("=", ": ") for field in fields)]).encode())


BORN = f"Newchannel Uniqueid={A} Linkedid={A}"
RINGS = f"Newstate Uniqueid={A} Linkedid={A} ChannelState=5"
UP = f"Newstate Uniqueid={A} Linkedid={A} ChannelState=6"
PLACED = f"OriginateResponse Uniqueid={A} Response=Success Reason=4"
B_BORN = f"Newchannel Uniqueid={B} Linkedid={A}"
B_DIALLED = f"DialBegin Uniqueid={A} Linkedid={A} DestUniqueid={B} DestLinkedid={A}"
REACHED = (BORN, RINGS, UP, PLACED)
DIALLED = (*REACHED, B_BORN, B_DIALLED)


def dial_end(status: str) -> str:
    return f"DialEnd Uniqueid={A} Linkedid={A} DestUniqueid={B} DestLinkedid={A} DialStatus={status}"


def hangup(uniqueid: str, cause: int) -> str:
    return f"Hangup Uniqueid={uniqueid} Linkedid={A} Cause={cause}"


def refused(reason: int) -> str:
    return f"OriginateResponse Uniqueid={A} Response=Failure Reason={reason}"


def test_status_goes_from_queued_over_ringing_to_answered_and_completed() -> None:
    assert follow().status == "queued"
    assert follow(BORN).status == "queued"
    ringing = follow(BORN, RINGS)
    assert (ringing.status, ringing.leg, ringing.ringing_at) == ("ringing", "from", START)
    picked_up = follow(*REACHED)
    assert (picked_up.status, picked_up.leg) == ("ringing", "to")
    answered = follow(*DIALLED, 3.0, dial_end("ANSWER"))
    assert (answered.status, answered.answered_at) == ("answered", START + timedelta(seconds=3))
    ended = follow(*DIALLED, 3.0, dial_end("ANSWER"), 60.0, hangup(B, 16), hangup(A, 16))
    assert (ended.status, ended.cause, ended.ended_at) == ("completed", 16, START + timedelta(seconds=63))


def test_the_call_lasts_until_its_last_leg_is_gone() -> None:
    rows = (*DIALLED, dial_end("ANSWER"), hangup(A, 16))
    assert follow(*rows).status == "answered"
    assert follow(*rows, hangup(B, 16)).status == "completed"


@pytest.mark.parametrize("order", [(hangup(A, 17), refused(0)), (refused(0), hangup(A, 17))])
def test_busy_is_told_by_the_cause_whichever_event_comes_first(order: tuple[str, str]) -> None:
    record = follow(BORN, *order)
    assert (record.status, record.leg, record.cause) == ("busy", "from", 17)


def test_the_second_of_hangup_and_response_is_waited_for_but_not_for_ever() -> None:
    assert follow(BORN, hangup(A, 17)).status == "queued"
    assert follow(BORN, hangup(A, 17), SETTLE.total_seconds()).status == "busy"


def test_nobody_answers() -> None:
    record = follow(BORN, RINGS, refused(3), hangup(A, 0))
    assert (record.status, record.leg) == ("no_answer", "from")
    record = follow(*DIALLED, dial_end("NOANSWER"), hangup(B, 0), hangup(A, 0))
    assert (record.status, record.leg) == ("no_answer", "to")


def test_an_unregistered_phone_is_named_whether_or_not_a_channel_was_made() -> None:
    devices = {"from": "UNAVAILABLE"}
    on_22 = follow(refused(0), devices=devices)
    on_16 = follow(BORN, refused(0), hangup(A, 0), devices=devices)
    for record in (on_22, on_16):
        assert (record.status, record.leg) == ("failed", "from")
        assert record.reason == "100 is offline: its device is not registered"


def test_an_unregistered_callee_is_told_from_a_busy_one() -> None:
    """The dialplan may hang up with any cause: here with 17 after Dial found no device."""
    record = follow(*REACHED, hangup(A, 17), devices={"to": "UNAVAILABLE"})
    assert (record.status, record.leg) == ("failed", "to")
    assert "101 is offline" in str(record.reason)
    record = follow(*REACHED, hangup(A, 17))
    assert (record.status, record.leg) == ("busy", "to")


def test_a_busy_callee() -> None:
    record = follow(*DIALLED, dial_end("BUSY"), hangup(B, 17), hangup(A, 17))
    assert (record.status, record.leg, record.cause, record.reason) == ("busy", "to", 17, "101 is busy")


def test_a_callee_who_declines_is_failed_with_the_cause() -> None:
    record = follow(*DIALLED, dial_end("NOANSWER"), hangup(B, 21), hangup(A, 0))
    assert (record.status, record.leg, record.cause) == ("failed", "to", 21)
    assert "declined" in str(record.reason)


def test_a_caller_who_gives_up_while_it_rings() -> None:
    record = follow(*DIALLED, f"HangupRequest Uniqueid={A}", dial_end("CANCEL"), hangup(B, 0), hangup(A, 0))
    assert (record.status, record.leg) == ("canceled", "from")
    record = follow(*REACHED, f"HangupRequest Uniqueid={A}", hangup(A, 16))
    assert (record.status, record.leg) == ("canceled", "from")


def test_what_the_api_hung_up_before_the_answer_is_canceled() -> None:
    assert follow(BORN, RINGS, hangup(A, 16), refused(0), canceled=True).status == "canceled"
    assert follow(*DIALLED, dial_end("CANCEL"), hangup(B, 16), hangup(A, 16), canceled=True).status == "canceled"
    assert follow(*DIALLED, dial_end("ANSWER"), hangup(B, 16), hangup(A, 16), canceled=True).status == "completed"


def test_an_application_that_takes_the_call_has_answered_it_after_the_grace() -> None:
    grace = GRACE.total_seconds()
    assert follow(*REACHED, grace - 0.1).status == "ringing"
    record = follow(*REACHED, grace)
    assert (record.status, record.answered_at) == ("answered", START)
    assert follow(*REACHED, grace, hangup(A, 16)).status == "completed"


def test_a_short_announcement_completes_the_call() -> None:
    record = follow(*REACHED, 1.0, hangup(A, 16))
    assert (record.status, record.answered_at) == ("completed", START)


def test_a_call_whose_end_was_not_seen_is_ended_all_the_same() -> None:
    record = CallRecord("x", "100", "101", "c", None, None, START, START)
    lost = CallProgress(record, lambda leg: "UNKNOWN")
    assert lost.lost(START)
    assert (lost.record.status, lost.record.ended_at) == ("failed", START)
    assert not lost.lost(START + timedelta(hours=1))


def test_an_ended_call_does_not_change_any_more() -> None:
    record = follow(BORN, hangup(A, 17), refused(0), UP, dial_end("ANSWER"))
    assert record.status == "busy"


def test_events_of_other_calls_do_not_concern_it() -> None:
    record = CallRecord(A, "100", "101", "c", None, None, START, START)
    progress = CallProgress(record, lambda leg: "UNKNOWN")
    assert not progress.concerns(message("Hangup Uniqueid=other Linkedid=other Cause=16"))
