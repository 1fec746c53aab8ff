"""What a follow-me is made of on FreePBX and Issabel: a row, entries of AstDB and states of lamps, there and back.

Where a row and AstDB differ, AstDB counts: calls go by it, and a feature code at a phone changes it alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from pbxapi.pbx.follow_me_layout import CALLER_ID_MODES, RECORDINGS, TABLE, UNTOUCHED, FollowMeLayout
from pbxapi.pbx.follow_me_numbers import shown
from pbxapi.pbx.lamps import BUSY, NOT_INUSE
from pbxapi.pbx.plan import Plan, Value
from pbxapi.pbx.provisioning import FollowMe, Values
from pbxapi.pbx.stored import RowKey, Stored, lead

FAMILY = "AMPUSER"
ON, OFF = "DIRECT", "EXTENSION"
"""`ddial`: calls go directly to the follow-me, or to the extension."""

COLUMNS = {
    "strategy": "strategy", "ring_time": "grptime", "initial_ring_time": "pre_ring", "ringing": "ringing",
    "caller_name_prefix": "grppre", "alert_info": "dring", "announcement_id": "annmsg_id",
    "remote_announcement_id": "remotealert_id", "too_late_announcement_id": "toolate_id",
    "destination_if_no_answer": "postdest",
}  # fmt: skip
"""Fields that are a column as they are."""

TIMES = ("grptime", "pre_ring")


def place(number: str) -> RowKey:
    """Where the row of that extension is."""
    return TABLE, (("grpnum", number),)


def entry(number: str, name: str) -> tuple[str, str]:
    """Where an entry of that extension's follow-me is in AstDB."""
    return FAMILY, f"{number}/followme/{name}"


def defaults(number: str, settings: Mapping[str, str]) -> FollowMe:
    """A follow-me as the platform's settings make a new one; only that it is enabled, since somebody asked for it."""
    return FollowMe(
        extension=number,
        enabled=True,
        strategy=settings.get("FOLLOWME_RG_STRATEGY") or "ringallv2-prim",
        ring_time=_number(settings.get("FOLLOWME_TIME"), 20),
        initial_ring_time=_number(settings.get("FOLLOWME_PRERING"), 7),
        numbers=(number,),
        ringing="Ring",
        caller_id_mode="default",
        destination_if_no_answer=f"ext-local,{number},dest",
    )


def view(stored: Stored, settings: Mapping[str, str]) -> FollowMe | None:
    """The follow-me of an extension, None when it has none."""
    row = stored.rows.get(place(stored.number))
    if row is None:
        return None
    default = defaults(stored.number, settings)
    fields: dict[str, Value] = {field: row.get(column) or None for field, column in COLUMNS.items()}
    fields["strategy"] = fields["strategy"] or default.strategy
    ring_time = _number(row.get("grptime"), default.ring_time)
    initial = _number(row.get("pre_ring"), default.initial_ring_time)
    confirm = _entry(stored, "grpconf")
    mode = _entry(stored, "changecid").lower()
    fields["ring_time"] = _number(_entry(stored, "grptime"), 0) or ring_time
    fields["initial_ring_time"] = _number(_entry(stored, "prering"), initial)
    return FollowMe(
        extension=stored.number,
        enabled=_entry(stored, "ddial") == ON,
        numbers=shown(kept_list(stored)),
        confirm_calls=confirm == "ENABLED" if confirm else row.get("needsconf") == "CHECKED",
        caller_id_mode=mode if mode in CALLER_ID_MODES else "default",
        fixed_caller_id=_entry(stored, "fixedcid") or None,
        **fields,  # type: ignore[arg-type]
    )


def kept_list(stored: Stored) -> str:
    """The list of numbers that counts, as it is kept."""
    return _entry(stored, "grplist") or str((stored.rows.get(place(stored.number)) or {}).get("grplist") or "")


