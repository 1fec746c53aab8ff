"""The demo as a FreePBX: its rows and entries, what applying makes of them, and how it calls an extension."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from pbxapi.demo.command import demo_app
from pbxapi.demo.devices import together
from pbxapi.demo.exchange import DemoExchange
from pbxapi.demo.platform import DemoPlatform
from tests.demo.manager import Manager, Message, eventually


@pytest.fixture
def platform(exchange: DemoExchange, tmp_path: Path) -> DemoPlatform:
    return exchange.provide(tmp_path)


@pytest.fixture
def client(exchange: DemoExchange, tmp_path: Path) -> Iterator[FlaskClient]:
    """The API over the demo."""
    app = demo_app(exchange, tmp_path, days=1)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = "Bearer demo"
    yield client
    app.extensions["pbxapi"].pbx.close()
    app.extensions["pbxapi"].store.close()


@pytest.fixture
def change(platform: DemoPlatform) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(platform.database, isolation_level=None)) as connection:
        yield connection


def create(change: sqlite3.Connection, manager: Manager, number: str, name: str) -> None:
    """What FreePBX itself writes, as far as a call needs it: that of 101, under another number."""
    like = {"users": "extension", "devices": "id", "sip": "id"}
    for table, key in like.items():
        change.execute(f"CREATE TEMP TABLE new AS SELECT * FROM {table} WHERE {key} = '101'")
        change.execute(f"UPDATE new SET {key} = ?", (number,))
        change.execute(f"INSERT INTO {table} SELECT * FROM new")
        change.execute("DROP TABLE new")
    change.execute("UPDATE users SET name = ? WHERE extension = ?", (name, number))
    change.execute("UPDATE devices SET user = ?, dial = ? WHERE id = ?", (number, f"PJSIP/{number}", number))
    change.execute("UPDATE sip SET data = ? WHERE id = ? AND keyword = 'account'", (number, number))
    manager.ask("DBPut", Family="AMPUSER", Key=f"{number}/device", Val=number)
    manager.ask("DBPut", Family="DEVICE", Key=f"{number}/dial", Val=f"PJSIP/{number}")
    manager.ask("DBPut", Family="CW", Key=number, Val="ENABLED")


def delete(change: sqlite3.Connection, number: str) -> None:
    for table, key in (("users", "extension"), ("devices", "id"), ("sip", "id")):
        change.execute(f"DELETE FROM {table} WHERE {key} = ?", (number,))


def endpoints(manager: Manager) -> dict[str, Message]:
    return {one.get("ObjectName"): one for one in manager.ask("PJSIPShowEndpoints")[1:-1]}


def call(listener: Manager, to: str, *, until: str = "Hangup") -> list[Message]:
    """Have 105 call a number; give what is heard until its own channel is hung up, or until another event."""
    listener.originate("PJSIP/105", to, ChannelId="caller")
    return listener.until(lambda one: one.event == until and (until != "Hangup" or one.get("Uniqueid") == "caller"), 20)


def dialled(heard: list[Message]) -> list[str]:
    """Whom the caller's channel called, in order."""
    return [
        one.get("DestChannel").rpartition("-")[0] for one in heard if one.event == "DialBegin" and one.get("Channel")
    ]


def body(response: TestResponse) -> Any:
    return response.get_json()


def put(manager: Manager, family: str, key: str, value: str) -> None:
    manager.ask("DBPut", Family=family, Key=key, Val=value)


def test_it_has_the_phones_rows_and_entries_and_nothing_waits(
    platform: DemoPlatform, change: sqlite3.Connection, manager: Manager
) -> None:
    numbers = [number for number in endpoints(manager) if number != "trunk"]
    assert [row[0] for row in change.execute("SELECT extension FROM users ORDER BY 1")] == numbers
    assert change.execute("SELECT count(*) FROM sip").fetchone() == (54 * len(numbers),)
    assert change.execute("SELECT value FROM admin WHERE variable = 'need_reload'").fetchone() == ("false",)
    tree = {one.get("Key"): one.get("Val") for one in manager.ask("DBGetTree", Family="AMPUSER", Key="105")[1:-1]}
    assert tree["/AMPUSER/105/cidname"] == "José"
    assert tree["/AMPUSER/105/hint"] == "PJSIP/105&Custom:DND105,CustomPresence:105"
    assert platform.voicemail_conf.read_text().count("=100") >= 1


def test_every_number_of_its_dialplan_has_its_place_in_the_database(change: sqlite3.Connection) -> None:
    found = {
        *(row[0] for row in change.execute("SELECT custom_exten FROM custom_extensions")),
        *(row[0] for row in change.execute("SELECT extension FROM queues_config")),
        *(row[0] for row in change.execute("SELECT parkext FROM parkplus")),
        *(row[0] for row in change.execute("SELECT defaultcode FROM featurecodes")),
    }
    assert {"600", "601", "602", "603", "700", "800", "801", "*97"} <= found


