"""What leads from one state of a queue to another: only what changes is touched, what nobody here knows is kept."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, replace

from pbxapi.db.schema import TableShape
from pbxapi.errors import Invalid
from pbxapi.pbx import queue_keywords as kept
from pbxapi.pbx.plan import Plan, RowChange, Secret, Value
from pbxapi.pbx.provisioning import Values
from pbxapi.pbx.queue_keywords import QueueLayout
from pbxapi.pbx.queue_view import entry, keyword_place, member_place, members, place
from pbxapi.pbx.queueing import QueueSettings, StaticMember
from pbxapi.pbx.stored import RowKey, Stored, lead


def fresh(queue: str, layout: QueueLayout, columns: Collection[str]) -> Stored:
    """A queue as the platform makes a new one of which nothing was said. `columns` are those of `queues_config`."""
    row = {column: value for column, value in layout.columns.items() if column in columns}
    rows: dict[RowKey, Mapping[str, Value]] = {place(queue): row}
    for keyword, data in layout.keywords.items():
        rows[keyword_place(queue, keyword)] = {"data": data, "flags": 0}
    return Stored(queue, rows=rows, keys={entry(queue, "dynmemberonly"): "no"})


def changed(start: QueueSettings, values: Values, default: QueueSettings) -> QueueSettings:
    """What a queue is with these values; None, and an empty text, stand for the default, but None for `retry`.

    `static_members` are `StaticMember`. Of `options` those that are named change.
    """
    given = {
        name: getattr(default, name) if name != "retry" and (value is None or value == "") else value
        for name, value in values.items()
    }
    for name in (*kept.RECORDINGS, "max_wait"):
        if name in given:
            given[name] = given[name] or None
    if "static_members" in given:
        given["static_members"] = tuple(given["static_members"])
    options = values.get("options") or {}
    given["options"] = {**start.options, **_prompts(start, given)} | {
        keyword: default.options.get(keyword) if value is None else value for keyword, value in options.items()
    }
    given["options"] = {keyword: value for keyword, value in given["options"].items() if value is not None}
    return replace(start, **given)


def _prompts(start: QueueSettings, given: Values) -> dict[str, str]:
    """What is said before and after a position: silence where none is announced. Prompts of somebody's own stay."""
    if given.get("announce_position", start.announce_position) == start.announce_position:
        return {}
    silent = given["announce_position"] == "no"
    return {
        prompt: quiet if silent else prompt
        for prompt, quiet in kept.PROMPTS.items()
        if start.options.get(prompt) in {prompt, quiet}
    }


def saved(old: Stored, before: QueueSettings, wanted: QueueSettings, layout: QueueLayout) -> Stored:
    """The same with these settings; `before` is how `old` is seen."""
    new = {each.name for each in fields(wanted) if getattr(wanted, each.name) != getattr(before, each.name)}
    rows = dict(old.rows)
    rows[place(old.number)] = {**rows[place(old.number)], **dict(_columns(wanted, new, layout))}
    for keyword, data in _keywords(before, wanted, new, layout):
        where = keyword_place(old.number, keyword)
        if data is None:
            rows.pop(where, None)
        else:
            rows[where] = {**rows.get(where, {"flags": 0}), "data": data}
    if "static_members" in new:
        rows = {where: row for where, row in rows.items() if ("keyword", kept.MEMBER) not in where[1]}
        rows |= _members(old, wanted.static_members)
    return replace(old, rows=rows, keys=_entries(old, before, wanted, new))


def _columns(wanted: QueueSettings, new: Collection[str], layout: QueueLayout) -> Iterator[tuple[str, Value]]:
    for field, column in kept.TEXTS.items():
        if field in new:
            value = getattr(wanted, field) or ""
            yield column, Secret(value) if field == "password" and value else value
    for field, column in kept.RECORDINGS.items():
        if field in new:
            yield column, getattr(wanted, field) or layout.no_recording
    if "max_wait" in new:
        yield "maxwait", str(wanted.max_wait or "")
    if "ringing" in new:
        yield "ringing", kept.RINGING[wanted.ringing]
    if {"skip_busy", "ring_in_use"} & set(new):
        yield "cwignore", kept.BUSY[wanted.skip_busy, wanted.ring_in_use]


def _keywords(
    before: QueueSettings, wanted: QueueSettings, new: Collection[str], layout: QueueLayout
) -> Iterator[tuple[str, str | None]]:
    """What changes; None is a row that goes."""
    for field, keyword in {**kept.NUMBERS, **kept.FLAGS, **kept.WORDS}.items():
        if field in new:
            value = getattr(wanted, field)
            words = {True: "yes", False: "no"} if field in kept.FLAGS else {None: kept.NO_RETRY}
            yield keyword, words.get(value) or str(value)
    if "music_class" in new:
        yield kept.MUSIC, wanted.music_class
    if "recording" in new:
        yield layout.recording, layout.recordings.get(wanted.recording or "", "")
    for keyword in {**before.options, **wanted.options}:
        if wanted.options.get(keyword) != before.options.get(keyword):
            yield keyword, wanted.options.get(keyword)


def _members(old: Stored, wanted: Collection[StaticMember]) -> dict[RowKey, Mapping[str, Value]]:
    """Their rows: those that need not change stay, and flags count up in the order of the members."""
    there = {(member.interface, member.penalty): data for member, data, _ in members(old)}
    flags = {member.interface: flag for member, _, flag in members(old)}
    found: dict[RowKey, Mapping[str, Value]] = {}
    last = -1
    for member in wanted:
        data = there.get((member.interface, member.penalty), f"{member.interface},{member.penalty}")
        last = max(flags.get(member.interface, 0), last + 1)
        found[member_place(old.number, data)] = {"flags": last}
    return found


def _entries(
    old: Stored, before: QueueSettings, wanted: QueueSettings, new: Collection[str]
) -> dict[tuple[str, str], str]:
    keys = dict(old.keys)
    if "only_listed_agents" in new:
        keys[entry(old.number, "dynmemberonly")] = "yes" if wanted.only_listed_agents else "no"
    for number in {**before.dynamic_agents, **wanted.dynamic_agents}:
        where = entry(old.number, f"agents/{number}")
        if number not in wanted.dynamic_agents:
            keys.pop(where, None)
        elif wanted.dynamic_agents[number] != before.dynamic_agents.get(number):
            keys[where] = str(wanted.dynamic_agents[number])
    return keys


def plan(old: Stored, new: Stored, tables: Mapping[str, TableShape]) -> Plan:
    """What leads from one to the other. Raises Invalid for what the tables cannot hold: MySQL would cut it.

    What stands in tables is in effect after a reload; who may log in is looked up in AstDB at every login.
    """
    found = lead(old, new)
    faults = {field: [fault] for row in found.rows for field, fault in _faults(row, tables[row.table])}
    if faults:
        raise Invalid("The queue does not fit into the exchange's database", faults)
    return replace(found, reload=bool(found.rows))


def _faults(row: RowChange, shape: TableShape) -> Iterator[tuple[str, str]]:
    for column, value in {**row.key, **(row.after or {})}.items():
        fault = shape.columns[column].fault(value) if row.after is not None and isinstance(value, str) else None
        if fault:
            name = "queue" if column in {"extension", "id"} else str(row.key.get("keyword", column))
            yield name if name == "queue" else kept.PLACES.get((row.table, name), "options"), fault
