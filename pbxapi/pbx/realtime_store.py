"""Phones in the tables that PJSIP reads by itself (sorcery's realtime wizard): in effect at once, with no reload."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import column, select, table

from pbxapi.db.engine import connect
from pbxapi.errors import Invalid, NotSupported, PbxError
from pbxapi.pbx.dialect import PJSIP, Dialect, Objects
from pbxapi.pbx.plain_draft import field_of
from pbxapi.pbx.plain_store import SECRETS, Found
from pbxapi.pbx.plan import Plan, RowChange, Secret, Value

if TYPE_CHECKING:
    from sqlalchemy import ColumnClause, Connection, Engine

    from pbxapi.db.schema import Schema, SchemaLook

TABLES = {"endpoint": "ps_endpoints", "auth": "ps_auths", "aor": "ps_aors"}
NEEDED = {
    "endpoint": ("id", "aors", "auth", "context", "disallow", "allow", "callerid"),
    "auth": ("id", "auth_type", "username", "password"),
    "aor": ("id", "max_contacts"),
}
"""Columns that a phone cannot be without. Those of other options may be there or not."""

MANY = 500

DELETED = tuple(TABLES.values())
WRITTEN = tuple(reversed(TABLES.values()))

_ENCODED = re.compile(r"\^([0-9A-F]{2})")
_TO_ENCODE = re.compile(r"\^(?=[0-9A-F]{2})|;")


class RealtimeStore:
    """`PlainStore` over ps_endpoints, ps_auths and ps_aors."""

    loads = False

    def __init__(self, engine: Engine, look: SchemaLook, dialect: Dialect = PJSIP) -> None:
        self._engine = engine
        self._look = look
        self._dialect = dialect

    def why_not(self) -> str | None:
        """See PlainStore."""
        try:
            schema = self._look.now()
        except PbxError:
            return "the database of REALTIME_DATABASE_URL cannot be reached"
        missing = [
            f"{TABLES[kind]}.{name}" for kind, names in NEEDED.items() for name in names
            if not schema.has(TABLES[kind], name)
        ]  # fmt: skip
        return f"the database has no {', '.join(missing[:5])}" if missing else None

    def prepare(self, *, only_look: bool) -> None:
        """See PlainStore. Raises Unavailable and Timeout, too."""
        self._look.now()
        reason = self.why_not()
        if reason:
            raise NotSupported(f"Extensions cannot be kept here: {reason}")

    def read(self, numbers: Collection[str] | None) -> dict[str, Found]:
        """See PlainStore. A number that has only an auth or an aor is not there: nobody can call it."""
        schema = self._look.now()
        with connect(self._engine) as connection:
            rows = {kind: _rows(connection, schema, name, numbers) for kind, name in TABLES.items()}
        found = {}
        for number in rows["endpoint"]:
            raw = {kind: rows[kind][number] for kind in TABLES if number in rows[kind]}
            objects = {kind: dict(_options(kind, row)) for kind, row in raw.items()}
            found[number] = Found(objects, raw)
        return found

    def plan(self, number: str, old: Found | None, new: Objects | None) -> Plan:
        """See PlainStore."""
        return Plan(rows=tuple(row for kind in TABLES for row in self._changed(kind, number, old, new)))

    def _changed(self, kind: str, number: str, old: Found | None, new: Objects | None) -> Iterator[RowChange]:
        name, key = TABLES[kind], {"id": number}
        raw = old.raw.get(kind) if old else None
        if new is None:
            if raw is not None:
                yield RowChange(name, key, _hidden(raw), None)
            return
        self._check_order(kind, new.get(kind, {}))
        columns = self._columns(kind, (old.objects if old else {}).get(kind, {}), new.get(kind, {}))
        if raw is None:
            yield RowChange(name, key, None, _hidden({each: value for each, value in columns.items() if value}))
        elif columns:
            yield RowChange(name, key, _hidden({each: raw[each] for each in columns}), _hidden(columns))

    def _columns(self, kind: str, old: Mapping[str, str], new: Mapping[str, str]) -> dict[str, Value]:
        """The columns that change. Raises Invalid for what they cannot hold."""
        shapes = self._look.now().tables[TABLES[kind]].columns
        found: dict[str, Value] = {}
        for option in [*new, *(each for each in old if each not in new)]:
            value = new.get(option)
            if value == old.get(option):
                continue
            if option not in shapes:
                if value == self._dialect.defaults[kind].get(option):
                    continue  # nobody asked for it
                self._refuse(kind, option, f"The table {TABLES[kind]} has no column for it.")
            text = None if value is None else _encoded(value, self._separated(kind, option))
            fault = shapes[option].fault(text) if text else None
            if fault:
                self._refuse(kind, option, fault)
            found[option] = text
        return found

    def _check_order(self, kind: str, new: Mapping[str, str]) -> None:
        """Asterisk takes columns in their order: a `deny` of everybody after a `permit` would count."""
        shapes = list(self._look.now().tables[TABLES[kind]].columns)
        for first, second in (("deny", "permit"), ("disallow", "allow")):
            both = {first, second} <= new.keys() and {first, second} <= set(shapes)
            if both and shapes.index(first) > shapes.index(second):
                self._refuse(kind, second, f"The table {TABLES[kind]} has its column before {first}.")

    def _separated(self, kind: str, option: str) -> bool:
        return (kind, option) == self._dialect.variables

    def _refuse(self, kind: str, option: str, words: str) -> None:
        raise Invalid("A value cannot be stored", {field_of(self._dialect, kind, option): [words]})


def in_order(row: RowChange) -> tuple[object, ...]:
    """To sort rows by: an endpoint goes before the auth and the aor that it names, and comes after them.

    Rows of a kind become neighbours, and so one statement.
    """
    if row.after is None:
        return 0, DELETED.index(row.table), ()
    return 1, WRITTEN.index(row.table), tuple(row.before or ()), tuple(row.after)


def _rows(
    connection: Connection, schema: Schema, name: str, numbers: Collection[str] | None
) -> dict[str, dict[str, Value]]:
    """By number, every column but the number."""
    columns: list[ColumnClause[Any]] = [column(each) for each in schema.tables[name].columns]
    statement = select(*columns).select_from(table(name))
    wanted = None if numbers is None else list(numbers)
    found: dict[str, dict[str, Value]] = {}
    for first in range(0, 1 if wanted is None else len(wanted), MANY):
        some = statement if wanted is None else statement.where(column("id").in_(wanted[first : first + MANY]))
        for row in connection.execute(some).mappings():
            number = str(row["id"])
            if number.isascii() and number.isdigit() and len(number) <= 20:
                found[number] = {each: row[each] for each in row if each != "id"}
    return found


def _options(kind: str, row: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    """What Asterisk makes of a row: nothing of NULL and of what is empty (res_config_odbc)."""
    for name, value in row.items():
        if value is not None and str(value).strip():
            yield name, _ENCODED.sub(lambda found: chr(int(found[1], 16)), str(value))


def _encoded(value: str, separated: bool) -> str:
    """As `ast_realtime_decode_chunk` reads it: `;` would begin another value, and `^41` is an A."""
    keep = ";" if separated else ""
    return _TO_ENCODE.sub(lambda found: found[0] if found[0] == keep else f"^{ord(found[0]):02X}", value)


def _hidden(columns: Mapping[str, Value]) -> dict[str, Value]:
    return {name: Secret(value) if name in SECRETS and isinstance(value, str) else value
            for name, value in columns.items()}  # fmt: skip
