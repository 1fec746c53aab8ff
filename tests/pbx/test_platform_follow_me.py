"""Follow-me over FreePBX's tables in SQLite, and the demo's AstDB and lamps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from pbxapi.ami import Client
from pbxapi.errors import Conflict, Invalid, NotFound, NotSupported
from pbxapi.pbx.plan import KeyChange
from pbxapi.pbx.provisioning import Write
from tests.pbx.provisioned import Provisioned, provisioned


def put(freepbx: Provisioned, number: str = "200", *, merge: bool = False, **values: Any) -> Any:
    return freepbx.follow_me.put(number, values, Write(), merge=merge)


def test_a_follow_me_with_nothing_said_is_on_and_as_the_settings_say(freepbx: Provisioned) -> None:
    follow_me, outcome = put(freepbx)
    assert (follow_me.enabled, follow_me.numbers, follow_me.strategy) == (True, ("200",), "ringallv2-prim")
    assert (follow_me.ring_time, follow_me.initial_ring_time) == (20, 7)
    assert outcome.applied
    assert freepbx.entries("200")["ddial"] == "DIRECT"
    assert freepbx.astdb.state("Custom:FOLLOWME200") == "BUSY"
    assert freepbx.waits()
    assert freepbx.follow_me.get("200") == follow_me


def test_local_numbers_are_told_from_those_outside(freepbx: Provisioned) -> None:
    follow_me, _ = put(freepbx, numbers=["200", "201", "(555) 1234", "201#"])
    assert freepbx.entries("200")["grplist"] == "200-201-5551234#-201#"
    assert [row["grplist"] for row in freepbx.follow_me.rows("200")] == ["200-201-5551234#-201#"]
    assert follow_me.numbers == ("200", "201", "5551234", "201")


def test_a_change_touches_what_is_sent_and_needs_no_reload(freepbx: Provisioned) -> None:
    put(freepbx, numbers=["5551234"], caller_name_prefix="FM:", confirm_calls=True)
    freepbx.waits()
    freepbx.run("UPDATE findmefollow SET calendar_id = 'abc'")
    before = freepbx.entries("200")
    follow_me, _ = put(freepbx, merge=True, enabled=False, ring_time=40)
    assert freepbx.entries("200") == before | {"ddial": "EXTENSION", "grptime": "40"}
    assert (follow_me.caller_name_prefix, follow_me.numbers) == ("FM:", ("5551234",))
    [row] = freepbx.follow_me.rows()
    assert (row["calendar_id"], row["grptime"], row["annmsg_id"]) == ("abc", "40", "")
    assert freepbx.astdb.state("Custom:FOLLOWME200") == "NOT_INUSE"
    assert not freepbx.waits()


def test_putting_again_resets_what_is_not_sent_but_not_what_nobody_here_knows(freepbx: Provisioned) -> None:
    put(freepbx, caller_name_prefix="FM:", ring_time=40, numbers=["201"])
    freepbx.run("UPDATE findmefollow SET calendar_id = 'abc', rvolume = '4'")
    follow_me, _ = put(freepbx, ring_time=30)
    assert (follow_me.caller_name_prefix, follow_me.ring_time, follow_me.numbers) == (None, 30, ("200",))
    [row] = freepbx.follow_me.rows()
    assert (row["calendar_id"], row["rvolume"], row["grplist"]) == ("abc", "4", "200")


def test_what_was_changed_at_a_phone_is_kept_by_a_change_of_something_else(freepbx: Provisioned) -> None:
    put(freepbx)
    freepbx.astdb.write([KeyChange("AMPUSER", "200/followme/prering", None, "12")])
    follow_me, _ = put(freepbx, merge=True, ring_time=30)
    assert follow_me.initial_ring_time == 12
    assert freepbx.run("SELECT pre_ring, grptime FROM findmefollow") == [{"pre_ring": 12, "grptime": 30}]


def test_an_announcement_must_be_there_and_is_kept_by_its_file(freepbx: Provisioned) -> None:
    follow_me, _ = put(freepbx, announcement_id=3)
    assert follow_me.announcement_id == 3
    assert freepbx.entries("200")["annmsg"] == "custom/welcome"
    with pytest.raises(Invalid, match="follow-me") as caught:
        put(freepbx, merge=True, too_late_announcement_id=4)
    assert "too_late_announcement_id" in caught.value.fields
    put(freepbx, merge=True, ring_time=30)
    assert freepbx.entries("200")["annmsg"] == "custom/welcome"
    put(freepbx, merge=True, announcement_id=None)
    assert freepbx.entries("200")["annmsg"] == ""


def test_a_number_that_is_no_extension_gets_no_follow_me(freepbx: Provisioned) -> None:
    with pytest.raises(NotFound):
        put(freepbx, "299")
    assert freepbx.follow_me.rows() == []
    assert freepbx.entries("299") == {}


def test_a_change_of_none_makes_none(freepbx: Provisioned) -> None:
    with pytest.raises(NotFound):
        put(freepbx, merge=True, ring_time=30)
    assert freepbx.follow_me.rows() == []


@pytest.mark.parametrize("values", [{"numbers": [f"{n:040d}" for n in range(7)]}, {"ring_time": 0}])
def test_what_cannot_be_written_changes_nothing(freepbx: Provisioned, values: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        put(freepbx, **values)
    assert caught.value.fields.keys() == values.keys()
    assert freepbx.follow_me.rows() == []
    assert freepbx.entries("200") == {}
    assert not freepbx.waits()


def test_a_dry_run_tells_the_plan_and_writes_nothing(freepbx: Provisioned) -> None:
    follow_me, outcome = freepbx.follow_me.put("200", {"numbers": ["201"]}, Write(dry_run=True))
    assert follow_me.numbers == ("201",)
    assert [row.table for row in outcome.plan.rows] == ["findmefollow", "admin"]
    assert (len(outcome.plan.keys), len(outcome.plan.states), outcome.plan.reload) == (16, 1, True)
    assert freepbx.follow_me.rows() == []
    assert freepbx.entries("200") == {}


def test_the_same_once_more_is_nothing_to_do(freepbx: Provisioned) -> None:
    put(freepbx, numbers=["201"])
    freepbx.waits()
    _, outcome = put(freepbx, numbers=["201"])
    assert outcome.plan.empty
    assert not freepbx.waits()


def test_the_caller_s_condition_is_asked_under_the_lock(freepbx: Provisioned) -> None:
    put(freepbx)

    def refuse(current: Any) -> None:
        assert current == freepbx.follow_me.get("200")
        raise Conflict("no")

    for write in (
        lambda: freepbx.follow_me.put("200", {"ring_time": 30}, Write(check=refuse)),
        lambda: freepbx.follow_me.delete("200", Write(check=refuse)),
    ):
        with pytest.raises(Conflict):
            write()
    assert freepbx.follow_me.get("200").ring_time == 20


def test_every_device_of_an_extension_has_its_lamp(freepbx: Provisioned) -> None:
    freepbx.astdb.write([KeyChange("AMPUSER", "200/device", None, "200&2001")])
    put(freepbx)
    assert [freepbx.astdb.state(f"Custom:FOLLOWME{device}") for device in ("200", "2001")] == ["BUSY", "BUSY"]


def test_no_lamps_where_the_platform_sets_none(tables: Engine, demo_ami: Client, tmp_path: Path) -> None:
    with tables.begin() as connection:
        connection.exec_driver_sql("INSERT INTO freepbx_settings (keyword, value) VALUES ('USEDEVSTATE', '0')")
    with provisioned(tables, demo_ami, "freepbx", tmp_path) as freepbx:
        _, outcome = put(freepbx)
    assert outcome.plan.states == ()


def test_a_deleted_follow_me_leaves_nothing(freepbx: Provisioned) -> None:
    put(freepbx)
    freepbx.waits()
    outcome = freepbx.follow_me.delete("200", Write())
    assert outcome.plan.reload
    assert freepbx.follow_me.rows() == []
    assert freepbx.entries("200") == {}
    assert freepbx.astdb.state("Custom:FOLLOWME200") == "NOT_INUSE"
    assert freepbx.waits()
    with pytest.raises(NotFound):
        freepbx.follow_me.get("200")
    with pytest.raises(NotFound):
        freepbx.follow_me.delete("200", Write())


def test_all_are_read_by_as_many_questions_as_one(freepbx: Provisioned, tables: Engine) -> None:
    asked: list[str] = []
    for number in ("1000", "201", "200"):
        put(freepbx, number, numbers=[number, "5551234"])
    freepbx.run("INSERT INTO findmefollow (grpnum, strategy) VALUES ('299', 'hunt')")
    event.listen(tables, "before_cursor_execute", lambda *given: asked.append(given[2]))
    found = freepbx.follow_me.all()
    assert [each.extension for each in found] == ["200", "201", "1000"]
    assert list(found) == [freepbx.follow_me.get(each.extension) for each in found]
    assert len(asked) <= 2 + 2 * len(found)
    assert [row["grpnum"] for row in freepbx.follow_me.rows()] == ["1000", "200", "201", "299"]


def test_a_row_of_no_extension_is_not_shown_and_can_be_deleted(freepbx: Provisioned) -> None:
    freepbx.run("INSERT INTO findmefollow (grpnum, strategy) VALUES ('299', 'hunt')")
    with pytest.raises(NotFound):
        freepbx.follow_me.get("299")
    freepbx.follow_me.delete("299", Write())
    assert freepbx.follow_me.rows() == []


def test_without_the_module_there_is_no_follow_me(tables: Engine, demo_ami: Client, tmp_path: Path) -> None:
    with tables.begin() as connection:
        connection.exec_driver_sql("UPDATE modules SET enabled = 0 WHERE modulename = 'findmefollow'")
    with provisioned(tables, demo_ami, "freepbx", tmp_path) as freepbx:
        with pytest.raises(NotSupported):
            freepbx.follow_me.all()
        with pytest.raises(NotSupported):
            put(freepbx)


def test_a_fixed_caller_id_may_be_there_already(freepbx: Provisioned) -> None:
    with pytest.raises(Invalid) as caught:
        put(freepbx, caller_id_mode="fixed")
    assert caught.value.fields.keys() == {"fixed_caller_id"}
    put(freepbx, caller_id_mode="did", fixed_caller_id="+4989")
    follow_me, _ = put(freepbx, merge=True, caller_id_mode="fixed")
    assert (follow_me.caller_id_mode, follow_me.fixed_caller_id) == ("fixed", "+4989")
    assert freepbx.entries("200")["fixedcid"] == "+4989"
