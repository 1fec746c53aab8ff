"""Extensions made through the API on the tables of FreePBX and Issabel, as a telephone finds them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.real.api import Api
from tests.real.deadline import eventually
from tests.real.platform_exchange import KINDS, PlatformExchange
from tests.real.sip_phone import Phone

RECORDED = 8000
"""Bytes of a voicemail message that are enough to be kept: half a second."""


def _create(api: Api, number: str, name: str, **fields: object) -> Any:
    made = api.post("/extensions", {"extension": number, "name": name, **fields}, status=201)
    assert (made["applied"], made["apply_reason"]) == (True, None)
    return made


def _phone(platform: PlatformExchange, made: Any, *, answers: bool = False) -> Phone:
    """The telephone of an extension as its POST answered, registered."""
    phone = platform.phone(
        made["extension"], made["secret"], chan_sip=made["technology"] == "sip", answer_after=0.1 if answers else None
    )
    assert phone.register() == 200
    return phone


def _names_at(phone: Phone, seconds: float = 5.0) -> str:
    """What stands before the number in the next call that comes to a telephone."""
    invite = phone.wait_incoming(seconds).invite
    assert invite is not None
    return invite.first("from").partition("<")[0].strip(' "')


def test_an_extension_of_number_and_name_registers_with_the_secret_in_the_answer_and_no_other(
    platform: PlatformExchange, platform_api: Api
) -> None:
    made = _create(platform_api, "200", "Alice")
    _phone(platform, made)
    stranger = platform.phone("200", made["secret"][:-1] + "!", chan_sip=made["technology"] == "sip")
    assert stranger.register() in (401, 403)


def test_two_extensions_call_each_other_and_see_who_calls(platform: PlatformExchange, platform_api: Api) -> None:
    alice = _phone(platform, _create(platform_api, "200", "Alice"), answers=True)
    bob = _phone(platform, _create(platform_api, "201", "Bob Builder"))
    call = bob.call("200").wait_answered()
    assert _names_at(alice) == "Bob Builder"
    assert call.sound.hears()


def test_whoever_gets_no_answer_leaves_a_message(platform: PlatformExchange, platform_api: Api) -> None:
    made = _create(platform_api, "200", "Alice", ring_time=1, voicemail={"password": "472913"})
    alice = _phone(platform, made)
    bob = _phone(platform, _create(platform_api, "201", "Bob"))
    call = bob.call("200")
    alice.wait_incoming()
    call.wait_answered()
    box = platform.voicemail / "default/200"
    eventually(lambda: any(f.stat().st_size > RECORDED for f in box.rglob("*.wav")), "half a second is recorded")
    call.hang_up()
    eventually(lambda: list(box.glob("INBOX/msg0000.*")), "the message lies in the box")


def test_follow_me_rings_another_extension_when_the_first_does_not_answer(
    platform: PlatformExchange, platform_api: Api
) -> None:
    alice = _phone(platform, _create(platform_api, "200", "Alice"))
    bob = _phone(platform, _create(platform_api, "201", "Bob"), answers=True)
    carol = _phone(platform, _create(platform_api, "202", "Carol"))
    wanted = {"enabled": True, "numbers": ["201"], "initial_ring_time": 1, "ring_time": 10}
    platform_api.send("PUT", "/extensions/200/follow-me", status=201, json=wanted)
    call = carol.call("200")
    alice.wait_incoming().wait_ended()
    assert call.wait_answered().sound.hears()
    assert _names_at(bob) == "Carol"


def test_follow_me_reaches_a_number_outside_and_stops_at_once_when_it_is_switched_off(
    platform: PlatformExchange, platform_api: Api
) -> None:
    alice = _phone(platform, _create(platform_api, "200", "Alice"), answers=True)
    bob = _phone(platform, _create(platform_api, "201", "Bob"))
    wanted = {"enabled": True, "numbers": ["5551234"], "initial_ring_time": 0, "ring_time": 10}
    platform_api.send("PUT", "/extensions/200/follow-me", status=201, json=wanted)
    assert bob.call("200").wait_answered().sound.hears()
    assert not alice.incoming
    platform_api.send("PUT", "/extensions/200/follow-me", json={**wanted, "enabled": False})
    bob.call("200").wait_answered()
    assert _names_at(alice) == "Bob"


def test_a_deleted_extension_is_refused_and_nothing_of_it_is_left(
    platform: PlatformExchange, platform_api: Api
) -> None:
    made = _create(platform_api, "200", "Alice", voicemail={"password": "472913"})
    alice = _phone(platform, made)
    wanted = {"enabled": True, "numbers": ["5551234"], "initial_ring_time": 0, "ring_time": 10}
    platform_api.send("PUT", "/extensions/200/follow-me", status=201, json=wanted)
    platform_api.send("PATCH", "/extensions/200/features", json={"call_forward": {"all": "5551234"}})
    platform_api.send("DELETE", "/extensions/200")
    assert alice.register() in (401, 403, 404)
    assert platform.astdb("200") == {}
    assert [row for table in platform.tables() for row in platform.rows(table, "200")] == []
    assert "200" not in (platform.etc / "voicemail.conf").read_text()


def test_a_new_name_reaches_the_phones_and_changes_no_secret_and_no_setting_of_the_screen(
    platform: PlatformExchange, platform_api: Api
) -> None:
    alice = _phone(platform, _create(platform_api, "200", "Alice"))
    bob = _phone(platform, _create(platform_api, "201", "Bob"))
    platform.sql("INSERT INTO sip (id, keyword, data, flags) VALUES ('201', 'set_var', 'SCREEN=wrote', 99)")
    before = platform.keywords("201")
    changed = platform_api.send("PATCH", "/extensions/201", json={"name": "Robert"}).get_json()
    assert (changed["applied"], changed["options"]["set_var"]) == (True, "SCREEN=wrote")
    assert {**platform.keywords("201"), "callerid": ""} == {**before, "callerid": ""}
    assert bob.register() == 200
    bob.call("200")
    assert _names_at(alice) == "Robert"


def test_do_not_disturb_stops_the_ringing_at_once(platform: PlatformExchange, platform_api: Api) -> None:
    alice = _phone(platform, _create(platform_api, "200", "Alice"))
    bob = _phone(platform, _create(platform_api, "201", "Bob"))
    written = (platform.etc / "extensions_additional.conf").stat().st_mtime_ns
    platform_api.send("PATCH", "/extensions/200/features", json={"do_not_disturb": True})
    assert bob.call("200").wait_ended().status == 486
    assert alice.incoming == []
    platform_api.send("PATCH", "/extensions/200/features", json={"do_not_disturb": False})
    bob.call("200")
    assert _names_at(alice) == "Bob"
    assert (platform.etc / "extensions_additional.conf").stat().st_mtime_ns == written


@pytest.mark.parametrize("_platform", [kind for kind in KINDS if kind.asterisk == "16"], indirect=True, scope="session")
def test_an_extension_of_chan_sip_registers_and_rings(platform: PlatformExchange, platform_api: Api) -> None:
    made = _create(platform_api, "200", "Alice", technology="sip")
    assert made["technology"] == "sip"
    alice = _phone(platform, made)
    assert platform.phone("200", "not-the-secret", chan_sip=True).register() in (401, 403)
    bob = _phone(platform, _create(platform_api, "201", "Bob", technology="pjsip"))
    bob.call("200")
    assert _names_at(alice) == "Bob"
    platform_api.send("DELETE", "/extensions/200")
    assert alice.register() in (401, 403, 404)
