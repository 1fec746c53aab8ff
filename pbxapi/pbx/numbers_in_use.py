"""Which numbers of a platform are taken, and what mentions a number that is to go, in words for people."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, column, func, or_, select, table, true

from pbxapi.db.union import Branch, union_of

if TYPE_CHECKING:
    from sqlalchemy import ColumnClause, ColumnElement, CompoundSelect, Connection

    from pbxapi.db.schema import Schema

AT_ONCE = 60
"""Numbers in one statement, which names them for each table: SQLite before 3.32 takes 999 values."""

FEW = 20
"""Up to so many numbers, a statement names them; for more, all rows are read."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A table whose rows have numbers of their own: in `column`. `name` is the column that describes a row."""

    table: str
    word: str
    column: str
    name: str | None = None


OWNERS = (
    Owner("users", "extension", "extension", "name"),
    Owner("devices", "device", "id", "description"),
    Owner("queues_config", "queue", "extension", "descr"),
    Owner("ringgroups", "ring group", "grpnum", "description"),
    Owner("meetme", "conference", "exten", "description"),
    Owner("paging_config", "page group", "page_group", "description"),
    Owner("parkplus", "parking lot", "parkext", "name"),
    Owner("vmblast", "voicemail blast group", "grpnum", "description"),
    Owner("custom_extensions", "custom extension", "custom_exten", "description"),
    Owner("miscapps", "misc application", "ext", "description"),
    Owner("users", "the SIP alias", "sipname", "name"),
)
"""Where a number may be, as the platforms' own check of conflicts has it; parking places and feature codes beside."""

PARKING, FEATURE_CODES = len(OWNERS), len(OWNERS) + 1
"""Their places behind those of OWNERS."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A table whose rows may name extensions and queues. `key` finds the row; `name` describes it.

    `places` are columns with a dialplan place (`ext-local,200,1`), with what the place is for; `lists` hold numbers
    with `-` between them, `numbers` one. `own`: the rows belong to an extension or a queue, their `key`.
    """

    table: str
    word: str
    key: str
    name: str | None = None
    places: Mapping[str, str] = field(default_factory=dict)
    lists: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    own: bool = False


MENTIONS = (
    Mention("incoming", "inbound route", "extension", "description", {"destination": ""}),
    Mention("ivr_details", "IVR", "id", "name",
            {"invalid_destination": ", invalid key", "timeout_destination": ", no key"}),
    Mention("ringgroups", "ring group", "grpnum", "description", {"postdest": ", no answer"}, lists=("grplist",)),
    Mention("queues_config", "queue", "extension", "descr", {"dest": ", fail-over", "destcontinue": ", continue"},
            own=True),
    Mention("timeconditions", "time condition", "timeconditions_id", "displayname",
            {"truegoto": ", matching", "falsegoto": ", not matching"}),
    Mention("announcement", "announcement", "announcement_id", "description", {"post_dest": ""}),
    Mention("findmefollow", "follow-me of", "grpnum", None, {"postdest": ", no answer"}, lists=("grplist",), own=True),
    Mention("users", "extension", "extension", "name",
            {"noanswer_dest": ", no answer", "busy_dest": ", busy", "chanunavail_dest": ", not reachable"}, own=True),
    Mention("miscdests", "misc destination", "id", "description", numbers=("destdial",)),
    Mention("miscapps", "misc application", "ext", "description", {"dest": ""}),
    Mention("paging_groups", "page group", "page_number", numbers=("ext",)),
    Mention("vmblast_groups", "voicemail blast group", "grpnum", numbers=("ext",)),
    Mention("daynight", "call flow control", "ext", None, {"dest": ""}),
    Mention("parkplus", "parking lot", "parkext", "name", {"dest": ", time out"}),
    Mention("setcid", "caller id", "cid_id", "description", {"dest": ""}),
    Mention("languages", "language", "language_id", "description", {"dest": ""}),
    Mention("callback", "callback", "callback_id", "description", {"destination": ""}),
    Mention("queueprio", "queue priority", "queueprio_id", "description", {"dest": ""}),
    Mention("dynroute_dests", "dynamic route", "dynroute_id", None, {"dest": ""}),
    Mention("outbound_routes", "outbound route", "route_id", "name", {"dest": ", congestion"}),
    Mention("tts", "text to speech", "tts_id", "tts_description", {"dest": ""}),
    Mention("custom_destinations", "custom destination", "custom_dest", "description", {"custom_dest": ""}),
)  # fmt: skip
"""What the deletion of an extension or a queue leaves as it is; keys of an IVR beside (their rows have no name)."""

