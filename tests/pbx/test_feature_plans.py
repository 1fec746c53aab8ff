"""Do not disturb, forwards, call waiting and ring time as entries of AstDB and lamps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pbxapi.errors import Invalid
from pbxapi.pbx import feature_plans as plans
from pbxapi.pbx.plan import KeyChange, Plan, RowChange, StateChange
from pbxapi.pbx.provisioning import CallForward
from pbxapi.pbx.stored import Stored, lead

ALICE = Stored(
    "200",
    user={"ringtimer": 0},
    keys={("AMPUSER", "200/device"): "200&2001", ("AMPUSER", "200/ringtimer"): "0", ("CW", "200"): "ENABLED"},
)


def change(old: Stored, values: dict[str, Any], dnd_off: str = "UNAVAILABLE") -> Plan:
    new = plans.switched(old, values)
    return lead(old, plans.lit(new, list(plans.lamps(new, values)), dnd_off))


def test_nothing_is_switched_on_a_new_extension_but_call_waiting() -> None:
    features = plans.view(ALICE)
    assert (features.do_not_disturb, features.call_forward, features.call_waiting, features.ring_time) == (
        False, CallForward(), True, 0,
    )  # fmt: skip


def test_any_value_is_do_not_disturb_and_astdb_goes_before_the_row() -> None:
    keys = {**ALICE.keys, ("DND", "200"): "1", ("AMPUSER", "200/ringtimer"): "30", ("CFB", "200"): "555"}
    features = plans.view(replace(ALICE, keys=keys))
    assert (features.do_not_disturb, features.ring_time) == (True, 30)
    assert features.call_forward == CallForward(busy="555")


def test_a_ring_time_of_the_row_counts_where_there_is_no_entry() -> None:
    assert plans.view(Stored("200", user={"ringtimer": 25})).ring_time == 25
    assert plans.view(Stored("200", user={"ringtimer": None})).ring_time == 0


def test_do_not_disturb_lights_the_lamps_of_the_extension_and_of_its_devices() -> None:
    plan = change(ALICE, {"do_not_disturb": True})
    assert plan.keys == (KeyChange("DND", "200", None, "YES"),)
    assert plan.states == tuple(
        StateChange(f"Custom:{name}", None, "BUSY") for name in ("DEVDND200", "DEVDND2001", "DND200")
    )
    assert not plan.reload
    assert not plan.rows


@pytest.mark.parametrize("off", ["UNAVAILABLE", "NOT_INUSE"])
def test_its_end_is_as_the_platform_says(off: str) -> None:
    old = replace(ALICE, keys={**ALICE.keys, ("DND", "200"): "YES"}, states={"Custom:DND200": "BUSY"})
    plan = change(old, {"do_not_disturb": False}, off)
    assert plan.keys == (KeyChange("DND", "200", "YES", None),)
    assert plan.states == (StateChange("Custom:DND200", "BUSY", off),)


def test_only_the_forwards_that_are_given_change() -> None:
    old = replace(ALICE, keys={**ALICE.keys, ("CF", "200"): "1", ("CFU", "200"): "3"}, states={"Custom:CF200": "BUSY"})
    plan = change(old, {"call_forward": {"all": None, "busy": "+49"}})
    assert set(plan.keys) == {KeyChange("CF", "200", "1", None), KeyChange("CFB", "200", None, "+49")}
    assert StateChange("Custom:CF200", "BUSY", "NOT_INUSE") in plan.states
    assert StateChange("Custom:DEVCFB2001", None, "BUSY") in plan.states
    assert not any("CFU" in state.device for state in plan.states)


def test_no_forwards_at_all_ends_every_kind() -> None:
    old = replace(ALICE, keys={**ALICE.keys, ("CF", "200"): "1", ("CFB", "200"): "2", ("CFU", "200"): "3"})
    assert {each.family for each in change(old, {"call_forward": None}).keys} == {"CF", "CFB", "CFU"}
    assert change(old, {"call_forward": {}}).empty


def test_call_waiting_off_is_no_entry() -> None:
    assert change(ALICE, {"call_waiting": False}).keys == (KeyChange("CW", "200", "ENABLED", None),)


def test_the_ring_time_is_kept_in_both_places() -> None:
    plan = change(ALICE, {"ring_time": 30})
    assert plan.rows == (RowChange("users", {"extension": "200"}, {"ringtimer": 0}, {"ringtimer": 30}),)
    assert plan.keys == (KeyChange("AMPUSER", "200/ringtimer", "0", "30"),)
    assert not plan.reload


def test_what_is_so_already_is_no_change() -> None:
    assert change(ALICE, {"do_not_disturb": False, "call_waiting": True, "ring_time": None, "call_forward": None}).empty


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"call_forward": {"busy": "Alice"}}, "call_forward.busy"),
        ({"call_forward": {"all": "1\n"}}, "call_forward.all"),
        ({"call_forward": {"all": "1" * 31}}, "call_forward.all"),
        ({"ring_time": 121}, "ring_time"),
        ({"ring_time": -1}, "ring_time"),
    ],
)
def test_what_cannot_be_written_is_named(values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        plans.check(values)
    assert list(caught.value.fields) == [field]


def test_a_forward_may_be_a_code() -> None:
    plans.check({"call_forward": {"all": "*98#+1", "busy": None, "unavailable": ""}, "ring_time": 120})