def test_a_new_row_is_a_phone_after_it_is_applied_and_registers_by_itself(
    platform: DemoPlatform, change: sqlite3.Connection, listener: Manager
) -> None:
    create(change, listener, "250", "Alice")
    change.execute("UPDATE admin SET value = 'true' WHERE variable = 'need_reload'")
    assert "250" not in endpoints(listener)
    platform.apply()
    assert endpoints(listener)["250"].get("DeviceState") == "Unavailable"
    assert change.execute("SELECT value FROM admin WHERE variable = 'need_reload'").fetchone() == ("false",)
    assert "[250-auth]" in platform.pjsip_conf.read_text()
    listener.until_event("DeviceStateChange", Device="PJSIP/250", State="NOT_INUSE")
    (secret,) = change.execute("SELECT data FROM sip WHERE id = '250' AND keyword = 'secret'").fetchone()
    details = {one.event: one for one in listener.ask("PJSIPShowEndpoint", Endpoint="250")}
    assert "TransportDetail" not in details  # it may take any
    assert details["AuthDetail"].get("Password") == secret
    assert details["EndpointDetail"].get("Callerid") == '"Alice" <250>'
    heard = call(listener, "250", until="BridgeEnter")
    assert dialled(heard) == ["PJSIP/250"]


def test_a_phone_without_its_row_is_gone_and_its_calls_end(
    platform: DemoPlatform, change: sqlite3.Connection, listener: Manager
) -> None:
    listener.talk("101")
    delete(change, "101")
    platform.apply()
    assert "101" not in endpoints(listener)
    eventually(lambda: listener.channels() == [], "its call is over")
    assert listener.ask("Originate", Channel="PJSIP/101", Application="Echo")[0].get("Message") == "Originate failed"
    assert listener.ask("DBGetTree", Family="registrar", Key="contact")[1:-1]
    assert not [one for one in listener.ask("DBGetTree", Family="registrar")[1:-1] if "/101;@" in one.get("Key")]
    listener.act(
        "Originate", {"Channel": "PJSIP/105", "Context": "from-internal", "Exten": "101", "Priority": "1"}.items()
    )
    assert listener.until(lambda one: one.get("Response") == "Error")[-1].get("Message") == "Extension does not exist."


def test_another_name_is_shown_and_the_phone_stays_registered(
    platform: DemoPlatform, change: sqlite3.Connection, manager: Manager
) -> None:
    change.execute("UPDATE users SET name = 'Anna' WHERE extension = '100'")
    platform.apply()
    detail = manager.ask("PJSIPShowEndpoint", Endpoint="100")[1]
    assert detail.get("Callerid") == '"Anna" <100>'
    assert endpoints(manager)["100"].get("Contacts")


def test_a_member_of_a_queue_without_its_row_is_no_member(
    platform: DemoPlatform, change: sqlite3.Connection, manager: Manager
) -> None:
    change.execute("DELETE FROM queues_details WHERE id = '800' AND data LIKE 'Local/101@%'")
    platform.apply()
    members = [one.get("Location") for one in manager.ask("QueueStatus", Queue="800") if one.event == "QueueMember"]
    assert members == ["Local/100@from-queue/n"]


@pytest.mark.usefixtures("platform")
def test_do_not_disturb_is_busy(listener: Manager) -> None:
    put(listener, "DND", "101", "YES")
    heard = call(listener, "101")
    assert (dialled(heard), heard[-1].get("Cause")) == ([], "17")


@pytest.mark.usefixtures("platform")
def test_a_lamp_follows_do_not_disturb(listener: Manager) -> None:
    listener.ask("Setvar", Variable="DEVICE_STATE(Custom:DND101)", Value="BUSY")
    told = listener.until_event("ExtensionStatus", Exten="101")[-1]
    assert (told.get("StatusText"), told.get("Hint")) == ("Busy", "PJSIP/101&Custom:DND101,CustomPresence:101")
    listener.ask("Setvar", Variable="DEVICE_STATE(Custom:DND101)", Value="UNAVAILABLE")
    assert listener.until_event("ExtensionStatus", Exten="101")[-1].get("StatusText") == "Idle"


@pytest.mark.usefixtures("platform")
@pytest.mark.parametrize(
    ("family", "extension", "expected"),
    [("CF", "101", ["PJSIP/107"]), ("CFB", "102", ["PJSIP/102", "PJSIP/107"]), ("CFU", "104", ["PJSIP/107"])],
)
def test_a_call_is_forwarded(listener: Manager, family: str, extension: str, expected: list[str]) -> None:
    put(listener, family, extension, "107")
    assert dialled(call(listener, extension, until="BridgeEnter")) == expected