PLACE = re.compile(r"(?:ext-local|from-did-direct|ext-findmefollow|from-internal|ext-queues),(?:vm[ubsi]|FM)?([0-9]+),")
"""The places that are an extension, its mailbox or its follow-me, or a queue: they share their numbers."""


def taken(connection: Connection, schema: Schema, numbers: Collection[str]) -> dict[str, str]:
    """Say of those numbers that are in use by what they are: `{"400": "queue 400 (Support)"}`.

    A DID is no number in this sense: inbound routes have a context of their own.
    """
    parts = _parts(schema)
    if not parts:
        return {}
    statement = _statement(parts, connection.dialect.name)
    found: list[tuple[int, str, str]] = []
    for some in _some(numbers):
        for place, number, name, more, slots in connection.execute(statement, {"numbers": some}).all():
            if place == PARKING:
                words = f"a place of {_words('parking lot', more, name)}"
                found += [(place, each, words) for each in _parked(number, slots, some)]
            elif place != FEATURE_CODES:
                found.append((place, str(number), _words(OWNERS[place].word, number, name)))
            elif more not in _modules_off(connection, schema):
                found.append((place, str(number), _words("feature code", number, name)))
    users: dict[str, str] = {}
    for _, number, words in sorted(found, key=itemgetter(0)):
        users.setdefault(number, words)
    return users


Part = tuple[int, str, tuple[str | None, ...]]
"""A place, a table, and the columns that are asked for; None for one that this exchange has not."""


def _parts(schema: Schema) -> tuple[Part, ...]:
    """Which tables are asked, and for what. One statement for all: a write would wait for little else than for many."""

    def part(place: int, table: str, *names: str | None) -> Part:
        return place, table, tuple(name if name and schema.has(table, name) else None for name in names)

    parts = [
        part(place, owner.table, owner.column, owner.name, None, None)
        for place, owner in enumerate(OWNERS)
        if schema.has(owner.table, owner.column)
    ]
    if schema.has("parkplus", "parkpos") and schema.has("parkplus", "numslots"):
        parts.append(part(PARKING, "parkplus", "parkpos", "name", "parkext", "numslots"))
    if schema.has("featurecodes"):
        parts.append(part(FEATURE_CODES, "featurecodes", "defaultcode", "description", "modulename", None))
    return tuple(parts)


@lru_cache(maxsize=8)
def _statement(parts: tuple[Part, ...], dialect: str) -> CompoundSelect[Any]:
    return union_of([_branch(*part) for part in parts], dialect)


def _branch(place: int, name: str, names: tuple[str | None, ...]) -> Branch:
    texts: list[ColumnElement[Any] | None] = [None if each is None else column(each) for each in names]
    if place == PARKING:
        return Branch(place, name, texts)
    number: ColumnElement[Any] = column(str(names[0]))
    on: ColumnElement[bool] = true()
    if place == FEATURE_CODES:
        # The codes that are on; whether their modules are is asked for where one is found.
        number, on = func.coalesce(func.nullif(column("customcode"), ""), number), column("enabled") == 1
    return Branch(place, name, [number, *texts[1:]], number.in_(bindparam("numbers", expanding=True)) & on)


def _parked(position: object, slots: object, numbers: Collection[str]) -> list[str]:
    """Those that are places of a parking lot: `slots` numbers from its position on."""
    first, many = _integer(position), _integer(slots)
    if first is None or many is None:
        return []
    return [number for number in numbers if first <= (_integer(number) or 0) < first + many]


