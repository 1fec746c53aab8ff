"""Whom a key may call, from where, when and how often: a limit for toll fraud, whatever scopes the key has."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from pbxapi.errors import Invalid
from pbxapi.pbx import office_hours
from pbxapi.pbx.dial_patterns import allows, compiled, forbids
from pbxapi.pbx.text import CHANNEL, LOCAL, VARIABLE

MOST_ENTRIES = 150
LONGEST_ENTRY = 80
"""What a policy has at most, as JSON, is below the 64 KiB of MySQL's TEXT."""

MOST_CALLS = 100_000
ALL_POWERFUL = ("provision", "secrets", "admin")
"""Scopes that no call policy can hold: they set forwards and dial strings, register as a phone, or make other keys."""

MOST_SHOWN = 80
_NUMBER = re.compile(r"[0-9*#+]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class CallPolicy:
    """What a key may place. An empty tuple or None forbids nothing.

    `destinations` and `sources` are patterns of Asterisk's dialplan without the leading `_`; one that begins with `-`
    forbids, whatever the others allow. `caller_ids` are the numbers that may be shown, `variables` the names of channel
    variables that may be set where destinations or caller ids are limited. `calls_at_once` and `calls_a_minute` count
    what the key places and transfers. `hours` are such as `Mon-Fri 08:00-18:00`, by the exchange's own clock.
    """

    destinations: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    caller_ids: tuple[str, ...] = ()
    variables: tuple[str, ...] = ()
    calls_at_once: int | None = None
    calls_a_minute: int | None = None
    hours: tuple[str, ...] = ()

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> CallPolicy:
        """Read what `document` made, or somebody wrote. Raises Invalid, naming each field that is wrong."""
        faults = {f"policy.{name}": ["There is no such field."] for name in document.keys() - _READERS.keys()}
        values: dict[str, Any] = {}
        for name in _READERS.keys() & document.keys():
            try:
                values[name] = _READERS[name](document[name])
            except ValueError as error:
                faults[f"policy.{name}"] = [f"{str(error)[:1].upper()}{str(error)[1:]}."]
        if faults:
            raise Invalid("The call policy cannot be used", faults)
        return cls(**values)

    def document(self) -> dict[str, Any]:
        """Its fields as JSON has them."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def against_destination(self, number: str) -> str | None:
        """Why this number may not be called; None when it may."""
        if not self.destinations or _allowed(self.destinations, number):
            return None
        return f"the destination {number[:MOST_SHOWN]} is not among those that it may call"

    def against_source(self, origin: str) -> str | None:
        """Why a call may not begin here. A Local channel dials what it names: that is a destination as well."""
        local, device = LOCAL.match(origin), CHANNEL.match(origin)
        number = local["extension"] if local else device["name"] if device else origin
        if self.sources and not _allowed(self.sources, number):
            return f"calls may not begin at {origin[:MOST_SHOWN]}"
        return self.against_destination(number) if local else None

    def against_caller_id(self, caller_id: str | None) -> str | None:
        """Why this may not be shown: `200`, `Sales <200>`, or nothing, which is what the phone itself shows."""
        if not self.caller_ids or not caller_id:
            return None
        shown = re.search(r"<([^<>]*)>\s*\Z", caller_id)
        number = (shown[1] if shown else caller_id).strip()
        return None if number in self.caller_ids else "the caller id is not among those that it may show"

    def against_variables(self, names: Iterable[str]) -> str | None:
        """Why these may not be set: a dialplan may take a destination or a caller id from a variable."""
        if not (self.destinations or self.caller_ids):
            return None
        wrong = sorted({name.lstrip("_") for name in names} - {name.lstrip("_") for name in self.variables})
        return f"the channel variable {wrong[0]} is not among those that it may set" if wrong else None

    def against_now(self, local: datetime) -> str | None:
        """Why not now, a moment of the exchange's own clock."""
        if not self.hours or any(office_hours.parse(text).hold(local) for text in self.hours):
            return None
        return f"calls are placed in its hours only, and it is {local:%a %H:%M} at the exchange"


def check_scopes(policy: CallPolicy | None, scopes: Iterable[str]) -> None:
    """Raise Invalid for a key that a policy limits and one of its scopes sets free again."""
    wrong = [scope for scope in scopes if scope in ALL_POWERFUL]
    if wrong and policy not in {None, CallPolicy()}:
        words = f"With {wrong[0]} it could call whomever it likes: a key with a call policy cannot have that scope."
        raise Invalid("The call policy would hold nobody", {"scopes": [words]})


def _allowed(patterns: Iterable[str], number: str) -> bool:
    forbidding = [pattern[1:] for pattern in patterns if pattern.startswith("-")]
    allowing = [pattern for pattern in patterns if not pattern.startswith("-")] or ["."]
    return any(allows(each, number) for each in allowing) and not any(forbids(each, number) for each in forbidding)


def _texts(check: Callable[[str], object]) -> Callable[[Any], tuple[str, ...]]:
    def read(value: Any) -> tuple[str, ...]:
        if value is None:
            return ()
        if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
            raise ValueError("must be a list of texts")
        if len(value) > MOST_ENTRIES:
            raise ValueError(f"has more than {MOST_ENTRIES} entries")
        for each in value:
            if len(each) > LONGEST_ENTRY:
                raise ValueError(f"has an entry of more than {LONGEST_ENTRY} characters")
            check(each)
        return tuple(dict.fromkeys(value))

    return read


def _count(value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_CALLS):
        raise ValueError(f"must be a number from 1 to {MOST_CALLS}, or null")
    return value


def _pattern(text: str) -> None:
    compiled(text.removeprefix("-"))


def _fits(shape: re.Pattern[str], words: str) -> Callable[[str], None]:
    def check(text: str) -> None:
        if not shape.fullmatch(text):
            raise ValueError(f"{text[:60]!r} is not {words}")

    return check


_READERS: dict[str, Callable[[Any], Any]] = {
    "destinations": _texts(_pattern),
    "sources": _texts(_pattern),
    "caller_ids": _texts(_fits(_NUMBER, "a number")),
    "variables": _texts(_fits(VARIABLE, "the name of a channel variable")),
    "calls_at_once": _count,
    "calls_a_minute": _count,
    "hours": _texts(office_hours.parse),
}