@pytest.mark.usefixtures("platform")
def test_a_forward_to_the_outside_takes_the_trunk_and_one_to_itself_ends(listener: Manager) -> None:
    put(listener, "CF", "101", "101")
    assert call(listener, "101")[-1].get("Cause") == "34"
    put(listener, "CF", "101", "07700900113")
    listener.originate("PJSIP/105", "101")
    assert listener.until(lambda one: bool(dialled([one])))[-1].get("DestChannel").startswith("PJSIP/trunk-")


@pytest.mark.usefixtures("platform")
def test_call_waiting_lets_a_second_call_through_and_without_it_the_phone_is_busy(listener: Manager) -> None:
    listener.talk("101")
    assert dialled(call(listener, "101", until="BridgeEnter")) == ["PJSIP/101"]
    listener.ask("Hangup", Channel="caller")
    listener.ask("DBDel", Family="CW", Key="101")
    heard = call(listener, "101")
    assert (dialled(heard), heard[-1].get("Cause")) == ([], "17")


@pytest.mark.usefixtures("platform")
def test_a_phone_rings_as_long_as_its_ring_time(listener: Manager) -> None:
    put(listener, "AMPUSER", "103/ringtimer", "1")
    heard = call(listener, "103")
    assert [one.get("AppData").split(",")[1] for one in heard if one.get("Application") == "Dial"] == ["1"]
    assert [one.get("DialStatus") for one in heard if one.event == "DialEnd"][-1] == "NOANSWER"


@pytest.mark.usefixtures("platform")
def test_follow_me_rings_the_phone_first_and_then_the_list(listener: Manager) -> None:
    for key, value in {"prering": "1", "grptime": "5", "grplist": "103-107", "strategy": "ringallv2"}.items():
        put(listener, "AMPUSER", f"103/followme/{key}", value)
    put(listener, "AMPUSER", "103/followme/ddial", "DIRECT")
    heard = call(listener, "103", until="BridgeEnter")
    assert dialled(heard) == ["PJSIP/103", "PJSIP/103", "PJSIP/107"]
    eventually(lambda: len(listener.channels()) == 2, "the phone that did not answer rings no more")


@pytest.mark.usefixtures("platform")
def test_follow_me_that_is_off_or_hunts(listener: Manager) -> None:
    for key, value in {"prering": "0", "grptime": "5", "grplist": "102-107", "strategy": "hunt"}.items():
        put(listener, "AMPUSER", f"102/followme/{key}", value)
    put(listener, "AMPUSER", "102/followme/ddial", "EXTENSION")
    assert dialled(call(listener, "102")) == ["PJSIP/102"]
    put(listener, "AMPUSER", "102/followme/ddial", "DIRECT")
    heard = call(listener, "102", until="BridgeEnter")
    assert dialled(heard) == ["PJSIP/102", "PJSIP/107"]
    legs = [one for one in heard if one.event in {"DialBegin", "DialEnd"} and one.get("Channel")]
    assert [one.event for one in legs] == ["DialBegin", "DialEnd", "DialBegin", "DialEnd"]


@pytest.mark.usefixtures("platform")
def test_follow_me_rings_numbers_outside_and_leaves_out_who_is_not_to_be_disturbed_or_not_there(
    listener: Manager,
) -> None:
    put(listener, "AMPUSER", "102/followme/grplist", "105-104-103-07700900113#")
    put(listener, "AMPUSER", "102/followme/strategy", "ringall")
    put(listener, "AMPUSER", "102/followme/ddial", "DIRECT")
    put(listener, "DND", "105", "YES")
    listener.originate("PJSIP/105", "102", ChannelId="caller")
    heard = listener.until_event("Newexten", Application="Dial", Channel="PJSIP/105-00000000")
    assert heard[-1].get("AppData").split(",")[0] == "PJSIP/103&PJSIP/trunk"
    listener.until(lambda one: dialled([one]) == ["PJSIP/trunk"])
    listener.ask("Hangup", Channel="caller")
    eventually(lambda: listener.channels() == [], "none of them rings any more")


@pytest.mark.usefixtures("platform")
def test_whoever_has_voicemail_is_recorded_when_nobody_is_there(listener: Manager) -> None:
    listener.originate("PJSIP/105", "108", ChannelId="caller")
    listener.until_event("Newexten", Application="VoiceMail", AppData="108@default,u")
    assert [one.get("ChannelStateDesc") for one in listener.channels()] == ["Up"]


