"""From an Extension's fields to the options of a plain Asterisk, and back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from pbxapi.errors import Invalid
from pbxapi.pbx.config_file import value_fault
from pbxapi.pbx.dialect import Dialect, Objects, Place
from pbxapi.pbx.provisioning import Extension, Mailbox, Values

NAME_VARIABLE = "PBXAPI_NAME"
"""Keeps the name of whoever shows a caller id with another one; calls from the phone have it as a variable."""

NOT_HERE = "Not on an Asterisk without a platform."
SECRET_BYTES = 16
LACKING = frozenset({"recording", "ring_time", "emergency_caller_id", "call_limit", "max_contacts", "webrtc"})
"""Fields that a dialect may have no place for."""

_CALLER_ID = re.compile(r'\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>[^<]*?))\s*(?:<(?P<number>[^<>]*)>)?\s*')
_NUMBER = re.compile(r"[0-9*#+]{1,40}")
_NUMBERED_GROUPS = re.compile(r"[0-9]{1,2}(,[0-9]{1,2})*")


class Draft:
    """The options of one number, in the making."""

    def __init__(self, dialect: Dialect, number: str, old: Objects | None = None) -> None:
        self._dialect = dialect
        self._number = number
        self.options: dict[str, dict[str, str]] = {kind: dict((old or {}).get(kind, {})) for kind in dialect.kinds}
        if old is None:
            self._begin()

    def _begin(self) -> None:
        for kind in self._dialect.kinds:
            own = {option: value.format(number=self._number) for option, value in self._dialect.own[kind].items()}
            self.options[kind] = dict(self._dialect.defaults[kind]) | own
        self._put(self._dialect.fields["secret"], secrets.token_hex(SECRET_BYTES))
        self._set_names(self._number, None)

    def objects(self) -> Objects:
        """As it is now."""
        return {kind: dict(options) for kind, options in self.options.items()}

    def mend(self) -> None:
        """Give it the objects and the links between them that it lacks; a secret is not among what can be mended."""
        for kind in self._dialect.kinds:
            if not self.options[kind]:
                self.options[kind] = dict(self._dialect.defaults[kind])
            for option, value in self._dialect.own[kind].items():
                self.options[kind][option] = value.format(number=self._number)

    def set(self, values: Values) -> None:
        """Take the fields that were sent; None sets a field's default. Raises Invalid."""
        self._refuse_unknown(values)
        if "name" in values or "caller_id" in values:
            old = names(self._dialect, self._number, self.options)
            self._set_names(
                str(values.get("name") or old[0] or self._number), values.get("caller_id", old[1]) or None
            )  # fmt: skip
        for name, value in values.items():
            if name == "secret":
                if value is None:
                    value = secrets.token_hex(SECRET_BYTES)  # noqa: PLW2901
                self._put(self._dialect.fields[name], value)
            elif name in self._dialect.fields:
                self._set_field(name, value)
            elif name in self._dialect.groups:
                self._set_group(name, value)
        if "webrtc" in values and self._dialect.webrtc:
            self._put(self._dialect.webrtc, "yes" if values["webrtc"] else None)
        self._set_options(values.get("options") or {})
        self._check()

    def _refuse_unknown(self, values: Values) -> None:
        known = {*self._dialect.fields, *(["webrtc"] if self._dialect.webrtc else [])}
        faults = {name: [NOT_HERE] for name in LACKING - known if values.get(name)}
        if faults:
            raise Invalid("The extension cannot be made as it is", faults)

    def _set_names(self, name: str, caller_id: str | None) -> None:
        shown = caller_id
        if caller_id is None or _NUMBER.fullmatch(caller_id):
            shown = f'"{name}" <{caller_id or self._number}>'
        self._put(self._dialect.caller_id, shown)
        variables = _variables(self._get(self._dialect.variables))
        variables.pop(NAME_VARIABLE, None)
        if caller_id is not None:
            variables[NAME_VARIABLE] = name
        joined = ";".join(f"{key}={value}" for key, value in variables.items())
        self._put(self._dialect.variables, joined or None)

    def _set_field(self, name: str, value: Any) -> None:
        place = self._dialect.fields[name]
        if value is not None:
            if name == "codecs":
                value = ",".join(value) or None
            elif name in {"permit", "deny"}:
                value = value.replace("&", ",")
            elif name == "call_limit":
                value = str(value) if value else None
            value = value if value is None else self._dialect.words.get(name, {}).get(str(value), str(value))
        self._put(place, value)
        if name == "max_contacts":
            # A phone that comes back from another address must not be locked out by its old one.
            self._put((place[0], "remove_existing"), "yes" if self._get(place) == "1" else "no")

    def _set_group(self, name: str, value: str | None) -> None:
        numbered, named = self._dialect.groups[name]
        by_number = bool(value) and bool(_NUMBERED_GROUPS.fullmatch(value or ""))
        by_number = by_number and all(int(each) < 64 for each in (value or "").split(","))
        self._put(numbered, value if by_number else None)
        self._put(named, None if by_number else value)

    def set_box(self, box: Mailbox | None) -> None:
        """Which box the phone's lamp and its voicemail key are for."""
        self._put(self._dialect.mailboxes, f"{self._number}@{box.context}" if box else None)

    def _set_options(self, options: Mapping[str, str | None]) -> None:
        for name, value in options.items():
            kind, pattern = self._dialect.options.get(name, (self._dialect.main_kind, ""))
            if value == self._get((kind, name)):
                continue  # what is read may be sent back
            if not pattern:
                raise Invalid("An option cannot be set", {"options": [f"{name}: not among those that can be set."]})
            if value is not None and not re.fullmatch(pattern, value):
                raise Invalid("An option cannot be set", {"options": [f"{name}: not a value that it has."]})
            self._put((kind, name), value)

    def _get(self, place: Place) -> str | None:
        return self.options[place[0]].get(place[1])

    def _put(self, place: Place, value: str | None) -> None:
        kind, option = place
        value = self._dialect.defaults[kind].get(option) if value is None else value
        if value is None:
            self.options[kind].pop(option, None)
        else:
            self.options[kind][option] = value

    def _check(self) -> None:
        faults = {}
        for kind, options in self.options.items():
            for option, value in options.items():
                # Several variables are kept as one value, with ; between them.
                parts = value.split(";") if (kind, option) == self._dialect.variables else [value]
                fault = next(filter(None, map(value_fault, parts)), None)
                if fault:
                    faults[field_of(self._dialect, kind, option)] = [fault]
        if faults:
            raise Invalid("A value cannot be written", faults)


