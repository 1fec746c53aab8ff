"""The line of a voicemail box: `201 => 4321,Bob,bob@example.com,,attach=no|saycid=no|envelope=no|delete=no`.

PIN, name, e-mail, pager and options, as app_voicemail takes them apart. What is not changed stays as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from pbxapi.errors import Invalid
from pbxapi.pbx.asterisk_conf import BLANKS, uncommented
from pbxapi.pbx.provisioning import Mailbox

FIELDS = {"attach": "attach", "saycid": "say_caller_id", "envelope": "envelope", "delete": "delete"}
"""Options that a field of `Mailbox` stands for, in the order in which FreePBX writes them."""

DEFAULTS = {"attach": "yes", "saycid": "no", "envelope": "yes"}
"""Asterisk's, where neither the line nor `[general]` says it; `delete` is a mailbox's alone (app_voicemail.c)."""

TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})
"""ast_true() of main/utils.c."""

NUMBER = re.compile(r"[0-9]{1,20}\Z")
PIN = re.compile(r"-?[0-9]{1,20}\Z")
"""`-` before it: its owner may not change it by phone."""

OPTION = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}\Z")
UNFIT = re.compile(r"[\x00-\x1f\x7f;\\\ud800-\udfff]")
"""Line ends would begin another line, `;` a comment, and a backslash before one would undo it."""

MAX_BYTES = 1000
"""Of a line. Asterisk reads 8,191, FreePBX's screens far less."""

KEY = re.compile(r"[^\[#=][^=]*?(?=[\0-\x20]*=)")
SEPARATOR = re.compile(r"[^=]*?([\0-\x20]*=>?[\0-\x20]*)")
BEFORE_COMMENT = re.compile(r"(?:\\;|[^;])*")


def key_of(text: str) -> str | None:
    """What stands before the `=` of a line without comments; None for a section's head, an #include and the like."""
    match = KEY.match(text)
    return match[0] if match else None


def separator_of(line: str) -> str:
    """`=` or `=>` with the blanks around it."""
    match = SEPARATOR.match(line)
    return match[1] if match else "="


def mailbox_of(line: str, context: str, general: Mapping[str, str] = DEFAULTS) -> Mailbox:
    """What a line says. Of an option that it does not name, `general` says what it is, else it counts as no."""
    values = [*_parts(line)[1], "", "", "", ""]
    options = dict(_options(values[4]))
    flags = {field: options.pop(name, general.get(name, "")).lower() in TRUE for name, field in FIELDS.items()}
    return Mailbox(context=context, password=_shown(values[0]) or None, email=_list(values[2]), pager=_list(values[3]),
                   options=options, **flags)  # fmt: skip


def new_line(number: str, separator: str, mailbox: Mailbox, name: str) -> str:
    """The line of a new box. Raises Invalid."""
    if not NUMBER.match(number):
        raise Invalid("A mailbox is a number", {"extension": ["1 to 20 digits."]})
    if mailbox.password is None:
        raise Invalid("A mailbox needs a PIN", {"voicemail.password": ["1 to 20 digits."]})
    options = "|".join(f"{option}=no" for option in FIELDS)
    return edited(f"{number}{separator},,,,{options}", mailbox, name)


def edited(line: str, mailbox: Mailbox, name: str | None, general: Mapping[str, str] = DEFAULTS) -> str:
    """The line with what is different now; its comment and the options that nobody here knows stay. Raises Invalid."""
    head, values, comment = _parts(line)
    given = len(values)
    values += [""] * (5 - given)
    old = mailbox_of(line, mailbox.context, general)
    if mailbox.password != old.password:
        values[0] = _pin(mailbox.password or "")
    if name is not None and _name(name) != _shown(values[1]):
        values[1] = _name(name)
    for place, field in ((2, "email"), (3, "pager")):
        if getattr(mailbox, field) != getattr(old, field):
            values[place] = _fit(getattr(mailbox, field) or "", field).replace(",", "|")
    values[4] = _new_options(values[4], old, mailbox)
    while not values[-1] and len(values) > given:
        values.pop()
    made = head + ",".join(values)
    if len(made.encode("utf-8", "surrogateescape")) > MAX_BYTES:
        raise Invalid("The line of the mailbox is too long", {"voicemail": [f"{MAX_BYTES} bytes at most in all."]})
    return made + comment


def _parts(line: str) -> tuple[str, list[str], str]:
    """What stands before the values, those (five at most) as they are written, and the comment with its blanks.

    A comment in the midst of a line is left out: nothing writes such.
    """
    left = BEFORE_COMMENT.match(line)
    before = left[0] if left else ""
    text = uncommented(line, 0)[0]
    comment = line[len(before) :] if before.replace("\\;", ";") == text else ""
    if not comment and before != line:
        before = text
    separator = SEPARATOR.match(before)
    start = separator.end() if separator else len(before)
    value = before[start:].rstrip(BLANKS)
    comment = before[start + len(value) :] + comment
    return before[:start], value.split(",", 4), comment


def _options(text: str) -> Iterator[tuple[str, str]]:
    for item in filter(None, (item.strip(BLANKS) for item in text.split("|"))):
        name, _, value = item.partition("=")
        yield name.strip(BLANKS), _shown(value)


def _new_options(text: str, old: Mailbox, new: Mailbox) -> str:
    """The options in their order, changed ones with their new value, new ones at the end, others as they were."""
    before, after = _as_options(old), _as_options(new)
    items = []
    named = set()
    for item in filter(None, text.split("|")):
        name = item.partition("=")[0].strip(BLANKS)
        named.add(name)
        if before.get(name) == after.get(name):
            items.append(item)
        elif name in after:
            items.append(_option(name, after[name]))
    items += [_option(name, value) for name, value in after.items()
              if name not in named and before.get(name) != value]  # fmt: skip
    return "|".join(items)


def _as_options(mailbox: Mailbox) -> dict[str, str]:
    flags = {name: "yes" if getattr(mailbox, field) else "no" for name, field in FIELDS.items()}
    wrong = [name for name in mailbox.options if name in FIELDS]
    if wrong:
        raise Invalid("An option has a field of its own", {"voicemail.options": [f"Use {FIELDS[wrong[0]]}."]})
    return flags | dict(mailbox.options)


def _option(name: str, value: str) -> str:
    if not OPTION.match(name) or "|" in value:
        raise Invalid("This is no option of a mailbox", {"voicemail.options": ["Names and values without | and =."]})
    return f"{name}={_fit(value, 'options')}"


def _pin(text: str) -> str:
    if not PIN.match(text):
        raise Invalid("The PIN of a mailbox is a number", {"voicemail.password": ["1 to 20 digits."]})
    return text


def _name(text: str) -> str:
    """A name fit for the line: as FreePBX does, commas are dropped; it is only spoken and shown in mails."""
    return UNFIT.sub("", text.replace(",", "")).strip()


def _fit(text: str, field: str) -> str:
    if UNFIT.search(text):
        raise Invalid("A value does not fit into voicemail.conf",
                      {f"voicemail.{field}": ["No control characters, ; and backslashes."]})  # fmt: skip
    return text.strip()


def _list(text: str) -> str | None:
    """One or several addresses, which stand with `|` between them where a comma would end the field."""
    return _shown(text).replace("|", ",") or None


def _shown(text: str) -> str:
    """Text of a file that is UTF-8, or Latin-1 where it is not."""
    data = text.strip(BLANKS).encode("utf-8", "surrogateescape")
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
