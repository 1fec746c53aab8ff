"""Features over FreePBX's tables in SQLite, and the demo's AstDB and lamps."""

from __future__ import annotations

from typing import Any

import pytest

from pbxapi.errors import Conflict, Invalid, NotFound
from pbxapi.pbx.plan import StateChange
from pbxapi.pbx.provisioning import CallForward, Features, Write
from tests.pbx.provisioned import Provisioned


def change(freepbx: Provisioned, **values: Any) -> Features:
    return freepbx.features.change("200", values, Write())[0]


def test_what_is_switched_is_there_at_once_and_asks_for_no_reload(freepbx: Provisioned) -> None:
    features = change(
        freepbx, do_not_disturb=True, call_forward={"all": "201"}, call_waiting=True, ring_time=30,
    )  # fmt: skip
    assert features == freepbx.features.get("200")
    assert features == Features(
        extension="200", do_not_disturb=True, call_forward=CallForward(all="201"), call_waiting=True, ring_time=30,
    )  # fmt: skip
    where = ("DND", "200"), ("CF", "200"), ("CFB", "200"), ("CW", "200"), ("AMPUSER", "200/ringtimer")
    assert [freepbx.astdb.get(*place) for place in where] == ["YES", "201", None, "ENABLED", "30"]
    assert freepbx.run("SELECT ringtimer FROM users ORDER BY name") == [
        {"ringtimer": 30}, {"ringtimer": None}, {"ringtimer": 0},
    ]  # fmt: skip
    assert not freepbx.waits()


def test_lamps_follow(freepbx: Provisioned) -> None:
    lamps = "Custom:DND200", "Custom:DEVDND200", "Custom:CF200", "Custom:DEVCF200"
    change(freepbx, do_not_disturb=True, call_forward={"all": "201"})
    assert [freepbx.astdb.state(lamp) for lamp in lamps] == ["BUSY"] * 4
    change(freepbx, do_not_disturb=False, call_forward=None)
    assert [freepbx.astdb.state(lamp) for lamp in lamps] == [*["UNAVAILABLE"] * 2, *["NOT_INUSE"] * 2]


def test_a_lamp_that_somebody_left_on_is_put_right(freepbx: Provisioned) -> None:
    freepbx.astdb.set_states([StateChange("Custom:DND200", None, "BUSY")])
    change(freepbx, do_not_disturb=False)
    assert freepbx.astdb.state("Custom:DND200") == "UNAVAILABLE"


def test_only_what_is_given_changes(freepbx: Provisioned) -> None:
    change(freepbx, do_not_disturb=True, call_forward={"all": "201", "busy": "201"})
    features = change(freepbx, call_forward={"busy": None})
    assert (features.do_not_disturb, features.call_forward) == (True, CallForward(all="201"))
    assert freepbx.astdb.get("CFB", "200") is None


def test_a_number_that_is_no_extension_has_no_features(freepbx: Provisioned) -> None:
    with pytest.raises(NotFound):
        freepbx.features.get("299")
    with pytest.raises(NotFound):
        freepbx.features.change("299", {"do_not_disturb": True}, Write())
    assert freepbx.astdb.get("DND", "299") is None


def test_what_cannot_be_written_changes_nothing(freepbx: Provisioned) -> None:
    with pytest.raises(Invalid):
        change(freepbx, do_not_disturb=True, call_forward={"all": "Alice"})
    assert not freepbx.features.get("200").do_not_disturb


def test_a_dry_run_and_a_refused_condition_write_nothing(freepbx: Provisioned) -> None:
    features, outcome = freepbx.features.change("200", {"do_not_disturb": True}, Write(dry_run=True))
    assert features.do_not_disturb
    assert len(outcome.plan.keys) == 1

    def refuse(current: Any) -> None:
        assert current == freepbx.features.get("200")
        raise Conflict("no")

    with pytest.raises(Conflict):
        freepbx.features.change("200", {"do_not_disturb": True}, Write(check=refuse))
    assert freepbx.astdb.get("DND", "200") is None


def test_what_was_never_on_needs_no_lamp_to_go_out(freepbx: Provisioned) -> None:
    _, outcome = freepbx.features.change("200", {"do_not_disturb": False, "call_forward": None}, Write())
    assert outcome.plan.empty
