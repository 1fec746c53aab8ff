"""Queues over FreePBX's tables in SQLite, and the demo's AstDB and lamps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event

from pbxapi.ami import Client
from pbxapi.errors import Conflict, Invalid, NotFound, NotSupported
from pbxapi.pbx.plan import KeyChange, Secret, StateChange
from pbxapi.pbx.provisioning import Write
from pbxapi.pbx.queueing import NewMember, QueueSettings, StaticMember
from tests.pbx.provisioned import Provisioned, provisioned

SEATS = StaticMember("Local/200@from-queue/n", 0, "200"), StaticMember("Local/201@from-queue/n", 5, "201")
MEMBERS = [{"extension": "200", "penalty": 0}, {"extension": "201", "penalty": 5}]


@pytest.fixture(autouse=True)
def _empty(freepbx: Provisioned) -> None:
    """The demo has queues of its own in AstDB."""
    freepbx.astdb.write([KeyChange("QPENALTY", key, None, None) for key in freepbx.astdb.tree("QPENALTY")])


def create(freepbx: Provisioned, queue: str = "400", **values: Any) -> QueueSettings:
    settings, outcome = freepbx.queues.create(queue, {"description": "Support", **values}, Write())
    assert outcome.plan.reload
    assert freepbx.waits()
    return settings


def patch(freepbx: Provisioned, **values: Any) -> QueueSettings:
    return freepbx.queues.put("400", values, Write(), merge=True)[0]


def details(freepbx: Provisioned, queue: str = "400") -> dict[str, str]:
    """Its keywords but for members."""
    rows = freepbx.run("SELECT keyword, data FROM queues_details WHERE id = :id AND keyword <> 'member'", id=queue)
    return {row["keyword"]: row["data"] for row in rows}


def members(freepbx: Provisioned) -> list[tuple[str, int]]:
    rows = freepbx.run("SELECT data, flags FROM queues_details WHERE id = '400' AND keyword = 'member' ORDER BY flags")
    return [(row["data"], row["flags"]) for row in rows]


def test_a_new_queue_is_as_the_platform_makes_one(freepbx: Provisioned) -> None:
    made = create(freepbx, static_members=MEMBERS, autofill=True, destination_if_no_answer="app-blackhole,hangup,1")
    assert made == freepbx.queues.get("400")
    assert (made.description, made.strategy, made.autofill, made.static_members) == ("Support", "ringall", True, SEATS)
    assert (made.service_level, made.recording, made.retry, made.ring_time) == (60, "dontcare", 5, 15)
    assert members(freepbx) == [("Local/200@from-queue/n,0", 0), ("Local/201@from-queue/n,5", 1)]
    assert freepbx.astdb.tree("QPENALTY") == {"400/dynmemberonly": "no"}


def test_every_field_is_written_and_read(freepbx: Provisioned) -> None:
    values: dict[str, Any] = {
        "description": "Sales", "strategy": "rrmemory", "ring_time": 20, "retry": None, "wrapup_time": 10,
        "max_callers": 7, "max_wait": 300, "join_empty": "strict", "leave_when_empty": "paused,unavailable",
        "weight": 2, "autofill": True, "skip_busy": True, "ring_in_use": False, "auto_pause": "all",
        "auto_pause_delay": 3, "auto_pause_busy": True, "auto_pause_unavailable": True, "service_level": 30,
        "member_delay": 1, "timeout_restart": True, "report_hold_time": True, "ringing": "ring_when_agent_rings",
        "music_class": "jazz", "announce_frequency": 45, "min_announce_frequency": 20, "announce_hold_time": "once",
        "announce_position": "more", "periodic_announce_frequency": 60, "join_announcement_id": 3,
        "agent_announcement_id": 3, "caller_id_prefix": "S: ", "alert_info": "Bellcore-dr2", "password": "1234",
        "recording": "force", "destination_if_no_answer": "ext-local,200,1", "only_listed_agents": True,
        "dynamic_agents": {"200": 1}, "options": {"timeoutpriority": "conf"},
    }  # fmt: skip
    made = create(freepbx, **values)
    assert {name: getattr(made, name) for name in values} == {**values, "options": made.options}
    assert made.options["timeoutpriority"] == "conf"
    assert freepbx.queues.get("400") == made
    [row] = freepbx.run("SELECT * FROM queues_config")
    assert (row["cwignore"], row["ringing"], row["maxwait"], row["joinannounce_id"]) == (2, 2, "300", 3)
    assert details(freepbx) | {
        "retry": "none", "ringinuse": "no", "music": "jazz", "recording": "force",
        "queue-youarenext": "queue-youarenext", "queue-thankyou": "queue-thankyou",
        "announce-position": "more", "autopause": "all",
    } == details(freepbx)  # fmt: skip
    assert freepbx.astdb.tree("QPENALTY") == {"400/dynmemberonly": "yes", "400/agents/200": "1"}


def test_null_sets_the_default_again_but_no_retry(freepbx: Provisioned) -> None:
    new = create(freepbx)
    create(freepbx, "401", retry=7)
    patch(freepbx, strategy="linear", ring_time=40, music_class="jazz", recording="force", max_wait=9, weight=3,
          announce_position="yes", password="1", join_announcement_id=3, retry=None)  # fmt: skip
    names = ("strategy", "ring_time", "music_class", "recording", "max_wait", "weight", "announce_position",
             "password", "join_announcement_id")  # fmt: skip
    assert patch(freepbx, **dict.fromkeys(names)) == replace(new, retry=None)
    assert "music" not in details(freepbx)
    assert [row["maxwait"] for row in freepbx.run("SELECT maxwait FROM queues_config")] == ["", ""]


@pytest.mark.parametrize(
    ("skip_busy", "ring_in_use", "cwignore"), [(False, True, 0), (True, True, 1), (True, False, 2), (False, False, 3)]
)
def test_both_settings_of_busy_members_share_a_column(
    freepbx: Provisioned, skip_busy: bool, ring_in_use: bool, cwignore: int
) -> None:
    create(freepbx, skip_busy=not skip_busy, ring_in_use=not ring_in_use)
    patch(freepbx, ring_in_use=ring_in_use)
    assert patch(freepbx, skip_busy=skip_busy).ring_in_use == ring_in_use
    assert freepbx.run("SELECT cwignore FROM queues_config") == [{"cwignore": cwignore}]
    patch(freepbx, skip_busy=not skip_busy)
    patch(freepbx, skip_busy=skip_busy, ring_in_use=not ring_in_use)
    patch(freepbx, ring_in_use=ring_in_use)
    assert freepbx.run("SELECT cwignore FROM queues_config") == [{"cwignore": cwignore}]


def test_a_change_touches_what_is_sent_and_nothing_else(freepbx: Provisioned) -> None:
    create(freepbx, static_members=MEMBERS)
    freepbx.run("INSERT INTO queues_details VALUES ('400', 'setinterfacevar', 'yes', 3)")
    freepbx.run("UPDATE queues_config SET qregex = '^2', cwignore = 3 WHERE extension = '400'")
    freepbx.run("DELETE FROM queues_details WHERE keyword = 'memberdelay'")
    before, [config] = details(freepbx), freepbx.run("SELECT * FROM queues_config")
    _, outcome = freepbx.queues.put("400", {"ring_time": 25}, Write(), merge=True)
    assert [(row.table, row.before, row.after) for row in outcome.plan.rows] == [
        ("queues_details", {"data": "15"}, {"data": "25"}), ("admin", {}, {"value": "true"}),
    ]  # fmt: skip
    assert details(freepbx) == before | {"timeout": "25"}
    assert freepbx.run("SELECT * FROM queues_config") == [config]
    assert freepbx.waits()


def test_a_replacement_resets_what_is_not_sent_but_password_and_options(freepbx: Provisioned) -> None:
    create(freepbx, password="1234", strategy="linear", static_members=MEMBERS, dynamic_agents={"200": 1})
    freepbx.run("INSERT INTO queues_details VALUES ('400', 'setinterfacevar', 'yes', 0)")
    after, _ = freepbx.queues.put("400", {"description": "New"}, Write())
    assert (after.description, after.strategy, after.static_members, after.dynamic_agents) == ("New", "ringall", (), {})
    assert (after.password, after.options["setinterfacevar"]) == ("1234", "yes")
    assert freepbx.queues.get("400") == after
    assert freepbx.astdb.tree("QPENALTY") == {"400/dynmemberonly": "no"}


def test_who_may_log_in_is_in_effect_at_once(freepbx: Provisioned) -> None:
    create(freepbx, dynamic_agents={"200": 1, "201": 2})
    freepbx.astdb.write([KeyChange("QPENALTY", "4000/agents/200", None, "9")])
    after, outcome = freepbx.queues.put(
        "400", {"dynamic_agents": {"201": 3}, "only_listed_agents": True}, Write(), merge=True
    )
    assert (after.dynamic_agents, after.only_listed_agents) == ({"201": 3}, True)
    assert not outcome.plan.reload
    assert not freepbx.waits()
    assert freepbx.astdb.tree("QPENALTY") == {
        "400/agents/201": "3", "400/dynmemberonly": "yes", "4000/agents/200": "9",
    }  # fmt: skip


def test_an_agent_must_be_an_extension_unless_it_is_listed_already(freepbx: Provisioned) -> None:
    create(freepbx)
    freepbx.astdb.write([KeyChange("QPENALTY", "400/agents/299", None, "1")])
    assert patch(freepbx, dynamic_agents={"299": 2, "200": 0}).dynamic_agents == {"200": 0, "299": 2}
    with pytest.raises(Invalid) as caught:
        patch(freepbx, dynamic_agents={"298": 0})
    assert caught.value.fields.keys() == {"dynamic_agents"}


def test_silence_is_said_in_place_of_a_position_unless_somebody_chose_a_prompt(freepbx: Provisioned) -> None:
    create(freepbx, announce_position="yes")
    assert details(freepbx)["queue-thereare"] == "queue-thereare"
    freepbx.run("UPDATE queues_details SET data = 'custom/next' WHERE keyword = 'queue-youarenext'")
    patch(freepbx, announce_position="no")
    found = details(freepbx)
    prompts = [found[f"queue-{name}"] for name in ("youarenext", "thereare", "callswaiting", "thankyou")]
    assert prompts == ["custom/next", "silence/1", "silence/1", ""]


def test_members_come_change_and_go_one_row_at_a_time(freepbx: Provisioned) -> None:
    create(freepbx, static_members=MEMBERS, dynamic_agents={"1000": 4})
    member, outcome = freepbx.queues.add_member("400", NewMember(extension="1000"), Write())
    assert member == StaticMember("Local/1000@from-queue/n", 4, "1000")
    assert outcome.plan.reload
    assert [row.table for row in outcome.plan.rows] == ["queues_details", "admin"]
    freepbx.queues.add_member("400", NewMember(interface="PJSIP/210", penalty=7), Write())
    changed, _ = freepbx.queues.change_member("400", "200", 9, Write())
    assert changed == replace(SEATS[0], penalty=9)
    assert members(freepbx) == [
        ("Local/200@from-queue/n,9", 0), ("Local/201@from-queue/n,5", 1), ("Local/1000@from-queue/n,4", 2),
        ("PJSIP/210,7", 3),
    ]  # fmt: skip
    freepbx.queues.remove_member("400", "Local/201@from-queue/n", Write())
    freepbx.queues.remove_member("400", "210", Write())
    assert members(freepbx) == [("Local/200@from-queue/n,9", 0), ("Local/1000@from-queue/n,4", 2)]
    with pytest.raises(NotFound):
        freepbx.queues.remove_member("400", "201", Write())


@pytest.mark.parametrize(
    "member", [{"extension": "200"}, {"interface": "Local/200@from-queue/n"}, {"interface": "PJSIP/200"}]
)
def test_a_member_is_one_once(freepbx: Provisioned, member: dict[str, Any]) -> None:
    create(freepbx, static_members=MEMBERS)
    with pytest.raises(Conflict):
        freepbx.queues.add_member("400", NewMember(**member), Write())
    with pytest.raises(Invalid) as caught:
        patch(freepbx, static_members=[*MEMBERS, member])
    assert caught.value.fields.keys() == {"static_members"}
    assert freepbx.queues.get("400").static_members == SEATS


@pytest.mark.parametrize(
    "member",
    [
        {"extension": "299"}, {"interface": "PJSIP/200,0\nmember=x"}, {"interface": "Local/200@from-trunk/n"},
        {"interface": "DAHDI/1"}, {"extension": "200", "penalty": -1},
    ],
)  # fmt: skip
def test_a_member_is_an_extension_or_a_device(freepbx: Provisioned, member: dict[str, Any]) -> None:
    create(freepbx)
    with pytest.raises(Invalid):
        freepbx.queues.add_member("400", NewMember(**member), Write())
    with pytest.raises(Invalid):
        patch(freepbx, static_members=[member])
    assert members(freepbx) == []


def test_what_the_screens_wrote_may_be_written_once_more(freepbx: Provisioned) -> None:
    create(freepbx)
    for data in ("Agent/200,0", "Local/5551234@from-internal/n,1", "PJSIP/200,2", "Local/200@from-queue/n,3"):
        freepbx.run("INSERT INTO queues_details VALUES ('400', 'member', :data, :flags)", data=data, flags=data[-1])
    freepbx.run("UPDATE queues_config SET alertinfo = ';info=a', dest = 'somewhere', joinannounce_id = 99")
    freepbx.run("UPDATE queues_details SET data = 'roundrobin' WHERE keyword = 'strategy'")
    found = freepbx.queues.get("400")
    values = {name: getattr(found, name) for name in QueueSettings.__dataclass_fields__ if name != "queue"}
    values["static_members"] = [{"interface": one.interface, "penalty": one.penalty} for one in found.static_members]
    after, outcome = freepbx.queues.put("400", values, Write())
    assert (after, outcome.plan.empty) == (found, True)
    values["static_members"] = list(reversed(values["static_members"]))
    after, _ = freepbx.queues.put("400", values, Write())
    assert after.static_members == found.static_members[::-1] == freepbx.queues.get("400").static_members


@pytest.mark.parametrize("number", ["200", "400", "12x", "", "1" * 21])
def test_a_queue_needs_a_number_of_its_own(freepbx: Provisioned, number: str) -> None:
    create(freepbx)
    with pytest.raises((Conflict, Invalid)):
        freepbx.queues.create(number, {}, Write())
    assert [each.queue for each in freepbx.queues.all()] == ["400"]


def test_what_is_left_of_another_queue_does_not_come_back(freepbx: Provisioned) -> None:
    for keyword, data in (("member", "Local/299@from-queue/n,0"), ("context", "old"), ("timeout", "99")):
        freepbx.run("INSERT INTO queues_details VALUES ('400', :keyword, :data, 0)", keyword=keyword, data=data)
    freepbx.astdb.write([KeyChange("QPENALTY", "400/agents/299", None, "0")])
    with pytest.raises(NotFound):
        freepbx.queues.get("400")
    made = create(freepbx)
    assert (made.static_members, made.dynamic_agents, made.ring_time) == ((), {}, 15)
    assert freepbx.queues.get("400") == made
    assert "context" not in details(freepbx)


def test_values_that_cannot_be_change_nothing(freepbx: Provisioned) -> None:
    before = create(freepbx)
    values: dict[str, Any] = {
        "caller_id_prefix": "a;b", "destination_if_no_answer": "x", "join_announcement_id": 4,
        "options": {"context": "from-internal"}, "description": "😀" * 36,
    }  # fmt: skip
    for name, value in values.items():
        with pytest.raises(Invalid) as caught:
            patch(freepbx, **{name: value})
        assert caught.value.fields.keys() == {name}
    assert freepbx.queues.get("400") == before
    assert not freepbx.waits()


def test_options_change_by_name(freepbx: Provisioned) -> None:
    default = create(freepbx).options
    after = patch(freepbx, options={"timeoutpriority": "conf", "announce-position-limit": "5"}).options
    assert after == {**default, "timeoutpriority": "conf", "announce-position-limit": "5"}
    assert patch(freepbx, options=dict.fromkeys(after)).options == default


def test_a_dry_run_tells_the_plan_and_writes_nothing(freepbx: Provisioned) -> None:
    settings, outcome = freepbx.queues.create(
        "400", {"password": "1234", "static_members": MEMBERS}, Write(dry_run=True)
    )
    assert (settings.static_members, outcome.plan.reload) == (SEATS, True)
    [config, *_] = outcome.plan.rows
    assert isinstance((config.after or {})["password"], Secret)
    assert "1234" not in repr(outcome.plan)
    assert freepbx.queues.all() == ()
    assert freepbx.astdb.tree("QPENALTY") == {}


def test_a_password_that_is_there_is_in_no_plan(freepbx: Provisioned) -> None:
    create(freepbx, password="1234")
    changed, outcome = freepbx.queues.put("400", {"password": "5678"}, Write(dry_run=True), merge=True)
    gone = freepbx.queues.delete("400", Write(dry_run=True))
    assert changed.password == "5678"
    assert len(outcome.plan.rows) == 2
    assert not {"1234", "5678"} & set(repr((outcome, gone, changed)).replace("'", " ").split())


def test_the_caller_s_condition_is_asked_under_the_lock(freepbx: Provisioned) -> None:
    create(freepbx, static_members=MEMBERS)

    def refuse(current: Any) -> None:
        assert current == freepbx.queues.get("400")
        raise Conflict("no")

    how = Write(check=refuse)
    for write in (
        lambda: freepbx.queues.put("400", {"ring_time": 30}, how),
        lambda: freepbx.queues.delete("400", how),
        lambda: freepbx.queues.add_member("400", NewMember(extension="1000"), how),
        lambda: freepbx.queues.change_member("400", "200", 1, how),
        lambda: freepbx.queues.remove_member("400", "200", how),
    ):
        with pytest.raises(Conflict, match="no"):
            write()


def test_a_deleted_queue_leaves_nothing(freepbx: Provisioned) -> None:
    create(freepbx, static_members=MEMBERS, dynamic_agents={"200": 0})
    create(freepbx, "4000", static_members=MEMBERS)
    lamps = {"Custom:QUEUE200*400": "INUSE", "Custom:QUEUE200*4000": "INUSE", "Custom:QUEUETOGGLE201*400": "INUSE"}
    freepbx.astdb.set_states([StateChange(name, None, state) for name, state in lamps.items()])
    outcome = freepbx.queues.delete("400", Write())
    assert outcome.plan.reload
    assert freepbx.waits()
    assert [each.queue for each in freepbx.queues.all()] == ["4000"]
    assert (details(freepbx), members(freepbx)) == ({}, [])
    assert [freepbx.astdb.state(name) for name in lamps] == [None, "INUSE", None]
    assert freepbx.astdb.tree("QPENALTY") == {"4000/dynmemberonly": "no"}
    for missing in (lambda: freepbx.queues.delete("400", Write()), lambda: freepbx.queues.put("400", {}, Write())):
        with pytest.raises(NotFound):
            missing()


def test_a_queue_that_others_mention_is_deleted_by_force_alone(freepbx: Provisioned) -> None:
    create(freepbx, destination_if_no_answer="ext-queues,400,1")
    freepbx.queues.delete("400", Write(dry_run=True))
    freepbx.run("INSERT INTO incoming (extension, description, destination) VALUES ('555', 'Main', 'ext-queues,400,1')")
    with pytest.raises(Conflict, match=r"inbound route 555 \(Main\)"):
        freepbx.queues.delete("400", Write())
    freepbx.queues.delete("400", Write(force=True))
    assert freepbx.queues.all() == ()


def test_all_are_read_by_as_many_questions_as_one(freepbx: Provisioned, tables: Engine) -> None:
    asked: list[str] = []
    for number in ("1001", "401", "400"):
        create(freepbx, number, static_members=MEMBERS, dynamic_agents={"200": 1})
    event.listen(tables, "before_cursor_execute", lambda *given: asked.append(given[2]))
    found = freepbx.queues.all()
    assert len(asked) == 4  # the texts of both tables, and what they are of
    assert [each.queue for each in found] == ["400", "401", "1001"]
    assert list(found) == [freepbx.queues.get(each.queue) for each in found]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE queues_details SET data = 'linear' WHERE id = '400' AND keyword = 'strategy'",
        "UPDATE queues_details SET flags = 7 WHERE id = '400' AND keyword = 'member' AND data LIKE 'Local/200%'",
        "DELETE FROM queues_details WHERE id = '400' AND keyword = 'member'",
        "INSERT INTO queues_details VALUES ('400', 'member', 'PJSIP/999,3', 9)",
        "UPDATE queues_config SET descr = 'Other' WHERE extension = '400'",
        "DELETE FROM queues_config WHERE extension = '400'",
    ],
)
def test_what_others_write_is_seen_and_only_that_is_read_again(
    freepbx: Provisioned, tables: Engine, statement: str
) -> None:
    for number in ("400", "401"):
        create(freepbx, number, static_members=MEMBERS)
    before = freepbx.queues.all()
    asked: list[str] = []
    event.listen(tables, "before_cursor_execute", lambda *given: asked.append(given[2]))
    assert freepbx.queues.all() == before
    assert len(asked) == 2
    freepbx.run(statement)
    after = freepbx.queues.all()
    assert after != before
    assert after[-1] is freepbx.queues.all()[-1] is before[-1]
    assert list(after) == [freepbx.queues.get(each.queue) for each in after]


def test_an_agent_who_is_listed_elsewhere_is_seen(freepbx: Provisioned) -> None:
    create(freepbx)
    assert freepbx.queues.all()[0].dynamic_agents == {}
    freepbx.astdb.write([KeyChange("QPENALTY", "400/agents/200", None, "3")])
    assert freepbx.queues.all()[0].dynamic_agents == {"200": 3}


def test_rows_of_the_old_interface_have_every_column_and_the_strategy(freepbx: Provisioned) -> None:
    create(freepbx, password="1234", strategy="linear")
    [row] = freepbx.queues.rows()
    assert (row["extension"], row["descr"], row["strategy"], row["ringing"]) == ("400", "Support", "linear", "0")
    assert row.keys() >= freepbx.run("SELECT * FROM queues_config")[0].keys()
    assert "1234" not in row.values()


def test_a_queue_of_few_keywords_shows_what_asterisk_does(freepbx: Provisioned) -> None:
    freepbx.run("INSERT INTO queues_config (extension) VALUES ('400')")
    assert freepbx.queues.get("400") == QueueSettings(queue="400", autofill=True, service_level=0)


def test_without_the_module_there_are_no_queues(tables: Engine, demo_ami: Client, tmp_path: Path) -> None:
    with tables.begin() as connection:
        connection.exec_driver_sql("UPDATE modules SET enabled = 0 WHERE modulename = 'queues'")
    with provisioned(tables, demo_ami, "freepbx", tmp_path) as freepbx:
        for ask in (freepbx.queues.all, freepbx.queues.rows, lambda: freepbx.queues.create("400", {}, Write())):
            with pytest.raises(NotSupported):
                ask()
