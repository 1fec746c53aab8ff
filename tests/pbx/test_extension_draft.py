"""What is written for an extension equals, key for key, what the platforms themselves wrote for it."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import create_engine

from pbxapi.db.platform_tables import metadata
from pbxapi.db.schema import Schema, look
from pbxapi.errors import Invalid
from pbxapi.pbx.extension_draft import Draft
from pbxapi.pbx.extension_view import view
from pbxapi.pbx.layout import layout_for
from pbxapi.pbx.platform import DEFAULTS, Platform
from pbxapi.pbx.provisioning import Mailbox
from pbxapi.pbx.stored import Stored, lead
from tests import seen

SECRET = "0123456789abcdef0123456789abcdef"
FREEPBX = DEFAULTS | {"CONCURRENCYLIMITDEFAULT": "3", "DEVICE_SIP_SENDRPID": "pai", "PJSIP_DTMF": "rfc4733"}
PLATFORMS = {
    "freepbx13": ("13.0.132", FREEPBX), "freepbx14": ("14.0.29", FREEPBX), "freepbx16": ("16.0.68.30", FREEPBX),
    "freepbx17": ("17.0.18.4", FREEPBX), "issabel": ("2.12.0.8", DEFAULTS),
}  # fmt: skip


def schema() -> Schema:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.connect() as connection:
        found = look(connection)
    engine.dispose()
    return found


SCHEMA = schema()


def platform(name: str, **settings: str) -> Platform:
    version, defaults = PLATFORMS[name]
    return Platform(layout_for(name.rstrip("0123456789"), version), defaults | settings, {}, SCHEMA)


def made(name: str, number: str, person: str, technology: str, **values: Any) -> Stored:
    draft = Draft(number, platform(name))
    draft.begin(technology, person)
    draft.set({"name": person, "secret": SECRET, **values})
    return draft.stored()


def written(stored: Stored) -> list[tuple[str, dict[str, str | None]]]:
    """As the captures spell rows."""
    found = []
    for row in lead(Stored(stored.number), stored).rows:
        columns = {**row.key, **(row.after or {})}
        found.append((row.table, {name: None if value is None else str(value) for name, value in columns.items()}))
    return found


def comparable(rows: list[tuple[str, dict[str, str | None]]]) -> set[str]:
    """Without the flag that a reload is needed, the random secret, and a column that only some versions have."""
    found = set()
    for table, given in rows:
        if table == "admin":
            continue
        row = {**given, "data": SECRET} if given.get("keyword") == "secret" else given
        found.add(f"{table} {sorted((name, value) for name, value in row.items() if name != 'hint_override')}")
    return found


@pytest.mark.parametrize("name", ["freepbx14", "freepbx16", "freepbx17"])
@pytest.mark.parametrize(
    ("capture", "number", "person", "technology", "box"),
    [
        ("01-create-200-pjsip", "200", "Alice", "pjsip", None),
        ("03-create-201-sip-vm", "201", "Bob", "sip", Mailbox(password="4321", email="bob@example.com")),
    ],
)
def test_freepbx_gets_what_it_writes_itself(
    name: str, capture: str, number: str, person: str, technology: str, box: Mailbox | None
) -> None:
    stored = made(name, number, person, technology)
    if box is not None:
        draft = Draft(number, platform(name), stored)
        draft.set_box(box)
        stored = draft.stored()
    file = f"{name}-{capture}.txt"
    assert comparable(written(stored)) == comparable(seen.rows(file))
    states = {("CustomPresence", device.partition(":")[2]): value for device, value in stored.states.items()}
    assert dict(stored.keys) | states == seen.keys(file)


@pytest.mark.parametrize(
    ("capture", "number", "person", "technology"),
    [("rows_after_add_pjsip_201", "201", "Bob Pjsip", "pjsip"), ("rows_after_add_sip_200", "200", "Alice Two", "sip")],
)
def test_issabel_gets_what_it_writes_itself(capture: str, number: str, person: str, technology: str) -> None:
    file = f"issabel-{capture}.sql"
    rows = seen.rows(file)
    assert comparable(written(made("issabel", number, person, technology))) == comparable(rows)


def test_issabels_entries_of_astdb_are_those_that_it_writes_itself() -> None:
    wanted = {place: value for place, value in seen.keys("issabel-astdb.txt").items() if place[1].startswith("201")}
    wanted["CW", "201"] = "ENABLED"
    assert dict(made("issabel", "201", "Bob Pjsip", "pjsip").keys) == wanted


@pytest.mark.parametrize("name", list(PLATFORMS))
@pytest.mark.parametrize("technology", ["pjsip", "sip"])
def test_what_was_set_is_read_back(name: str, technology: str) -> None:
    values: dict[str, Any] = {
        "context": "from-internal", "caller_id": '"Alice" <5551200>', "codecs": ["alaw", "g722"],
        "dtmf_mode": "info", "call_group": "1", "pickup_group": "2", "account_code": "acc-7", "ring_time": 25,
        "emergency_caller_id": "5551911", "call_limit": 2, "recording": {"inbound_external": "force", "priority": 5},
    }  # fmt: skip
    found = view(made(name, "200", "Ålice 😀", technology, **values), platform(name).layout)
    assert found.name == "Ålice 😀"
    assert found.codecs == ("alaw", "g722")
    assert found.recording is not None
    assert (found.recording.inbound_external, found.recording.priority) == ("force", 5)
    for field in set(values) - {"codecs", "recording"}:
        assert getattr(found, field) == values[field], field


@pytest.mark.parametrize("name", list(PLATFORMS))
@pytest.mark.parametrize("technology", ["pjsip", "sip"])
@pytest.mark.parametrize("word", ["rfc4733", "rfc2833"])
def test_dtmf_by_either_name_is_read_as_rfc4733(name: str, technology: str, word: str) -> None:
    assert view(made(name, "200", "A", technology, dtmf_mode=word), platform(name).layout).dtmf_mode == "rfc4733"


def test_a_change_of_the_name_touches_every_place_of_it_and_nothing_else() -> None:
    old = made("freepbx14", "200", "Alice", "pjsip")
    draft = Draft("200", platform("freepbx14"), old)
    draft.set({"name": "Alicia"})
    plan = lead(old, draft.stored())
    assert {(row.table, tuple((row.after or {}).values())) for row in plan.rows} == {
        ("users", ("Alicia",)), ("devices", ("Alicia",)), ("sip", ("Alicia <200>",)),
    }  # fmt: skip
    assert [(change.key, change.after) for change in plan.keys] == [("200/cidname", "Alicia")]


def test_a_new_secret_takes_the_stale_copy_away() -> None:
    old = made("freepbx17", "200", "Alice", "pjsip")
    old = Stored(**{name: getattr(old, name) for name in old.__slots__} | {
        "settings": {**old.settings, "secret_origional": "old"}, "flags": {**old.flags, "secret_origional": 60},
    })  # fmt: skip
    draft = Draft("200", platform("freepbx17"), old)
    draft.set({"secret": "another-secret-9"})
    changed = {row.key["keyword"]: row.after for row in lead(old, draft.stored()).rows}
    assert changed == {"secret": {"data": "another-secret-9"}, "secret_origional": None}


def test_what_only_the_screen_writes_survives() -> None:
    old = made("freepbx17", "200", "Alice", "pjsip")
    old = Stored(**{name: getattr(old, name) for name in old.__slots__} | {
        "settings": {**old.settings, "made_by_screen": "x"}, "flags": {**old.flags, "made_by_screen": 61},
        "keys": {**old.keys, ("AMPUSER", "200/vmx/unavail/state"): "enabled"},
    })  # fmt: skip
    draft = Draft("200", platform("freepbx17"), old)
    draft.set({"name": "Alicia", "technology": "pjsip", "options": {"rtp_symmetric": "no"}})
    after = draft.stored()
    assert after.settings["made_by_screen"] == "x"
    assert after.settings["rtp_symmetric"] == "no"
    assert after.key("AMPUSER", "vmx/unavail/state") == "enabled"


@pytest.mark.parametrize("option", ["secret", "account", "context", "dial", "md5_cred", "allow"])
def test_an_option_that_is_a_field_or_the_platforms_own_cannot_be_set(option: str) -> None:
    with pytest.raises(Invalid, match="option"):
        made("freepbx17", "200", "Alice", "pjsip", options={option: "x"})


def test_an_option_that_is_not_known_cannot_be_set() -> None:
    with pytest.raises(Invalid, match="not known"):
        made("freepbx17", "200", "Alice", "pjsip", options={"no_such_thing": "x"})


def test_addresses_cannot_be_allowed_for_pjsip_on_freepbx() -> None:
    with pytest.raises(Invalid) as caught:
        made("freepbx17", "200", "Alice", "pjsip", permit="10.0.0.0/8")
    assert "permit" in caught.value.fields


@pytest.mark.parametrize("name", list(PLATFORMS))
@pytest.mark.parametrize("technology", ["pjsip", "sip"])
def test_webrtc_is_one_switch_and_goes_off_as_it_came(name: str, technology: str) -> None:
    plain = made(name, "200", "Alice", technology)
    draft = Draft("200", platform(name), plain)
    draft.set({"webrtc": True})
    assert view(draft.stored(), platform(name).layout).webrtc
    assert not view(plain, platform(name).layout).webrtc
    draft.set({"webrtc": False})
    assert lead(plain, draft.stored()).empty


@pytest.mark.parametrize("name", ["freepbx14", "freepbx17", "issabel"])
def test_a_change_of_technology_gives_the_new_ones_settings_and_keeps_the_secret(name: str) -> None:
    old = made(name, "200", "Alice", "pjsip", codecs=["alaw"], account_code="acc")
    draft = Draft("200", platform(name), old)
    draft.set({"technology": "sip"})
    after = draft.stored()
    assert set(after.settings) == set(made(name, "200", "Alice", "sip").settings)
    assert (after.settings["secret"], after.settings["dial"]) == (SECRET, "SIP/200")
    assert after.key("DEVICE", "dial") == "SIP/200"
    found = view(after, platform(name).layout)
    assert (found.technology, found.codecs, found.account_code) == ("sip", ("alaw",), "acc")


def test_a_name_with_braces_is_no_template() -> None:
    assert view(made("freepbx14", "200", "{secret}", "pjsip"), platform("freepbx14").layout).name == "{secret}"
    assert made("freepbx14", "200", "{secret}", "pjsip").settings["callerid"] == "{secret} <200>"
