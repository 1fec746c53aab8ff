"""What running systems wrote by themselves: rows and AstDB entries before and after a step in their own screens."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).parent
Row = dict[str, str | None]

_INSERT = re.compile(
    r"^(?P<sign>[<>] )?INSERT INTO `(?P<table>\w+)` \((?P<columns>[^)]*)\) VALUES \((?P<values>.*)\);$"
)
_VALUE = re.compile(r"'((?:[^'\\]|\\.)*)'|([^',]+)")
_ENTRY = re.compile(r"^(?P<sign>[<>] )?/(?P<family>\w+)/(?P<key>\S+) +: (?P<value>.*)$")


def rows(name: str, sign: str = ">") -> list[tuple[str, Row]]:
    """The rows of a capture that came (`>`) or went (`<`), by table; all of a dump, which has no signs."""
    return list(_rows(name, sign))


def _rows(name: str, sign: str) -> Iterator[tuple[str, Row]]:
    for line in (FOLDER / name).read_text().splitlines():
        found = _INSERT.match(line)
        if found and (found["sign"] or f"{sign} ").startswith(sign):
            columns = [column.strip("` ") for column in found["columns"].split(",")]
            values = [_plain(*each) for each in _VALUE.findall(found["values"])]
            yield found["table"], dict(zip(columns, values, strict=True))


def _plain(text: str, bare: str) -> str | None:
    if bare:
        return None if bare == "NULL" else bare
    return re.sub(r"\\(.)", r"\1", text)


def keys(name: str, sign: str = ">") -> dict[tuple[str, str], str]:
    """The entries of AstDB that came or went, by family and key."""
    found = {}
    for line in (FOLDER / name).read_text().splitlines():
        entry = _ENTRY.match(line)
        if entry and (entry["sign"] or f"{sign} ").startswith(sign):
            found[entry["family"], entry["key"]] = entry["value"].rstrip()
    return found
