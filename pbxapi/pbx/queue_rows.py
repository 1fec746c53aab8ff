"""The rows of queues in the tables of FreePBX and Issabel."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, reduce
from typing import TYPE_CHECKING, Any

from sqlalchemy import String, cast, column, func, select

from pbxapi.db.platform_tables import queues_config, queues_details
from pbxapi.pbx import queue_keywords as kept
from pbxapi.pbx.plan import Secret, Value
from pbxapi.pbx.platform import Platform
from pbxapi.pbx.queue_keywords import CONFIG
from pbxapi.pbx.queue_view import keyword_place, member_place
from pbxapi.pbx.stored import RowKey

if TYPE_CHECKING:
    from sqlalchemy import ColumnClause, ColumnElement, Connection, Select

LONGEST = 16 * 1024 * 1024
"""Bytes of one queue's text; MySQL cuts at 1,024 unless it is told otherwise."""

FIELD, ROW, NOTHING = "\x1f", "\x1e", "\x1d"


def configs(connection: Connection, platform: Platform, queue: str | None) -> dict[str, dict[str, Value]]:
    """Rows by number, every column that the table has here but for the number."""
    names = platform.schema.tables[CONFIG].columns
    columns: list[ColumnClause[Any]] = [column(name) for name in names]
    statement = select(*columns).select_from(queues_config)
    if queue is not None:
        statement = statement.where(queues_config.c.extension == queue)
    found = {}
    for row in connection.execute(statement).mappings():
        found[str(row["extension"])] = {name: row[name] for name in names if name != "extension"}
    for each in found.values():
        if each.get("password"):
            each["password"] = Secret(each["password"])
    return found


def details(connection: Connection, queue: str | None) -> dict[str, dict[RowKey, Mapping[str, Value]]]:
    """Rows of the keywords by number. Of two rows of a keyword, which only members have, the last counts."""
    table = queues_details.c
    statement = select(table.id, table.keyword, table.data, table.flags)
    statement = statement.order_by(table.id, table.keyword, table.flags, table.data)
    if queue is not None:
        statement = statement.where(table.id == queue)
    found: dict[str, dict[RowKey, Mapping[str, Value]]] = {}
    for number, keyword, data, flags in connection.execute(statement):
        rows = found.setdefault(str(number), {})
        if keyword == kept.MEMBER:
            rows[member_place(number, data)] = {"flags": flags}
        else:
            rows[keyword_place(number, keyword)] = {"data": data, "flags": flags}
    return found


def config_texts(connection: Connection, platform: Platform) -> dict[str, str]:
    """A queue's own row as one text, by queue."""
    names = tuple(name for name in platform.schema.tables[CONFIG].columns if name != "extension")
    return {str(row[0]): str(row[1]) for row in connection.execute(_config_texts(names))}


@lru_cache(maxsize=4)
def _config_texts(names: tuple[str, ...]) -> Select[Any]:
    row = reduce(lambda text, name: text + FIELD + _as_text(column(name)), names[1:], _as_text(column(names[0])))
    return select(queues_config.c.extension, row).select_from(queues_config)


def detail_texts(connection: Connection) -> dict[str, str]:
    """All rows of a queue's keywords as one text, by queue."""
    if connection.dialect.name in {"mysql", "mariadb"}:
        connection.exec_driver_sql(f"SET SESSION group_concat_max_len = {LONGEST}")
    table = queues_details.c
    row = _as_text(table.keyword) + FIELD + _as_text(table.flags) + FIELD + _as_text(table.data)
    statement = select(table.id, func.aggregate_strings(row, ROW)).group_by(table.id)
    return {str(queue): text or "" for queue, text in connection.execute(statement)}


def _as_text(value: ColumnElement[Any]) -> ColumnElement[str]:
    """Nothing is told apart from an empty text."""
    return func.coalesce(cast(value, String(255)), NOTHING)