def view(
    dialect: Dialect, number: str, objects: Objects, boxes: Mapping[tuple[str, str], Mailbox], *, managed: bool = True
) -> Extension:
    """An extension as callers see it."""

    def get(place: Place | None) -> str | None:
        return objects.get(place[0], {}).get(place[1]) or None if place else None

    name, caller_id = names(dialect, number, objects)
    fields = {field: get(place) for field, place in dialect.fields.items()}
    limit, contacts = fields.get("call_limit"), fields.get("max_contacts")
    secret = fields["secret"] if managed else None
    groups = {field: get(numbered) or get(named) for field, (numbered, named) in dialect.groups.items()}
    return Extension(
        extension=number, name=name, technology=dialect.technology, secret=secret, context=fields["context"],
        caller_id=caller_id, voicemail=_box(number, get(dialect.mailboxes), boxes), codecs=_codecs(fields["codecs"]),
        transport=fields["transport"], dtmf_mode=fields["dtmf_mode"],
        call_group=groups["call_group"], pickup_group=groups["pickup_group"],
        max_contacts=int(contacts) if contacts and contacts.isdigit() else None,
        permit=_networks(fields["permit"]), deny=_networks(fields["deny"]), account_code=fields["account_code"],
        call_limit=int(limit) if limit and limit.isdigit() else None,
        webrtc=get(dialect.webrtc) in {"yes", "true", "1"},
        options=_others(dialect, objects), managed=managed,
    )  # fmt: skip


def names(dialect: Dialect, number: str, objects: Objects) -> tuple[str | None, str | None]:
    """The name, and the caller id where it is not just name and number."""
    text = objects.get(dialect.caller_id[0], {}).get(dialect.caller_id[1], "")
    kept = _variables(objects.get(dialect.variables[0], {}).get(dialect.variables[1])).get(NAME_VARIABLE)
    found = _CALLER_ID.fullmatch(text)
    shown, called = ((found["quoted"] or found["plain"] or "").strip(), found["number"]) if found else (text, None)
    if kept is None:
        return shown or None, called if called and called != number else None
    return kept, called if shown == kept and called else text


def field_of(dialect: Dialect, kind: str, option: str) -> str:
    """What callers know an option as."""
    named = {place: name for name, place in dialect.fields.items()}
    named |= {place: name for name, places in dialect.groups.items() for place in places}
    named |= {dialect.caller_id: "name", dialect.variables: "caller_id", dialect.mailboxes: "voicemail"}
    if dialect.webrtc:
        named[dialect.webrtc] = "webrtc"
    return named.get((kind, option), "options")


def box_of(dialect: Dialect, objects: Objects) -> str | None:
    """The context of the number's voicemail box; None when it has none."""
    text = objects.get(dialect.mailboxes[0], {}).get(dialect.mailboxes[1])
    return text.partition(",")[0].partition("@")[2] or "default" if text else None


def _others(dialect: Dialect, objects: Objects) -> dict[str, str]:
    """What no field stands for. Of auth and aor only what can be set: their names are the endpoint's, too."""
    shown = {*dialect.fields.values(), dialect.caller_id, dialect.mailboxes, dialect.webrtc}
    shown |= {place for places in dialect.groups.values() for place in places}
    shown |= {(kind, option) for kind, own in dialect.own.items() for option in own}
    shown |= {(dialect.main_kind, option) for option in ("disallow", "type", "host")}
    found = {}
    for kind, options in objects.items():
        for option, value in options.items():
            known = dialect.options.get(option, ("", ""))[0] == kind
            if (kind, option) not in shown and (known or kind == dialect.main_kind):
                found[option] = _shown_variables(value) if (kind, option) == dialect.variables else value
    return {option: value for option, value in found.items() if value}


def _shown_variables(text: str) -> str:
    return ";".join(part for part in text.split(";") if not part.startswith(f"{NAME_VARIABLE}="))


def _variables(text: str | None) -> dict[str, str]:
    pairs = (part.partition("=") for part in (text or "").split(";") if part)
    return {name: value for name, _, value in pairs}


def _box(number: str, text: str | None, boxes: Mapping[tuple[str, str], Mailbox]) -> Mailbox | None:
    if not text:
        return None
    name, _, context = text.partition(",")[0].partition("@")
    context = context or "default"
    return boxes.get((context, name)) or Mailbox(context=context)


def _codecs(text: str | None) -> tuple[str, ...]:
    return tuple(codec for codec in re.split(r"[,&|\s]+", text or "") if codec and not codec.startswith("!"))


def _networks(text: str | None) -> str | None:
    return text.replace(",", "&") if text else None
