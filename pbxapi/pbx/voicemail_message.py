"""What `msgNNNN.txt` says of a message: the section `[message]` that app_voicemail writes, without its sound."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from pbxapi.pbx.interfaces import Party

MOST = 16_384
"""Bytes that are read of such a file; Asterisk writes some 300."""

_ID = re.compile(r"[A-Za-z0-9-]{1,64}\Z")
_CALLER = re.compile(r'(?:"((?:\\.|[^"\\])*)"|([^<"]*))[ \t]*(?:<([^<>]*)>)?\Z')
_NUMBER = re.compile(r"[0-9*#+]+\Z")
_UNKNOWN = frozenset({"", "unknown", "<unknown>", "(null)"})
_LATEST = 2**33
"""No later second is believed: it is beyond the year 2200."""


@dataclass(frozen=True, slots=True)
class About:
    """What the file tells; None is what it does not. `received` is in seconds since 1970, `duration` in seconds.

    `id` is Asterisk's `msg_id`, which it keeps when it moves a message (since Asterisk 11), else made of the content.
    """

    id: str
    caller: Party
    received: int | None
    duration: int | None
    urgent: bool
    context: str | None
    extension: str | None


def about(data: bytes) -> About:
    """Read such a file, whatever is in it."""
    values = _values(_text(data[:MOST]))
    given = values.get("msg_id", "")
    return About(
        id=given if _ID.match(given) else hashlib.blake2b(data[:MOST], digest_size=12).hexdigest(),
        caller=party(values.get("callerid", "")),
        received=_whole(values.get("origtime"), _LATEST) or None,
        duration=_whole(values.get("duration"), 10**7),
        urgent=values.get("flag", "").lower() == "urgent",
        context=_known(values.get("macrocontext") or values.get("context")),
        extension=_known(values.get("exten")),
    )


def party(text: str) -> Party:
    """Read `"Name" <number>`, as ast_callerid_merge() writes it, or a part of that."""
    found = _CALLER.match(text.strip())
    if found is None:
        return Party(None, _known(text))
    quoted, plain, number = found.groups()
    name = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else plain
    if number is None and _NUMBER.match(name.strip()):
        name, number = "", name
    return Party(_known(number), _known(name))


def _values(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    inside = False
    for line in text.splitlines():
        stripped = line.strip()
        if stripped.startswith("["):
            inside = stripped.lower() == "[message]"
        elif inside and not stripped.startswith(";"):
            name, equals, value = stripped.partition("=")
            if equals:
                values.setdefault(name.strip().lower(), value.removeprefix(">").strip())
    return values


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _whole(text: str | None, most: int) -> int | None:
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 12:
        return None
    number = int(text)
    return number if number < most else None


def _known(text: str | None) -> str | None:
    shown = "".join(each for each in (text or "") if each.isprintable()).strip()
    return None if shown.lower() in _UNKNOWN else shown
