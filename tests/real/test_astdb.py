"""AstDB and custom states over the manager: the same answers, word for word, from every exchange."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.exchange import Exchange
from tests.real.raw_manager import RawManager

FAMILY = "PbxapiTest"
STATE, PRESENCE = "DEVICE_STATE(Custom:PbxapiTest)", "PRESENCE_STATE(CustomPresence:PbxapiTest)"
SET, NOT_SET = ("Success", "Variable Set"), ("Error", "Variable not set")
UPDATED, NOT_FOUND = ("Success", "Updated database successfully"), ("Error", "Database entry not found")


@pytest.fixture
def manager(exchange: Exchange) -> Iterator[RawManager]:
    with exchange.manager(events="call,system") as manager:
        yield manager
        manager.ask("DBDelTree", Family=FAMILY)
        for family in ("CustomDevstate", "CustomPresence"):
            manager.ask("DBDel", Family=family, Key="PbxapiTest")


def said(answer: list[dict[str, str]]) -> tuple[str, str]:
    (message,) = answer
    return message["Response"], message["Message"]


def put(manager: RawManager, key: str, value: str, family: str = FAMILY) -> None:
    assert said(manager.ask("DBPut", Family=family, Key=key, Val=value)) == UPDATED


def tree(manager: RawManager, family: str, key: str = "") -> list[tuple[str, str]]:
    head, *entries, end = manager.ask("DBGetTree", Family=family, **({"Key": key} if key else {}))
    assert (head["Message"], end["Event"]) == ("Result will follow", "DBGetTreeComplete")
    return [(entry["Key"], entry["Val"]) for entry in entries]


def set_variable(manager: RawManager, name: str, value: str) -> tuple[str, str]:
    return said(manager.ask("Setvar", Variable=name, Value=value))


def variable(manager: RawManager, name: str) -> str:
    (answer,) = manager.ask("Getvar", Variable=name)
    return answer["Value"]


def test_an_entry_is_put_read_and_deleted(manager: RawManager) -> None:
    put(manager, "a", 'x: y, "z"')
    head, entry, end = manager.ask("DBGet", Family=FAMILY, Key="a")
    assert [head["Message"], entry["Event"], entry["Family"], entry["Key"], entry["Val"], end["Event"]] == [
        "Result will follow", "DBGetResponse", FAMILY, "a", 'x: y, "z"', "DBGetComplete",
    ]  # fmt: skip
    assert said(manager.ask("DBDel", Family=FAMILY, Key="a")) == ("Success", "Key deleted successfully")
    assert said(manager.ask("DBDel", Family=FAMILY, Key="a")) == ("Error", "Database entry could not be deleted")
    assert said(manager.ask("DBGet", Family=FAMILY, Key="a")) == NOT_FOUND


def test_an_empty_entry_is_there(manager: RawManager) -> None:
    put(manager, "a", "")
    assert manager.ask("DBGet", Family=FAMILY, Key="a")[1]["Val"] == ""
    assert tree(manager, FAMILY) == [(f"/{FAMILY}/a", "")]


def test_a_tree_is_the_entry_and_what_is_below_it(manager: RawManager) -> None:
    for key in ("ab", "a", "a/c", "a/b/d"):
        put(manager, key, key)
    whole = [(f"/{FAMILY}/{key}", key) for key in ("a", "a/b/d", "a/c", "ab")]
    assert tree(manager, FAMILY) == whole
    assert tree(manager, FAMILY, "a") == whole[:3]
    assert tree(manager, FAMILY, "nothing") == []
    assert said(manager.ask("DBDelTree", Family=FAMILY, Key="a")) == ("Success", "Key tree deleted successfully")
    assert tree(manager, FAMILY) == whole[3:]
    assert said(manager.ask("DBDelTree", Family=FAMILY, Key="a")) == NOT_FOUND


def test_where_the_family_ends_and_the_key_begins_makes_no_difference(manager: RawManager) -> None:
    put(manager, "b", "1", family=f"{FAMILY}/a")
    assert manager.ask("DBGet", Family=FAMILY, Key="a/b")[1]["Val"] == "1"
    assert said(manager.ask("DBGet", Family=FAMILY.lower(), Key="a/b")) == NOT_FOUND


def test_what_is_not_said_is_missed(manager: RawManager) -> None:
    assert said(manager.ask("DBPut", Family=FAMILY, Val="x")) == ("Error", "No key specified")
    assert said(manager.ask("DBPut", Key="a", Val="x")) == ("Error", "No family specified")
    assert said(manager.ask("DBGet", Family=FAMILY)) == ("Error", "No key specified.")
    assert said(manager.ask("DBDelTree")) == ("Error", "No family specified.")


def test_a_custom_device_state_is_set_told_and_kept(manager: RawManager) -> None:
    set_variable(manager, STATE, "NOT_INUSE")
    assert set_variable(manager, STATE, "BUSY") == SET
    while (event := manager.wait_event("DeviceStateChange"))["State"] != "BUSY":
        pass
    assert event["Device"] == "Custom:PbxapiTest"
    assert variable(manager, STATE) == "BUSY"
    assert tree(manager, "CustomDevstate", "PbxapiTest") == [("/CustomDevstate/PbxapiTest", "BUSY")]
    assert set_variable(manager, STATE, "not_inuse") == SET
    assert variable(manager, STATE) == "NOT_INUSE"
    assert tree(manager, "CustomDevstate", "PbxapiTest") == [("/CustomDevstate/PbxapiTest", "not_inuse")]


def test_a_custom_device_state_is_told_once(manager: RawManager, exchange: Exchange) -> None:
    set_variable(manager, STATE, "NOT_INUSE")
    with exchange.manager(events="call") as listener:
        for state in ("BUSY", "BUSY", "INUSE"):
            set_variable(manager, STATE, state)
        told: list[str] = []
        while not told or told[-1] != "INUSE":
            event = listener.wait_event("DeviceStateChange")
            told += [event["State"]] if event["Device"] == "Custom:PbxapiTest" else []
    assert told == ["BUSY", "INUSE"]


def test_a_custom_device_state_outlives_its_entry(manager: RawManager) -> None:
    set_variable(manager, STATE, "INUSE")
    manager.ask("DBDel", Family="CustomDevstate", Key="PbxapiTest")
    assert variable(manager, STATE) == "INUSE"
    assert tree(manager, "CustomDevstate", "PbxapiTest") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (STATE, "nonsense"),
        (STATE, ""),
        ("DEVICE_STATE(PJSIP/100)", "BUSY"),
        ("DEVICE_STATE(Custom:)", "BUSY"),
        (PRESENCE, "nonsense"),
        ("PRESENCE_STATE(PJSIP/100)", "away"),
        ("PRESENCE_STATE(Other:PbxapiTest)", "away"),
        ("NOSUCHFUNCTION(x)", "1"),
    ],
)
def test_what_no_state_can_be_is_not_set(manager: RawManager, name: str, value: str) -> None:
    assert set_variable(manager, name, value) == NOT_SET


def test_a_custom_presence_is_set_told_and_kept(manager: RawManager) -> None:
    assert variable(manager, PRESENCE.replace(")", ",value)")) == "not_set"
    assert set_variable(manager, PRESENCE, "dnd,,in a meeting") == SET
    event = manager.wait_event("PresenceStateChange")
    shown = [event[name] for name in ("Presentity", "Status", "Subtype", "Message")]
    assert shown == ["CustomPresence:PbxapiTest", "dnd", "", "in a meeting"]
    assert variable(manager, PRESENCE.replace(")", ",message)")) == "in a meeting"
    assert tree(manager, "CustomPresence", "PbxapiTest") == [("/CustomPresence/PbxapiTest", "dnd,,in a meeting")]
    assert set_variable(manager, PRESENCE, "available,,") == SET
    assert tree(manager, "CustomPresence", "PbxapiTest") == [("/CustomPresence/PbxapiTest", "available,,")]


def test_a_state_that_nobody_set_is_unknown(manager: RawManager) -> None:
    assert variable(manager, "DEVICE_STATE(Custom:PbxapiNobody)") == "UNKNOWN"
    assert variable(manager, "DEVICE_STATE(nonsense)") == "INVALID"


@pytest.mark.parametrize(
    ("module", "answer", "status"),
    [
        ("res_pjsip.so", ("Success", "Module Reloaded"), "0"),
        ("app_voicemail", ("Success", "Module Reloaded"), "0"),
        ("nothing.so", ("Error", "No such module"), "2"),
    ],
)
def test_a_module_is_reloaded(manager: RawManager, module: str, answer: tuple[str, str], status: str) -> None:
    assert said(manager.ask("Reload", Module=module)) == answer
    event = manager.wait_event("Reload")
    assert (event["Module"], event["Status"]) == (module, status)
