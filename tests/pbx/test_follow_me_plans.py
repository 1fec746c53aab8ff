"""A follow-me as rows, entries and lamps: those that FreePBX 14, its modules of 16 and 17, and Issabel 5 wrote."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pbxapi.pbx import follow_me_plans as plans
from pbxapi.pbx.follow_me_layout import UNTOUCHED, layout_of
from pbxapi.pbx.plan import KeyChange, Plan, RowChange, StateChange
from pbxapi.pbx.provisioning import FollowMe
from pbxapi.pbx.stored import Stored

COMMON = {
    "strategy": "ringallv2", "grptime": 20, "grppre": "FM:", "grplist": "200-201-5551234#", "postdest":
    "ext-local,200,dest", "dring": "", "needsconf": "CHECKED", "pre_ring": 7, "ringing": "Ring",
}  # fmt: skip
FREEPBX_ROW = {
    **COMMON, "annmsg_id": None, "rvolume": "", "remotealert_id": None, "toolate_id": None, "calendar_enable": 0,
    "calendar_id": "", "calendar_group_id": "", "calendar_match": "yes",
}  # fmt: skip
ISSABEL_ROW = {
    **COMMON, "grptime": 25, "grppre": "", "needsconf": "", "annmsg_id": 0, "remotealert_id": 0, "toolate_id": 0,
}  # fmt: skip
ISSABEL_KEYS = {
    "changecid": "default", "ddial": "DIRECT", "fixedcid": "", "grpconf": "DISABLED", "grplist": "200-201-5551234#",
    "grptime": "25", "prering": "7",
}  # fmt: skip
FREEPBX14_KEYS = {
    "changecid": "default", "ddial": "DIRECT", "fixedcid": "", "grpconf": "ENABLED", "grplist": "200-201-5551234#",
    "grppre": "FM:", "grptime": "20", "prering": "7", "rvolume": "",
}  # fmt: skip
FREEPBX16_KEYS = {
    **FREEPBX14_KEYS, "annmsg": "", "dring": "", "postdest": "ext-local,200,dest", "remotealertmsg": "",
    "ringing": "Ring", "strategy": "ringallv2", "toolatemsg": "",
}  # fmt: skip
SEEN = [
    ("14.0.4", FREEPBX_ROW, FREEPBX14_KEYS),
    ("16.0.9", FREEPBX_ROW, FREEPBX16_KEYS),
    ("17.0.4.5", FREEPBX_ROW, FREEPBX16_KEYS),
    ("2.12.0.5", ISSABEL_ROW, ISSABEL_KEYS),
]
LIST = "200-201-5551234#"
NOTHING = Stored("200", keys={("AMPUSER", "200/device"): "200"})
SETTINGS = {"FOLLOWME_TIME": "20", "FOLLOWME_PRERING": "7", "FOLLOWME_RG_STRATEGY": "ringallv2-prim"}
DEFAULT = plans.defaults("200", SETTINGS)


def stored(row: dict[str, Any] = FREEPBX_ROW, keys: dict[str, str] = FREEPBX16_KEYS) -> Stored:
    entries = {plans.entry("200", name): value for name, value in keys.items()}
    return Stored("200", rows={plans.place("200"): row}, keys={("AMPUSER", "200/device"): "200"} | entries)


def seen(version: str) -> FollowMe:
    """What was typed into the platform's own screen."""
    issabel = version.startswith("2.")
    return replace(
        DEFAULT,
        strategy="ringallv2",
        ring_time=25 if issabel else 20,
        caller_name_prefix=None if issabel else "FM:",
        confirm_calls=not issabel,
    )


def save(old: Stored, version: str, follow_me: FollowMe, grplist: str = LIST, **more: Any) -> Plan:
    layout = layout_of(version)
    columns = ISSABEL_ROW if version.startswith("2.") else FREEPBX_ROW
    new = plans.saved(old, follow_me, grplist, layout=layout, columns=columns, files=more.get("files", {}))
    return plans.plan(old, plans.lit(new, ["200"], enabled=follow_me.enabled), layout)


