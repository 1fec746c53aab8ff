"""A queue's rows and entries, there and back, for any settings; and what FreePBX and Issabel wrote for a new one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pbxapi.db.platform_tables import metadata
from pbxapi.db.schema import ColumnShape, TableShape
from pbxapi.errors import Invalid
from pbxapi.pbx import queue_checks as checks
from pbxapi.pbx.queue_keywords import CONFIG, DETAILS, FAMILY, LAYOUTS, QueueLayout, layout_of
from pbxapi.pbx.queue_plans import changed, fresh, plan, saved
from pbxapi.pbx.queue_view import member_of, view
from pbxapi.pbx.queueing import STRATEGIES, QueueSettings, StaticMember
from pbxapi.pbx.stored import Stored, lead
from tests import seen

COLUMNS = metadata.tables[CONFIG].c.keys()
SEATS = (member_of("Local/200@from-queue/n,0"), member_of("Local/201@from-queue/n,5"))

times = st.integers(*checks.SECONDS)
ids = st.none() | st.integers(1, 99)
texts = st.none() | st.text("abc :é/", min_size=1)
numbers = st.integers(1, 9999).map(str)
interfaces = st.sampled_from(("Local/{}@from-queue/n", "PJSIP/{}", "Agent/{}"))
members = st.builds(
    lambda number, penalty, interface: member_of(f"{interface.format(number)},{penalty}"),
    numbers,
    st.integers(*checks.PENALTY),
    interfaces,
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("ring_time", "wrapup_time", "auto_pause_delay", "service_level", "member_delay"), times),
    **dict.fromkeys(("announce_frequency", "min_announce_frequency", "periodic_announce_frequency"), times),
    **dict.fromkeys(
        ("autofill", "skip_busy", "ring_in_use", "auto_pause_busy", "auto_pause_unavailable"), st.booleans()
    ),
    **dict.fromkeys(("timeout_restart", "report_hold_time", "only_listed_agents"), st.booleans()),
    **dict.fromkeys(("max_callers", "weight"), st.integers(0, 99)),
    **dict.fromkeys(("join_announcement_id", "agent_announcement_id"), ids),
    **dict.fromkeys(("description", "caller_id_prefix", "alert_info", "destination_if_no_answer"), texts),
    **dict.fromkeys(("join_empty", "leave_when_empty"), st.sampled_from((*checks.EMPTY, *checks.CONDITIONS))),
    "strategy": st.sampled_from(STRATEGIES),
    "retry": st.none() | times,
    "max_wait": st.none() | st.integers(1, 9999),
    "auto_pause": st.sampled_from(checks.AUTO_PAUSE),
    "announce_hold_time": st.sampled_from(checks.HOLD_TIME),
    "announce_position": st.sampled_from(checks.POSITION),
    "ringing": st.sampled_from(checks.RINGING),
    "music_class": st.none() | st.sampled_from(("default", "jazz")),
    "password": st.none() | numbers,
    "recording": st.sampled_from(("yes", "no")),
    "dynamic_agents": st.dictionaries(numbers, st.integers(*checks.PENALTY)),
    "static_members": st.lists(members, unique_by=lambda member: member.interface).map(tuple),
    "options": st.dictionaries(st.sampled_from(sorted(checks.OPTIONS)), st.sampled_from(("", "yes", "no"))),
}
values = st.fixed_dictionaries({}, optional=FIELDS)
layouts = st.sampled_from(list(LAYOUTS.values()))


def test_every_field_of_a_queue_is_among_those_tried() -> None:
    assert FIELDS.keys() | {"queue"} == QueueSettings.__dataclass_fields__.keys()


@settings(max_examples=150, deadline=None)
@given(layouts, values, values)
def test_what_is_saved_is_what_is_seen(layout: QueueLayout, first: dict[str, Any], second: dict[str, Any]) -> None:
    old = fresh("400", layout, COLUMNS)
    default = view(old, layout)
    one = changed(default, first, default)
    stored = saved(old, default, one, layout)
    assert view(stored, layout) == one
    two = changed(one, second, default)
    again = saved(stored, one, two, layout)
    assert view(again, layout) == two
    assert saved(again, two, two, layout) == again


@settings(max_examples=50, deadline=None)
@given(layouts, values)
def test_a_replacement_leads_to_what_a_new_queue_has(layout: QueueLayout, some: dict[str, Any]) -> None:
    """But for the order of rows, and for what not every new queue has a row of."""
    some = {name: value for name, value in some.items() if name not in {"options", "min_announce_frequency"}}
    old = fresh("400", layout, COLUMNS)
    default = view(old, layout)
    stored = saved(old, default, changed(default, some, default), layout)
    back = saved(stored, view(stored, layout), default, layout)
    assert (dict(back.rows), dict(back.keys)) == (dict(old.rows), dict(old.keys))


def _rows(stored: Stored) -> dict[tuple[str, ...], dict[str, str | None]]:
    """As a capture has them: every column as text, by table, keyword and, for members, data."""
    found = {}
    for change in lead(Stored("400"), stored).rows:
        row = {**change.key, **(change.after or {})}
        found[_place(change.table, row)] = {name: None if value is None else str(value) for name, value in row.items()}
    return found


def _place(table: str, row: Any) -> tuple[str, ...]:
    keyword = str(row.get("keyword", ""))
    return (table, keyword, str(row["data"])) if keyword == "member" else (table, keyword)


@pytest.mark.parametrize(
    ("capture", "version", "said"),
    [
        *(
            (f"freepbx{core}-07-queue-400.txt", f"{core}.0.1",
             {"description": "Support", "autofill": True, "destination_if_no_answer": "app-blackhole,hangup,1"})
            for core in (14, 16, 17)
        ),
        ("issabel-rows_after_queue_400.sql", "2.12.0.8", {"description": "Sales Q"}),
    ],
)  # fmt: skip
def test_a_new_queue_is_what_the_platform_itself_wrote(capture: str, version: str, said: dict[str, Any]) -> None:
    captured = {_place(table, row): row for table, row in seen.rows(capture) if table in {CONFIG, DETAILS}}
    layout = layout_of(version)
    old = fresh("400", layout, captured[CONFIG, ""].keys())
    default = view(old, layout)
    made = saved(old, default, changed(default, {**said, "static_members": SEATS}, default), layout)
    assert _rows(made) == captured
    assert dict(made.keys) == {(FAMILY, "400/dynmemberonly"): "no"}


def test_what_a_column_cannot_hold_is_refused_by_its_field() -> None:
    layout = layout_of("17")
    narrow = ColumnShape(4, None, nullable=False, default=True)
    details = {"id": narrow, "keyword": replace(narrow, length=30), "data": narrow, "flags": narrow}
    tables = {
        CONFIG: TableShape(CONFIG, dict.fromkeys(COLUMNS, narrow), transactional=True),
        DETAILS: TableShape(DETAILS, details, transactional=True),
    }
    old = fresh("400", layout, COLUMNS)
    before = view(old, layout)
    given = {"description": "Sales", "strategy": "random", "static_members": SEATS}
    with pytest.raises(Invalid) as caught:
        plan(old, saved(old, before, changed(before, given, before), layout), tables)
    assert caught.value.fields.keys() == {"description", "strategy", "static_members"}


def test_the_members_keep_their_places_in_the_order() -> None:
    layout = layout_of("17")
    old = fresh("400", layout, COLUMNS)
    default = view(old, layout)
    three = [*SEATS, StaticMember("PJSIP/210", 0, "210")]
    stored = saved(old, default, replace(default, static_members=tuple(three)), layout)
    before = view(stored, layout)
    for after in (three[1:], three[::-1], [three[0], three[2]], [*three, StaticMember("IAX2/7", 0, "7")]):
        found = saved(stored, before, replace(before, static_members=tuple(after)), layout)
        assert view(found, layout).static_members == tuple(after)
    gone = lead(stored, saved(stored, before, replace(before, static_members=tuple(three[1:])), layout))
    assert len(gone.rows) == 1


@pytest.mark.parametrize(
    ("version", "known"), [("2.11.0", 2), ("12.0.1", 2), ("13.0.34", 13), ("16.0.1", 15), ("18.1", 15), ("", 2)]
)
def test_the_layout_is_of_the_version_or_the_nearest_older_one(version: str, known: int) -> None:
    assert layout_of(version) is LAYOUTS[known]


@pytest.mark.parametrize(
    ("data", "member"),
    [
        ("Local/200@from-queue/n,5", StaticMember("Local/200@from-queue/n", 5, "200")),
        ("Local/200@from-queue/n", StaticMember("Local/200@from-queue/n", 0, "200")),
        ("Agent/7,x", StaticMember("Agent/7", 0, None)),
        ('PJSIP/210,3,"Eve",hint:210@ext-local', StaticMember("PJSIP/210", 3, "210")),
    ],
)
def test_a_member_is_an_interface_and_a_penalty(data: str, member: StaticMember) -> None:
    assert member_of(data) == member


def test_on_issabel_any_format_of_a_recording_is_yes() -> None:
    layout = layout_of("2.12")
    old = fresh("400", layout, COLUMNS)
    default = view(old, layout)
    assert default.recording == "no"
    stored = saved(old, default, replace(default, recording="yes"), layout)
    where = (DETAILS, (("id", "400"), ("keyword", "monitor-format")))
    assert stored.rows[where]["data"] == "wav"
    gsm = replace(stored, rows={**stored.rows, where: {"data": "gsm", "flags": 0}})
    assert view(gsm, layout).recording == "yes"
    assert saved(gsm, view(gsm, layout), view(gsm, layout), layout).rows[where]["data"] == "gsm"
