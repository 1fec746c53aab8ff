"""Calls between the phones of the tests, through a real dialplan."""

from __future__ import annotations

import contextlib

import pytest

from tests.real.deadline import eventually
from tests.real.exchange import REAL, ROLES, Exchange
from tests.real.mariadb import MariaDB
from tests.real.raw_manager import live_channels
from tests.real.sip_phone import Phone

pytestmark = pytest.mark.parametrize("_exchange", REAL, indirect=True, scope="session")


def _channel_of(exchange: Exchange, number: str) -> str:
    with exchange.manager() as manager:
        return next(name for name in live_channels(manager) if name.startswith(f"PJSIP/{number}-"))


def test_phones_of_every_role_are_registered_but_104(exchange: Exchange) -> None:
    with exchange.manager() as manager:
        rows = manager.ask("PJSIPShowContacts")
    registered = {row["Endpoint"] for row in rows if row.get("Event") == "ContactList"} - {"trunk"}
    assert registered == {number for number, role in ROLES.items() if role.registered}


@pytest.mark.parametrize(("number", "status"), [("102", 486), ("106", 603)])
def test_a_call_to_a_phone_that_refuses_ends_by_itself(exchange: Exchange, number: str, status: int) -> None:
    call = exchange.phones["100"].call(number).wait_ended()
    assert call.status >= 400
    assert exchange.phones[number].wait_incoming().wait_ended().status == status


def test_a_call_that_is_given_up_stops_ringing_at_the_other_end(exchange: Exchange) -> None:
    call = exchange.phones["100"].call("103").wait_ringing()
    ringing = exchange.phones["103"].wait_incoming()
    call.hang_up()
    assert (call.wait_ended().status, ringing.wait_ended().status) == (487, 487)


def test_a_call_to_a_phone_that_is_not_there_fails_at_once(exchange: Exchange) -> None:
    assert exchange.phones["100"].call("104").wait_ended().status >= 400


def test_two_phones_hear_each_other_until_one_hangs_up(exchange: Exchange) -> None:
    caller = exchange.phones["100"].call("101").wait_answered()
    called = exchange.phones["101"].wait_incoming()
    assert caller.sound.hears()
    assert called.sound.hears()
    caller.hang_up()
    called.wait_ended()


def test_a_phone_sees_the_headers_of_the_invite_that_reached_it(exchange: Exchange) -> None:
    exchange.phones["100"].call("103")
    invite = exchange.phones["103"].wait_incoming().invite
    assert invite is not None
    assert '"Ana" <sip:100@' in invite.first("from")


def test_hold_and_unhold_reach_the_exchange(exchange: Exchange) -> None:
    caller = exchange.phones["100"].call("101").wait_answered()
    with exchange.manager(events="call") as events:
        caller.hold()
        assert events.wait_event("Hold")["Channel"].startswith("PJSIP/100-")
        assert exchange.phones["101"].wait_incoming().sound.hears()  # the music
        caller.unhold()
        assert events.wait_event("Unhold")["Channel"].startswith("PJSIP/100-")
    assert caller.sound.hears()


def test_digits_that_the_exchange_sends_are_counted(exchange: Exchange) -> None:
    call = exchange.phones["100"].call("603").wait_answered()
    with exchange.manager() as manager:
        channel = _channel_of(exchange, "100")
        for digit in "11#":
            assert manager.ask("PlayDTMF", Channel=channel, Digit=digit)[0]["Response"] == "Success"
    assert call.sound.wait_digits("11#"), call.sound.digits


def test_an_answered_call_leaves_a_call_record_and_a_recording(exchange: Exchange, mariadb: MariaDB) -> None:
    server = exchange.asterisk
    assert server is not None
    assert server.database is not None
    database = server.database.name
    caller = exchange.phones["100"].call("*101").wait_answered()
    linkedid = _linkedid(exchange)
    eventually(lambda: caller.sound.packets > 10, "there is sound to record")
    caller.hang_up()

    recording = server.recordings / f"{linkedid}.wav"
    eventually(lambda: recording.exists() and recording.stat().st_size > 44, "a recording with sound")
    [row] = eventually(
        lambda: mariadb.run("SELECT * FROM cdr WHERE linkedid = %s", linkedid, database=database), "a call record"
    )
    assert (row["src"], row["dst"], row["disposition"]) == ("100", "*101", "ANSWERED")
    assert row["recordingfile"] == recording.name


def _linkedid(exchange: Exchange) -> str:
    with exchange.manager() as manager:
        rows = manager.ask("CoreShowChannels")
    return next(row["Linkedid"] for row in rows if row.get("Event") == "CoreShowChannel")


def test_a_wrong_password_cannot_register(exchange: Exchange) -> None:
    server = exchange.asterisk
    assert server is not None
    with contextlib.closing(Phone("104", "wrong", server.ports.sip)) as stranger:
        assert stranger.register() == 401
        assert not stranger.registered


def test_phones_are_back_after_the_exchange_was_killed(exchange: Exchange) -> None:
    server = exchange.asterisk
    assert server is not None
    exchange.phones["100"].call("101").wait_answered()
    server.kill()


def test_the_test_after_a_killed_exchange_finds_a_working_one(exchange: Exchange) -> None:
    with exchange.manager() as manager:
        assert live_channels(manager) == set()
    exchange.phones["100"].call("101").wait_answered()