def changed(current: FollowMe, values: Values, default: FollowMe) -> FollowMe:
    """What a follow-me is with these values; None, and an empty text, stand for the default."""
    given = {name: getattr(default, name) if value is None or value == "" else value for name, value in values.items()}
    for name in ("announcement_id", "remote_announcement_id", "too_late_announcement_id"):
        if name in given:
            given[name] = given[name] or None
    if "numbers" in given:
        given["numbers"] = tuple(given["numbers"])
    return replace(current, **given)


def saved(
    old: Stored,
    follow_me: FollowMe,
    grplist: str,
    *,
    layout: FollowMeLayout,
    columns: Collection[str],
    files: Mapping[int, str],
) -> Stored:
    """The same extension with this follow-me. `columns` are those of the table; `files` paths of recordings by id."""
    before = old.rows.get(place(old.number))
    row = _row(follow_me, grplist, layout)
    if before is None:
        row = {**UNTOUCHED, **row}
    else:
        # What is as empty as it was is left as it is: 0, '' and NULL mean the same there.
        row = {**before, **{c: v for c, v in row.items() if c in TIMES or v or before.get(c)}}
    row = {column: value for column, value in row.items() if column in columns}
    entries = {entry(old.number, name): value for name, value in _entries(follow_me, row, layout, files).items()}
    return replace(old, rows={**old.rows, place(old.number): row}, keys={**old.keys, **entries})


def _row(follow_me: FollowMe, grplist: str, layout: FollowMeLayout) -> dict[str, Value]:
    row: dict[str, Value] = {column: getattr(follow_me, field) for field, column in COLUMNS.items()}
    nothing = {column: layout.no_recording if column in RECORDINGS else "" for column in row}
    return {column: nothing[column] if value is None else value for column, value in row.items()} | {
        "grplist": grplist,
        "needsconf": "CHECKED" if follow_me.confirm_calls else "",
    }


def _entries(
    follow_me: FollowMe, row: Mapping[str, Value], layout: FollowMeLayout, files: Mapping[int, str]
) -> dict[str, str]:
    entries = {name: str(row[column] or "") for name, column in layout.entries.items() if column in row}
    for name, column in layout.entries.items():
        if column in RECORDINGS:
            entries[name] = files.get(_number(row.get(column), 0), "")
        elif column in TIMES:
            entries[name] = str(_number(row.get(column), 0))
    entries["grpconf"] = "ENABLED" if follow_me.confirm_calls else "DISABLED"
    return entries | {
        "ddial": ON if follow_me.enabled else OFF,
        "changecid": follow_me.caller_id_mode or "default",
        "fixedcid": follow_me.fixed_caller_id or "",
    }


def lamp(device: str) -> str:
    """The state that tells of the follow-me of that device's extension."""
    return f"Custom:FOLLOWME{device}"


def lit(stored: Stored, devices: Collection[str], *, enabled: bool) -> Stored:
    """The same with the lamps of its devices."""
    state = BUSY if enabled else NOT_INUSE
    return replace(stored, states={**stored.states, **{lamp(device): state for device in devices}})


def removed(old: Stored) -> Stored:
    """The same without a follow-me: the row and everything below AMPUSER/N/followme, whoever wrote it."""
    below = entry(old.number, "")[1]
    return replace(
        old,
        rows={key: row for key, row in old.rows.items() if key != place(old.number)},
        keys={key: value for key, value in old.keys.items() if not (key[0] == FAMILY and key[1].startswith(below))},
    )


def plan(old: Stored, new: Stored, layout: FollowMeLayout) -> Plan:
    """What leads from one to the other, and whether the dialplan has to be made anew for it.

    The platform's own screens ask for a reload at every save. Needed it is for the first follow-me of an extension and
    when it goes, for recordings, and for what calls do not read from AstDB: on FreePBX 13 and 14 and on Issabel that is
    strategy, ringing, alert info and destination, on Issabel the prefix too.
    """
    found = lead(old, new)
    reload = any(
        row.before is None or row.after is None or not all(layout.live(column) for column in row.after)
        for row in found.rows
    )
    return replace(found, reload=reload)


def _entry(stored: Stored, name: str) -> str:
    return stored.keys.get(entry(stored.number, name), "").strip()


def _number(value: object, default: int) -> int:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else default
