"""Sections of Asterisk's configuration files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

Option = tuple[str, str]


def section(name: str, options: Iterable[Option]) -> str:
    """Nothing is escaped: neither platform does, but for the passwords of chan_sip."""
    return "\n".join([f"[{name}]", *(f"{key}={value}" for key, value in options), "", ""])


def joined(codecs: str) -> str:
    """`ulaw&alaw`, as stored, with the commas that Asterisk wants."""
    return codecs.replace("&", ",")


def split(key: str, value: str) -> Iterator[Option]:
    """A value with `&` is several lines (deny, permit, allow)."""
    return ((key, part) for part in value.split("&"))


def renamed(rows: Mapping[str, str], names: Mapping[str, str]) -> list[Option]:
    """The rows that `names` knows and that say something, by their names in Asterisk, in the order of `names`."""
    return [(name, rows[keyword]) for keyword, name in names.items() if rows.get(keyword)]