@pytest.mark.parametrize(("version", "row", "keys"), SEEN)
def test_a_new_follow_me_is_key_for_key_what_the_platform_writes(version: str, row: Any, keys: Any) -> None:
    plan = save(NOTHING, version, seen(version))
    assert plan.rows == (RowChange("findmefollow", {"grpnum": "200"}, None, row),)
    assert sorted(plan.keys, key=lambda change: change.key) == [
        KeyChange("AMPUSER", f"200/followme/{name}", None, value) for name, value in sorted(keys.items())
    ]
    assert plan.states == (StateChange("Custom:FOLLOWME200", None, "BUSY"),)
    assert plan.reload


@pytest.mark.parametrize(("version", "row", "keys"), SEEN)
def test_what_the_platform_wrote_is_read_as_it_was_meant(version: str, row: Any, keys: Any) -> None:
    assert plans.view(stored(row, keys), SETTINGS) == replace(seen(version), numbers=("200", "201", "5551234"))


@pytest.mark.parametrize(("version", "row", "keys"), SEEN)
def test_what_the_platform_wrote_is_saved_without_a_change(version: str, row: Any, keys: Any) -> None:
    old = replace(stored(row, keys), states={"Custom:FOLLOWME200": "BUSY"})
    assert save(old, version, seen(version)).empty


def test_without_columns_for_them_no_calendar_and_no_volume_are_written() -> None:
    columns = FREEPBX_ROW.keys() - UNTOUCHED.keys()
    new = plans.saved(NOTHING, DEFAULT, "200", layout=layout_of("13.0.38"), columns=columns, files={})
    assert new.rows[plans.place("200")].keys() == columns
    assert plans.entry("200", "rvolume") not in new.keys
    assert plans.entry("200", "grppre") in new.keys


@pytest.mark.parametrize(
    ("names", "version", "reload"),
    [
        ({"enabled": False}, "14.0.4", False),
        ({"ring_time": 30}, "14.0.4", False),
        ({"initial_ring_time": 0}, "2.12", False),
        ({"confirm_calls": False}, "13.0.38", False),
        ({"caller_name_prefix": "x"}, "14.0.4", False),
        ({"caller_name_prefix": "x"}, "2.12", True),
        ({"strategy": "hunt"}, "2.11", True),
        ({"strategy": "hunt"}, "14.0.4", True),
        ({"strategy": "hunt"}, "15.0.1", False),
        ({"ringing": "jazz"}, "14.0.4", True),
        ({"destination_if_no_answer": "app-blackhole,hangup,1"}, "14.0.4", True),
        ({"destination_if_no_answer": "app-blackhole,hangup,1"}, "17.0.4", False),
        ({"announcement_id": 3}, "17.0.4", True),
        ({"alert_info": "x"}, "13.0.38", True),
    ],
)
def test_a_reload_is_asked_for_only_where_calls_do_not_read_the_change(
    names: dict[str, Any], version: str, reload: bool
) -> None:
    first = save(NOTHING, version, seen(version))
    old = Stored(
        "200",
        rows={plans.place("200"): dict(first.rows[0].after or {})},
        keys=NOTHING.keys | {(key.family, key.key): str(key.after) for key in first.keys},  # type: ignore[operator]
    )
    plan = save(old, version, replace(seen(version), **names))
    assert not plan.empty
    assert plan.reload is reload


def test_where_a_phone_changed_astdb_alone_astdb_counts() -> None:
    found = plans.view(
        stored(keys={"ddial": "EXTENSION", "grptime": "40", "prering": "0", "grplist": "300", "grpconf": "DISABLED",
                     "changecid": "fixed", "fixedcid": "5551"}), SETTINGS,
    )  # fmt: skip
    assert found == replace(
        seen("16"), enabled=False, ring_time=40, initial_ring_time=0, numbers=("300",), confirm_calls=False,
        caller_id_mode="fixed", fixed_caller_id="5551",
    )  # fmt: skip