@pytest.mark.usefixtures("platform")
def test_an_extension_whose_device_nobody_knows_cannot_be_called(listener: Manager) -> None:
    listener.ask("DBDel", Family="AMPUSER", Key="101/device")
    heard = call(listener, "101")
    assert (dialled(heard), heard[-1].get("Cause")) == ([], "3")


def test_a_ring_group_rings_its_members_at_once_until_it_is_deleted(
    platform: DemoPlatform, change: sqlite3.Connection, listener: Manager
) -> None:
    heard = call(listener, "500", until="BridgeEnter")
    assert dialled(heard) == ["PJSIP/110", "PJSIP/111", "PJSIP/112"]
    change.execute("DELETE FROM ringgroups")
    platform.apply()
    answer = listener.ask("Originate", Channel="PJSIP/105", Context="from-internal", Exten="500", Priority="1")
    assert answer[0].get("Message") == "Extension does not exist."


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["NOT_INUSE", "BUSY"], "BUSY"),
        (["UNAVAILABLE", "UNKNOWN"], "UNAVAILABLE"),
        (["UNAVAILABLE", "NOT_INUSE"], "NOT_INUSE"),
        (["RINGING", "BUSY"], "RINGINUSE"),
        (["RINGING", "NOT_INUSE"], "RINGING"),
    ],
)
def test_devices_of_a_hint_are_one_state_together_as_in_asterisk(states: list[str], expected: str) -> None:
    assert together(states) == together(reversed(states)) == expected


def test_an_extension_made_by_the_api_is_a_phone_and_is_none_after_it_is_deleted(
    client: FlaskClient, listener: Manager
) -> None:
    planned = client.post("/extensions?dry_run=true", json={"extension": "250", "name": "Alice"})
    assert planned.status_code == 200
    assert client.get("/extensions/250").status_code == 404
    made = client.post("/extensions", json={"extension": "250", "name": "Alice"})
    assert (made.status_code, body(made)["applied"]) == (201, True)
    listener.until_event("DeviceStateChange", Device="PJSIP/250", State="NOT_INUSE")
    assert listener.ask("PJSIPShowEndpoint", Endpoint="250")[2].get("Password") == body(made)["secret"]
    assert dialled(call(listener, "250", until="BridgeEnter")) == ["PJSIP/250"]
    client.patch("/extensions/250/features", json={"do_not_disturb": True})
    assert listener.ask("DBGet", Family="DND", Key="250")[1].get("Val") == "YES"
    assert body(client.delete("/extensions/250"))["applied"]
    assert "250" not in endpoints(listener)
    assert [client.get(path).status_code for path in ("/extensions/250", "/peers/250")] == [404, 404]


def test_a_queue_made_by_the_api_is_called_and_is_none_after_it_is_deleted(
    client: FlaskClient, listener: Manager
) -> None:
    member = {"extension": "101", "penalty": 2}
    asked = {"queue": "400", "description": "Night", "strategy": "linear", "static_members": [member]}
    assert client.post("/queues", json=asked).status_code == 201
    (found,) = body(client.get("/queues/400"))["members"]
    assert (found["name"], found["state"], found["penalty"]) == ("Bruno", "not_inuse", 2)
    assert dialled(call(listener, "400", until="AgentConnect"))[0] == "Local/101@from-queue"
    listener.ask("Hangup", Channel="caller")
    listener.until_event("AgentComplete")
    assert body(client.delete("/queues/400"))["applied"]
    assert client.get("/queues/400").status_code == 404


def test_rows_entries_files_and_phones_agree(client: FlaskClient) -> None:
    numbers = [one["extension"] for one in body(client.get("/extensions?limit=100"))["items"]]
    assert len(numbers) == 20
    assert [item for number in numbers for item in body(client.get(f"/extensions/{number}/drift"))["items"]] == []


def test_numbers_of_the_dialplan_are_taken_and_who_is_mentioned_is_not_deleted(client: FlaskClient) -> None:
    for number in ("500", "600", "700", "710", "800"):
        assert client.post("/extensions", json={"extension": number, "name": "X"}).status_code == 409, number
    assert "IVR" in body(client.delete("/extensions/100"))["detail"]
    assert body(client.delete("/extensions/100?force=true"))["applied"]


def test_follow_me_and_voicemail_are_there_to_look_at(client: FlaskClient) -> None:
    found = {one["extension"]: one for one in body(client.get("/follow-me"))["items"]}
    assert {number: one["enabled"] for number, one in found.items()} == {"107": False, "113": True}
    assert found["113"]["numbers"] == ["113", "07700900113"]
    boxes = {number: body(client.get(f"/extensions/{number}"))["voicemail"] for number in ("100", "101", "108")}
    assert {number for number, box in boxes.items() if box} == {"100", "108"}
