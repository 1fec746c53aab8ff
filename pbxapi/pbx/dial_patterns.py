"""Patterns of numbers, as Asterisk's dialplan writes them, without the leading `_`.

One thing is narrower than in Asterisk where a pattern allows: what `.` and `!` stand for are digits. Behind a letter or
`*` or `#` there may be more digits that a trunk or a feature code would send on (`0800w0900...`, `1*72...`).
"""

from __future__ import annotations

import re
from functools import lru_cache

LONGEST = 64
# https://docs.asterisk.org/Configuration/Dialplan/Pattern-Matching/; the letters mean the same in lower case.
_CLASSES = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]"}
_PART = re.compile(r"\[(?P<set>(?:[0-9A-Za-z*#+](?:-[0-9A-Za-z])?)+)\]|(?P<one>[0-9A-Za-z*#+])")
_DIALLED = re.compile(r"[0-9A-Za-z*#+]{1,80}")


@lru_cache(maxsize=4096)
def compiled(pattern: str, rest: str = "[0-9]") -> re.Pattern[str]:
    """The pattern as a regular expression for the whole of a number. Raises ValueError, saying what is wrong.

    `rest` is what each character is that `.` or `!` stands for.
    """
    body, end = pattern, ""
    if pattern[-1:] in {".", "!"}:
        body, end = pattern[:-1], rest + ("+" if pattern.endswith(".") else "*")
    if not 1 <= len(pattern) <= LONGEST:
        raise ValueError(f"a pattern has 1 to {LONGEST} characters")
    made, place = [], 0
    while place < len(body):
        part = _PART.match(body, place)
        if part is None:
            raise ValueError(
                f"{body[place]!r} has no place in a pattern: digits, letters, * # +, X Z N, [15-7], . or ! last"
            )
        made.append(_set(part["set"]) if part["set"] else _CLASSES.get(part["one"].upper(), re.escape(part["one"])))
        place = part.end()
    return re.compile("".join(made) + end)


def allows(pattern: str, number: str) -> bool:
    """Whether a number is one that the pattern means. A number with anything but digits, letters, * # + is none."""
    # A dash or a dot in a number: Asterisk passes over some of them, providers over others.
    return bool(_DIALLED.fullmatch(number)) and bool(compiled(pattern).fullmatch(number))


def forbids(pattern: str, number: str) -> bool:
    """Whether a number is one that the pattern means, if need be with letters and * # + at its end."""
    return bool(compiled(pattern, ".").fullmatch(number))


def _set(inner: str) -> str:
    """A set of characters. Each range must go up, or it would be one of none."""
    for first, last in re.findall(r"(.)-(.)", inner):
        if not (first <= last and (first.isdigit() == last.isdigit())):
            raise ValueError(f"[{inner}]: {first}-{last} is no range")
    return "[" + re.sub(r"[*#+]", lambda found: re.escape(found[0]), inner) + "]"