def test_a_row_alone_is_off_since_calls_do_not_go_there() -> None:
    found = plans.view(stored(keys={}), SETTINGS)
    assert found == replace(seen("16"), enabled=False, numbers=("200", "201", "5551234"))


def test_a_row_without_an_extension_s_own_values_has_the_settings() -> None:
    found = plans.view(stored({**FREEPBX_ROW, "strategy": None, "grptime": None, "pre_ring": None}, {}), SETTINGS)
    assert found is not None
    assert (found.strategy, found.ring_time, found.initial_ring_time) == ("ringallv2-prim", 20, 7)


def test_a_change_keeps_what_nobody_here_understands() -> None:
    calendar = {"calendar_enable": 1, "calendar_id": "abc", "rvolume": "4", "future": "x"}
    old = stored({**FREEPBX_ROW, **calendar}, {**FREEPBX16_KEYS, "rvolume": "4", "future": "y"})
    new = plans.saved(
        old, replace(seen("16"), ring_time=30), LIST,
        layout=layout_of("16"), columns={*FREEPBX_ROW, "future"}, files={},
    )  # fmt: skip
    plan = plans.plan(old, new, layout_of("16"))
    assert plan.rows == (RowChange("findmefollow", {"grpnum": "200"}, {"grptime": 20}, {"grptime": 30}),)
    assert plan.keys == (KeyChange("AMPUSER", "200/followme/grptime", "20", "30"),)


def test_another_way_to_say_nothing_is_no_change() -> None:
    row = {**FREEPBX_ROW, "annmsg_id": 0, "dring": None, "rvolume": None}
    assert not save(stored(row), "16.0", seen("16")).rows


def test_no_ring_time_before_the_list_is_not_the_same_as_none_said() -> None:
    plan = save(stored({**FREEPBX_ROW, "pre_ring": None}), "16.0", replace(seen("16"), initial_ring_time=0))
    assert plan.rows[0].after == {"pre_ring": 0}


def test_an_announcement_s_entry_is_its_file() -> None:
    plan = save(stored(), "16.0", replace(seen("16"), announcement_id=3), files={3: "custom/welcome"})
    assert plan.rows[0].after == {"annmsg_id": 3}
    assert plan.keys == (KeyChange("AMPUSER", "200/followme/annmsg", "", "custom/welcome"),)


def test_what_is_cleared_is_the_default_again() -> None:
    current = replace(seen("16"), announcement_id=3, ring_time=60, ringing="jazz", fixed_caller_id="1")
    cleared = {"announcement_id": 0, "ring_time": None, "ringing": "", "fixed_caller_id": None, "numbers": None}
    assert plans.changed(current, cleared, DEFAULT) == seen("16")


def test_removing_takes_everything_below_and_nothing_beside() -> None:
    old = stored(keys={**FREEPBX16_KEYS, "future": "y"})
    old = replace(old, states={"Custom:FOLLOWME200": "BUSY"})
    plan = plans.plan(old, plans.lit(plans.removed(old), ["200"], enabled=False), layout_of("16"))
    assert [(row.key, row.after) for row in plan.rows] == [({"grpnum": "200"}, None)]
    assert {change.key for change in plan.keys} == {f"200/followme/{name}" for name in (*FREEPBX16_KEYS, "future")}
    assert {change.after for change in plan.keys} == {None}
    assert plan.states == (StateChange("Custom:FOLLOWME200", "BUSY", "NOT_INUSE"),)
    assert plan.reload


def test_an_unknown_version_is_taken_for_the_nearest_older_one() -> None:
    assert layout_of("18.0.1") == layout_of("17.0.4.5") != layout_of("14.0.1") == layout_of("13.0.38")
    assert layout_of("12.0.1") == layout_of("2.11.0.4") == layout_of("no number")