def _modules_off(connection: Connection, schema: Schema) -> set[str]:
    if not schema.has("modules"):
        return set()
    rows = _rows(connection, schema, "modules", ("modulename",), column("enabled") == 0)
    return {str(row["modulename"]) for row in rows}


def mentions(connection: Connection, schema: Schema, numbers: Collection[str]) -> dict[str, tuple[str, ...]]:
    """What still mentions each of these extensions and queues: `{"200": ("ring group 600 (Sales)",)}`.

    What goes with them is none: their own follow-me and destinations, and the places of extensions in queues.
    """
    wanted = set(numbers)
    found: dict[str, dict[str, None]] = {}
    for number, words in _all(connection, schema, wanted):
        found.setdefault(number, {})[words] = None
    return {number: tuple(words) for number, words in found.items()}


def _all(connection: Connection, schema: Schema, wanted: set[str]) -> Iterator[tuple[str, str]]:
    for mention in MENTIONS:
        for row, number, what in _mentioning(connection, schema, mention, wanted):
            if not (mention.own and str(row[mention.key]) in wanted):
                yield number, _words(mention.word, row[mention.key], row.get(mention.name or "")) + what
    entries = Mention("ivr_entries", "IVR", "ivr_id", "selection", {"dest": ""})
    names: dict[str, Any] | None = None
    for row, number, _ in _mentioning(connection, schema, entries, wanted):
        if names is None:
            names = _ivr_names(connection, schema)
        key = str(row["ivr_id"])
        yield number, f"{_words('IVR', key, names.get(key))}, key {row.get('selection')}"


def _ivr_names(connection: Connection, schema: Schema) -> dict[str, Any]:
    if not schema.has("ivr_details", "name"):
        return {}
    return {str(row["id"]): row["name"] for row in _rows(connection, schema, "ivr_details", ("id", "name"))}


def _mentioning(
    connection: Connection, schema: Schema, mention: Mention, wanted: set[str]
) -> Iterator[tuple[Mapping[str, Any], str, str]]:
    """Rows, each with a number that it mentions and what for."""
    columns = [name for name in (*mention.places, *mention.lists, *mention.numbers) if schema.has(mention.table, name)]
    if not columns or not schema.has(mention.table, mention.key):
        return
    where = [column(name).contains(number) for name in columns for number in wanted] if len(wanted) <= FEW else []
    for row in _rows(connection, schema, mention.table, (mention.key, mention.name, *columns), *where):
        for name in columns:
            for number in _named(mention, name, str(row[name] or "")) & wanted:
                yield row, number, mention.places.get(name, "")


def _named(mention: Mention, name: str, value: str) -> set[str]:
    """The numbers that a column's value names."""
    if name in mention.places:
        match = PLACE.match(value)
        return {match[1]} if match else set()
    return {each.strip().rstrip("#") for each in (value.split("-") if name in mention.lists else [value])}


def _rows(
    connection: Connection, schema: Schema, name: str, columns: Iterable[str | None], *any_of: ColumnElement[bool]
) -> list[Mapping[str, Any]]:
    """Rows of a table, with those of these columns that it has."""
    there: list[ColumnClause[Any]] = [
        column(each) for each in dict.fromkeys(columns) if each and schema.has(name, each)
    ]
    statement = select(*there).select_from(table(name))
    if any_of:
        statement = statement.where(or_(*any_of))
    return [dict(row) for row in connection.execute(statement).mappings()]


def _words(word: str, number: object, name: object = None) -> str:
    """`ring group 600 (Sales)`; an inbound route for any number has none."""
    return f"{word} {'any' if number in {'', None} else number}" + (f" ({name})" if name else "")


def _some(numbers: Collection[str]) -> Iterator[list[str]]:
    every = list(numbers)
    for first in range(0, len(every), AT_ONCE):
        yield every[first : first + AT_ONCE]


def _integer(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() else None
