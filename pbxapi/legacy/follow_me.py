"""`addfollowmeextension`, `updatefollowmeextension`, `deletefollowmeextension` and the two that read."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from pbxapi.errors import Invalid, NotFound
from pbxapi.http import audit
from pbxapi.http.context import capable
from pbxapi.http.extensions import how
from pbxapi.legacy.commands import Asked, command
from pbxapi.legacy.extensions import check_applied
from pbxapi.legacy.parameters import Parameters
from pbxapi.pbx.follow_me_numbers import split_numbers
from pbxapi.pbx.provisioning import FollowMes, Write

FIELDS = {
    "strategy": "strategy", "grptime": "ring_time", "grplist": "numbers", "pre_ring": "initial_ring_time",
    "ringing": "ringing", "annmsg_id": "announcement_id", "remotealert_id": "remote_announcement_id",
    "toolate_id": "too_late_announcement_id", "needsconf": "confirm_calls", "postdest": "destination_if_no_answer",
    "dring": "alert_info", "grppre": "caller_name_prefix",
}  # fmt: skip
SECONDS = frozenset({"grptime", "pre_ring"})
ANNOUNCEMENTS = frozenset({"annmsg_id", "remotealert_id", "toolate_id"})
DEFAULTS = {"grptime": "20", "pre_ring": "0", "ringing": "Ring"}


def _follow_me(asked: Asked) -> FollowMes:
    return capable(asked.pbx.follow_me, "follow-me")


@command("provision", "/follow-me")
def addfollowmeextension(asked: Asked) -> object:
    """Set up an extension's follow-me, switched on."""
    follow_me, number = _follow_me(asked), asked.given.required("grpnum")
    try:
        follow_me.get(number)
    except NotFound:
        values = _values(asked.given, DEFAULTS) | {"enabled": True}
        _put(follow_me, number, values, merge=False)
        return {"status": "INSERT OK", "code": 200}
    return {"status": "ALREADY EXISTS", "code": 200}


@command("provision", "/follow-me")
def updatefollowmeextension(asked: Asked) -> object:
    """Change what was sent, of this extension alone."""
    follow_me, number = _follow_me(asked), asked.given.required("grpnum")
    values = _values(asked.given, {})
    try:
        follow_me.get(number)
    except NotFound:
        if asked.settings.legacy.mode != "classic":
            raise
    else:
        _put(follow_me, number, values, merge=True)
    return {"status": "UPDATE OK", "code": 200}


@command("provision", "/follow-me")
def deletefollowmeextension(asked: Asked) -> object:
    """Take it away; also where there is none."""
    number = asked.given.required("grpnum")
    with suppress(NotFound):
        done = _follow_me(asked).delete(number, Write())
        audit.record("follow_me.delete", f"extension {number}", detail=how(done))
        check_applied(done)
    return {"status": "DELETE OK", "code": 200}


@command("provision", "/follow-me")
def getfollowmeextension(asked: Asked) -> object:
    """The row of one, or none."""
    return _rows(asked, asked.given.required("grpnum"))


@command("provision", "/follow-me")
def getallfollowmeextensions(asked: Asked) -> object:
    """All rows."""
    return _rows(asked, None)


def _rows(asked: Asked, number: str | None) -> list[dict[str, str]]:
    return [_as_it_was(row) for row in _follow_me(asked).rows(number)]


def _as_it_was(row: dict[str, str]) -> dict[str, str]:
    """The older system gave the list with commas, and 0 for no announcement."""
    none = {name: row[name] or "0" for name in ANNOUNCEMENTS if name in row}
    return {**row, **none, "grplist": row["grplist"].replace("-", ",")}


def _put(follow_me: FollowMes, number: str, values: dict[str, Any], *, merge: bool) -> None:
    try:
        _, done = follow_me.put(number, values, Write(), merge=merge)
    except Invalid as error:
        names = {field: name for name, field in FIELDS.items()}
        wrong = (f"{names.get(field, field)}: {' '.join(words)}" for field, words in error.fields.items())
        raise Invalid(f"{error}. {' '.join(wrong)}".strip()) from error
    audit.record(f"follow_me.{'update' if merge else 'set'}", f"extension {number}", detail=how(done), after=values)
    check_applied(done)


def _values(given: Parameters, defaults: dict[str, str]) -> dict[str, Any]:
    values = {}
    for name, field in FIELDS.items():
        text = given.sent(name)
        text = defaults.get(name) if text is None or (text == "" and name in defaults) else text
        if text is not None:
            values[field] = _value(name, text)
    return values


def _value(name: str, text: str) -> object:
    if name in SECONDS | ANNOUNCEMENTS:
        if not re.fullmatch(r"[0-9]{0,9}", text):
            raise Invalid(f"{name} must be a whole number")
        number = int(text or "0")
        return number or None if name in ANNOUNCEMENTS else number
    if name == "grplist":
        return split_numbers(text)
    if name == "needsconf":
        return text.upper() in {"CHECKED", "1", "YES", "TRUE"}
    return text or None
