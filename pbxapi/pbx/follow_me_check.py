"""What a follow-me may hold: it ends up in a dialplan that the platform writes, unescaped, from these values."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping

from pbxapi.db.schema import ColumnShape
from pbxapi.errors import Invalid
from pbxapi.pbx.follow_me_layout import CALLER_ID_MODES, STRATEGIES
from pbxapi.pbx.follow_me_numbers import clean
from pbxapi.pbx.plan import Value
from pbxapi.pbx.provisioning import FollowMe, Values

RING_TIME = range(1, 61)
INITIAL_RING_TIME = range(61)
"""Seconds, as the platform's own form takes them."""

ANNOUNCEMENTS = ("announcement_id", "remote_announcement_id", "too_late_announcement_id")

_SAFE_TEXT = re.compile(r"""[^;$\[\]{}\\"|,]*""")
_MUSIC = re.compile(r"[A-Za-z0-9_-]{1,80}")
_CALLER_ID = re.compile(r"[0-9+]{1,40}")
_DESTINATION = re.compile(r"[A-Za-z0-9_.-]+,[A-Za-z0-9_*#+.-]+,[A-Za-z0-9_]+")

COLUMN_FIELDS = {
    "grplist": "numbers", "grppre": "caller_name_prefix", "dring": "alert_info", "ringing": "ringing",
    "strategy": "strategy", "postdest": "destination_if_no_answer",
}  # fmt: skip
"""What a caller knows a column as."""


def check(values: Values, recordings: Collection[int] | None) -> None:
    """Raise Invalid for values that cannot be used. `recordings` are the ids there are, None where nobody knows."""
    faults = {name: [fault] for name, fault in _faults(values, recordings)}
    if faults:
        raise Invalid("The follow-me cannot be used as it is", faults)


def _faults(values: Values, recordings: Collection[int] | None) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        fault = _RULES[name](value) if name in _RULES and value not in {None, ""} else None
        if fault:
            yield name, fault
    if values.get("numbers") is not None and (fault := _numbers(values["numbers"])):
        yield "numbers", fault
    for name in ANNOUNCEMENTS:
        if values.get(name) and recordings is not None and values[name] not in recordings:
            yield name, f"There is no recording {values[name]}."


def _numbers(numbers: Collection[str]) -> str | None:
    if not numbers:
        return "At least one number is needed."
    wrong = [number for number in numbers if clean(number) is None]
    return f"No number: {', '.join(ascii(number) for number in wrong)}." if wrong else None


def _one_of(words: Collection[str]) -> Callable[[str], str | None]:
    return lambda value: None if value in words else f"Must be one of: {', '.join(words)}."


def _within(seconds: range) -> Callable[[int], str | None]:
    return lambda value: None if value in seconds else f"Must be {seconds.start} to {seconds.stop - 1} seconds."


def _like(pattern: re.Pattern[str], words: str) -> Callable[[str], str | None]:
    return lambda value: None if value.isprintable() and pattern.fullmatch(value) else words


_TEXT = _like(_SAFE_TEXT, 'Must be printable and without ; , $ [ ] { } \\ | ".')
_RULES: Mapping[str, Callable[..., str | None]] = {
    "strategy": _one_of(STRATEGIES),
    "ring_time": _within(RING_TIME),
    "initial_ring_time": _within(INITIAL_RING_TIME),
    "ringing": _like(_MUSIC, "Must be Ring or a class of music on hold."),
    "caller_name_prefix": _TEXT,
    "alert_info": _TEXT,
    "caller_id_mode": _one_of(CALLER_ID_MODES),
    "fixed_caller_id": _like(_CALLER_ID, "Must be up to 40 digits and +."),
    "destination_if_no_answer": _like(_DESTINATION, "Must be a place of the dialplan: context,extension,priority."),
}


def check_caller_id(follow_me: FollowMe, values: Values) -> None:
    """Raise Invalid where a fixed caller id is asked for, and there is none."""
    asked = {"caller_id_mode", "fixed_caller_id"} & values.keys()
    if asked and follow_me.caller_id_mode == "fixed" and not follow_me.fixed_caller_id:
        raise Invalid("The follow-me cannot be used as it is", {"fixed_caller_id": ["Needed for the mode fixed."]})


def check_widths(row: Mapping[str, Value], columns: Mapping[str, ColumnShape]) -> None:
    """Raise Invalid for what does not fit into the table as it is there."""
    faults = {}
    for column, field in COLUMN_FIELDS.items():
        value = row.get(column)
        fault = columns[column].fault(value) if isinstance(value, str) and column in columns else None
        if fault:
            faults[field] = [fault]
    if faults:
        raise Invalid("The follow-me does not fit into the exchange's database", faults)
