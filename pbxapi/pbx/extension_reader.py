"""Reading extensions as a platform stores them: rows of its database, entries of AstDB, lines of voicemail.conf."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, column, select, table

from pbxapi.db.union import Branch, union_of
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.plan import Value
from pbxapi.pbx.provisioning import Mailbox
from pbxapi.pbx.stored import MAPPING_GROUP, MAPPINGS, RowKey, Stored, mapping_place

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, CompoundSelect, Connection, Select

    from pbxapi.db.schema import Schema

DEVICE_TABLES = {"pjsip": "sip", "sip": "sip", "iax2": "iax", "dahdi": "dahdi"}
"""Where a technology keeps the settings of its devices."""

FAMILIES = ("AMPUSER", "DEVICE")
CALL_WAITING = "CW"
"""What AstDB has of an extension: two trees and an entry."""

ONE_BY_ONE = 20
"""From so many extensions on, whole families of AstDB are read rather than a tree for each of them."""

MANY = 300
"""Numbers in one statement, for up to three tables: SQLite before 3.32 takes 999 values."""


class Reader:
    """Reads what is there within one connection; raises what the database and the manager raise."""

    def __init__(self, connection: Connection, schema: Schema, astdb: AstDb) -> None:
        self._connection = connection
        self._schema = schema
        self._astdb = astdb

    def stored(
        self, numbers: Collection[str] | None, boxes: Mapping[tuple[str, str], Mailbox] | None = None
    ) -> dict[str, Stored]:
        """These extensions, all of them when None is given, by number.

        Of the numbers given, those that are no extensions too (`Stored.exists`) where something is left of one.
        """
        awaited = self._ask_keys(numbers)
        users = self._rows("users", "extension", numbers)
        devices = self._rows("devices", "id", numbers)
        settings = self._settings(self._tables(devices, users if numbers is None else numbers), numbers)
        mappings = self._mappings(numbers)
        keys = awaited()
        found = {}
        left = [*keys, *mappings, *(number for rows in settings.values() for number in rows)] if numbers else []
        for number in dict.fromkeys([*users, *devices, *left]):
            user, device = users.get(number), devices.get(number)
            full = next((name for name, rows in settings.items() if number in rows), "sip")
            where = DEVICE_TABLES.get(str(device["tech"]), "sip") if device else full
            rows = settings.get(where, {}).get(number, [])
            found[number] = Stored(
                number,
                user,
                device,
                where,
                {keyword: data for keyword, data, _ in rows},
                {keyword: flags for keyword, _, flags in rows},
                rows=mappings.get(number, {}),
                keys=keys.get(number, {}),
                box=(boxes or {}).get((str(user["voicemail"]), number)) if user else None,
            )
        return found

    def _rows(self, name: str, key: str, numbers: Collection[str] | None) -> dict[str, dict[str, Value]]:
        found: dict[str, dict[str, Value]] = {}
        for row in self._select(name, key, numbers):
            number = str(row[key])
            # A number may be there twice on FreePBX, which has no key here: the first is the one that its screens show.
            found.setdefault(number, {column: value for column, value in row.items() if column != key})
        return found

    def _tables(self, devices: Mapping[str, Mapping[str, Value]], numbers: Collection[str]) -> list[str]:
        """The tables that the devices are in, and all where one of the numbers has none: it may have left something."""
        techs = {str(device["tech"]) for device in devices.values()}
        whole = not devices.keys() >= set(numbers)
        names = dict.fromkeys(name for tech, name in DEVICE_TABLES.items() if whole or tech in techs)
        return [name for name in names if self._schema.has(name)]

    def _settings(
        self, tables: Sequence[str], numbers: Collection[str] | None
    ) -> dict[str, dict[str, list[tuple[str, str, int]]]]:
        """Keywords with their data and flags, by table and number."""
        found: dict[str, dict[str, list[tuple[str, str, int]]]] = {name: {} for name in tables}
        if numbers is None:
            for name in tables:
                for row in self._select(name, "id", None):
                    found[name].setdefault(str(row["id"]), []).append((row["keyword"], row["data"], row["flags"]))
        elif tables:
            statement = _settings_statement(tuple(tables), self._connection.dialect.name)
            wanted = list(numbers)
            for first in range(0, len(wanted), MANY):
                some = {"numbers": wanted[first : first + MANY]}
                for place, number, keyword, data, flags in self._connection.execute(statement, some):
                    found[tables[place]].setdefault(str(number), []).append((keyword, data, int(flags or 0)))
        return found

    def _mappings(self, numbers: Collection[str] | None) -> dict[str, dict[RowKey, Mapping[str, Value]]]:
        """Which mailbox a device's is, where the platform keeps that in a table."""
        if not self._schema.has(MAPPINGS):
            return {}
        rows = (row for row in self._select(MAPPINGS, "key", numbers) if row["id"] == MAPPING_GROUP)
        return {
            str(row["key"]): {mapping_place(str(row["key"])): {"val": row["val"], "type": row["type"]}} for row in rows
        }

    def _select(self, name: str, key: str, numbers: Collection[str] | None) -> Sequence[Mapping[str, Any]]:
        every, some_of = _statements(name, key, tuple(self._schema.tables[name].columns))
        if numbers is None:
            return [dict(row) for row in self._connection.execute(every).mappings() if _is_number(str(row[key]))]
        wanted = list(numbers)
        found: list[Mapping[str, Any]] = []
        for first in range(0, len(wanted), MANY):
            some = {"numbers": wanted[first : first + MANY]}
            found += [dict(row) for row in self._connection.execute(some_of, some).mappings()]
        return found

    def _ask_keys(self, numbers: Collection[str] | None) -> Callable[[], dict[str, dict[tuple[str, str], str]]]:
        """Ask for the entries of FAMILIES; what is given back awaits them, by number."""
        if numbers is None or len(numbers) >= ONE_BY_ONE:
            trees, entries = [(family, "") for family in (*FAMILIES, CALL_WAITING)], []
        else:
            trees = [(family, number) for family in FAMILIES for number in numbers]
            entries = [(CALL_WAITING, number) for number in numbers]
        awaited = self._astdb.ask(trees, entries)

        def keys() -> dict[str, dict[tuple[str, str], str]]:
            found: dict[str, dict[tuple[str, str], str]] = {}
            for (family, _), tree in zip([*trees, *entries], awaited(), strict=True):
                for key, value in tree.items():
                    found.setdefault(key.partition("/")[0], {})[family, key] = value
            return found

        return keys


@lru_cache(maxsize=32)
def _statements(name: str, key: str, names: tuple[str, ...]) -> tuple[Select[Any], Select[Any]]:
    """All rows of a table, and those of some numbers: making a statement takes longer than running it."""
    columns: list[ColumnElement[Any]] = [column(each) for each in names]
    every = select(*columns).select_from(table(name))
    return every, every.where(column(key).in_(bindparam("numbers", expanding=True)))


@lru_cache(maxsize=16)
def _settings_statement(tables: tuple[str, ...], dialect: str) -> CompoundSelect[Any]:
    """The rows of some numbers in those tables, in one go."""
    texts: list[ColumnElement[Any]] = [column(name) for name in ("id", "keyword", "data", "flags")]
    where = column("id").in_(bindparam("numbers", expanding=True))
    return union_of([Branch(place, name, texts, where) for place, name in enumerate(tables)], dialect)


def _is_number(text: str) -> bool:
    """Whether rows of this id are an extension's: `tr-peer-1`, `pjsip-1` and `-1` are trunks and the like."""
    return text.isascii() and text.isdigit()
