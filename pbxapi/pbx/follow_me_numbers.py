"""The list of a follow-me, as callers give it and as the platform keeps it: `200-201-5551234#`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

MOST = 40
"""Characters of one number."""

_BETWEEN = re.compile(r"[-,\s]+")
_WRITTEN_WITH = re.compile(r"[\s().-]")
_NUMBER = re.compile(r"[0-9*+]+#?")


def split_numbers(text: str) -> list[str]:
    """The numbers of a text that has commas, hyphens, blanks or line ends between them."""
    return [number for number in _BETWEEN.split(text) if number]


def clean(number: str) -> str | None:
    """A number as it is dialled, without what it is only written with: `(555) 12-34`. None when it is none.

    A `#` at its end stays: dial it through a trunk, though there may be an extension of that number.
    """
    found = _WRITTEN_WITH.sub("", number)
    return found if _NUMBER.fullmatch(found) and len(found) <= MOST else None


def join(own: str, numbers: Iterable[str], extensions: Collection[str]) -> str:
    """The list as it is kept. What is no extension here gets a `#`; the own number never has one."""
    kept = dict.fromkeys(_kept(own, number, extensions) for number in numbers)
    return "-".join(kept)


def _kept(own: str, number: str, extensions: Collection[str]) -> str:
    bare = number.removesuffix("#")
    if bare == own or (bare == number and bare in extensions):
        return bare
    return f"{bare}#"


def shown(kept: str) -> tuple[str, ...]:
    """The numbers of a list as it is kept."""
    return tuple(number.removesuffix("#") for number in kept.split("-") if number.removesuffix("#"))
