"""What of an exchange belongs to a number beside its own rows: all that would hurt the number's next owner.

FreePBX and Issabel themselves forget most of it when they delete an extension (seen on both).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import column, or_, select, table

from pbxapi.pbx.astdb import FAMILIES, AstDb
from pbxapi.pbx.extension_reader import ONE_BY_ONE
from pbxapi.pbx.stored import RowKey, Stored

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, Connection, Select

    from pbxapi.db.schema import Schema
    from pbxapi.pbx.plan import Value

Owner = Callable[[str], str]
"""Whose an entry of AstDB is, by its key without the family."""

BY_NUMBER = ("CF", "CFB", "CFU", "DND", "CALLTRACE", "ZULU")
"""Families of AstDB with an entry, or a tree, a number."""

LAMPS = (
    "FOLLOWME", "DND", "DEVDND", "CF", "DEVCF", "CFB", "DEVCFB", "CFU", "DEVCFU", "QUEUE", "QUEUETOGGLE", "CONF",
)  # fmt: skip
"""Custom device states that end with a number (`DND200`) or go on with an asterisk (`QUEUE200*400`)."""

PENALTIES, MEMBERS = "QPENALTY", "queues_details"
"""Where queues keep who may log in to them, in AstDB, and their static members, in a table."""

INTERFACES = ("Local/{}@%", "PJSIP/{},%", "SIP/{},%", "IAX2/{},%")
"""How a static member of a queue names an extension, a penalty behind it."""


def with_belongings(
    connection: Connection, schema: Schema, astdb: AstDb, stored: Mapping[str, Stored]
) -> dict[str, Stored]:
    """These extensions, with everything that is theirs elsewhere."""
    if not stored:
        return {}
    keys = _keys(astdb, stored)
    lamps, presences = astdb.trees([(FAMILIES["Custom"], ""), (FAMILIES["CustomPresence"], "")])
    found = {}
    for number, each in stored.items():
        states = {f"Custom:{name}": value for name, value in lamps.items() if _is_lamp(name, number)}
        if number in presences:
            states[f"CustomPresence:{number}"] = presences[number]
        rows = dict(each.rows) | dict(_rows(connection, schema, number))
        found[number] = replace(each, rows=rows, keys={**each.keys, **keys.get(number, {})}, states=states)
    return found


def with_remains(
    connection: Connection, schema: Schema, astdb: AstDb, stored: Mapping[str, Stored]
) -> dict[str, Stored]:
    """These numbers, none of them an extension, with what an earlier owner left: forwards, contacts, follow-me, lamps.

    Not the seats in queues: an administrator may give them to a number before it is there.
    """
    return {
        number: replace(
            each,
            rows={key: row for key, row in each.rows.items() if key[0] != MEMBERS},
            keys={key: value for key, value in each.keys.items() if key[0] != PENALTIES},
        )
        for number, each in with_belongings(connection, schema, astdb, stored).items()
    }


def _is_lamp(name: str, number: str) -> bool:
    return any(name == lamp + number or name.startswith(f"{lamp}{number}*") for lamp in LAMPS)


def _keys(astdb: AstDb, numbers: Collection[str]) -> dict[str, dict[tuple[str, str], str]]:
    found: dict[str, dict[tuple[str, str], str]] = {number: {} for number in numbers}
    keys = numbers if len(numbers) < ONE_BY_ONE else [""]
    places = [(family, key, _first) for family in BY_NUMBER for key in keys] + OTHERS
    for (family, _, owner), tree in zip(places, astdb.trees([place[:2] for place in places]), strict=True):
        _take(found, family, tree, owner)
    return found


def _take(found: dict[str, dict[tuple[str, str], str]], family: str, tree: Mapping[str, str], owner: Owner) -> None:
    for key, value in tree.items():
        if owner(key) in found:
            found[owner(key)][family, key] = value


def _first(key: str) -> str:
    return key.partition("/")[0]


def _last(key: str) -> str:
    return key.rpartition("/")[2]


def _contact_owner(key: str) -> str:
    return key.removeprefix("contact/").partition(";@")[0]


def _agent(key: str) -> str:
    """The permission to log in to a queue: `400/agents/200`."""
    _, between, number = key.partition("/agents/")
    return number if between else ""


# PJSIP keeps `contact/200;@<hash>` there, and a new phone of that number would get it.
OTHERS: list[tuple[str, str, Owner]] = [
    ("registrar", "contact", _contact_owner), ("SIP", "Registry", _last), (PENALTIES, "", _agent),
]  # fmt: skip


def _rows(connection: Connection, schema: Schema, number: str) -> Iterable[tuple[RowKey, Mapping[str, Value]]]:
    places: list[tuple[str, tuple[str, ...], ColumnElement[bool]]] = [
        ("findmefollow", ("grpnum",), column("grpnum") == number),
        (MEMBERS, ("id", "keyword", "data"), (column("keyword") == "member") & _member(number)),
    ]
    for name, names, condition in places:
        if schema.has(name):
            shape = schema.tables[name].columns
            columns: list[ColumnElement[Any]] = [column(each) for each in shape]
            statement: Select[Any] = select(*columns).select_from(table(name)).where(condition)
            for row in connection.execute(statement).mappings():
                key = tuple((each, row[each]) for each in names)
                yield (name, key), {each: row[each] for each in shape if each not in names}


def _member(number: str) -> ColumnElement[bool]:
    return or_(*(column("data").like(interface.format(number)) for interface in INTERFACES))
