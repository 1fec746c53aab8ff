"""Call records: the table `cdr`, read as it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, distinct, func, select

from pbxapi.db.call_tables import CallTables, TableLook
from pbxapi.db.engine import connect
from pbxapi.db.text import date_text
from pbxapi.errors import NotFound, NotSupported, Timeout, Unavailable
from pbxapi.pbx.cdr_calls import PastCalls, call_id, in_a_call, in_time, past_call
from pbxapi.pbx.cdr_export import NARROW, Exports
from pbxapi.pbx.cdr_filters import conditions, equal, of_calls
from pbxapi.pbx.cdr_journey import journey
from pbxapi.pbx.cdr_numbers import Numbers
from pbxapi.pbx.cdr_pages import Pager
from pbxapi.pbx.cdr_rows import RecordingId, Rows, head
from pbxapi.pbx.cdr_survey import Survey, survey
from pbxapi.pbx.history import Cdr, Filters, Journey, PastCall, Texts
from pbxapi.pbx.local_time import Clock

MOST_LEGS = 2_000
"""Rows of one call. A call has a handful; more share an id by mistake."""


class DatabaseCallRecords:
    """The call records of one database. Raises Unavailable, and Timeout for what takes too long."""

    def __init__(
        self, engine: Engine, tables: TableLook, clock: Clock, recording_id: RecordingId, exports: Exports
    ) -> None:
        self._engine = engine
        self._tables = tables
        self._clock = clock
        self._rows = Rows(clock, recording_id)
        self._exports = exports
        self._numbers = Numbers(engine, clock)

    def page(self, filters: Filters, *, limit: int, cursor: str | None, oldest_first: bool = False) -> Texts:
        """One page, as JSON that the server builds where it can."""
        with self._open() as (connection, tables):
            pager = self._pager(connection, tables, filters, self._rows.text_columns(tables), oldest_first)
            rows, following = pager.page(limit, cursor)
            return Texts([self._rows.text(tables, row) for row in rows], following)

    def records(
        self, filters: Filters, *, limit: int, cursor: str | None, oldest_first: bool = False
    ) -> tuple[Sequence[Cdr], str | None]:
        """One page, and the cursor of the next."""
        with self._open() as (connection, tables):
            pager = self._pager(connection, tables, filters, self._rows.columns(tables), oldest_first)
            rows, following = pager.page(limit, cursor)
            return [self._rows.cdr(row) for row in rows], following

    def calls(
        self, filters: Filters, *, limit: int, cursor: str | None, oldest_first: bool = False
    ) -> tuple[Sequence[PastCall], str | None]:
        """One page of whole calls: those of which a record fits the filters, with all of their records."""
        with self._open() as (connection, tables):
            where = self._where(tables, filters)
            found = PastCalls(connection, tables, where, self._rows, oldest_first=oldest_first)
            return found.page(limit, cursor)

    def total(self, filters: Filters, *, calls: bool = False) -> int:
        """How many records fit, or how many calls have one that does."""
        with self._open() as (connection, tables):
            counted: ColumnElement[int] = func.count()
            where = self._where(tables, filters)
            if calls:
                counted = func.count(distinct(call_id(tables)))
                where.append(in_a_call(tables))
            query = select(counted).select_from(tables.cdr).where(*where)
            return int(connection.execute(query).scalar_one())

    def of_channel(self, uniqueid: str) -> Sequence[Cdr]:
        """The records with this uniqueid, in the order of time: a channel can have several. Raises NotFound."""
        with self._open() as (connection, tables):
            found = self._several(connection, tables, equal(tables, "uniqueid", uniqueid))
        if not found:
            raise NotFound("No call record has this uniqueid")
        return found

    def of_call(self, linkedid: str) -> Sequence[Cdr]:
        """The records of a call, in the order of time. Raises NotFound."""
        with self._open() as (connection, tables):
            return self._of_call(connection, tables, linkedid)

    def call(self, linkedid: str) -> PastCall:
        """A call as the one that it was. Raises NotFound."""
        return past_call(linkedid, self.of_call(linkedid))

    def journey(self, linkedid: str) -> Journey:
        """The path of a call in time. Raises NotFound."""
        with self._open() as (connection, tables):
            return journey(
                connection, tables, self._clock, linkedid, lambda: self._of_call(connection, tables, linkedid)
            )

    def export(self, filters: Filters, form: str, *, oldest_first: bool = False) -> Iterator[bytes]:
        """Every record that fits, as csv or ndjson, in chunks."""
        numbers = partial(self._numbers.holding, self._tables.get()) if filters.contains else None
        return self._exports.stream(filters, form, oldest_first=oldest_first, numbers=numbers)

    def report(self, filters: Filters, *, limit: int, between: tuple[str, str] | None = None) -> list[dict[str, str]]:
        """Rows with every column of the table and all values as text, newest first, as the older interface gives them.

        `between` are two local times as the table holds them, both included. What is dialled `s` is left out. A table
        that calls the date otherwise has it as calldate too.
        """
        with self._open() as (connection, tables):
            where = [*self._where(tables, filters), tables.cdr.c.dst != "s"]
            if between is not None:
                where.append(tables.date.between(*between))
            others = [column for column in tables.cdr.c if column.name != "calldate"]
            query = select(date_text(tables).label("calldate"), *others).where(*where)
            # By the column: MySQL would take the bare name for the text, and sort what fits instead of using the index.
            rows = connection.execute(query.order_by(tables.date.desc()).limit(limit)).mappings()
            return [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]

    def survey(self) -> Survey:
        """What an administrator should know of the table."""
        with self._open() as (connection, tables):
            return survey(connection, tables, self._clock)

    def _of_call(self, connection: Connection, tables: CallTables, linkedid: str) -> Sequence[Cdr]:
        found = self._several(connection, tables, of_calls(tables, [linkedid]))
        if not found and "linkedid" in tables.columns:
            alone = [equal(tables, "uniqueid", linkedid), func.coalesce(tables.cdr.c.linkedid, "") == ""]
            found = self._several(connection, tables, *alone)
        if not found:
            raise NotFound("No call record has this linkedid")
        return found

    def _several(self, connection: Connection, tables: CallTables, *where: ColumnElement[bool]) -> Sequence[Cdr]:
        query = select(*head(tables), *self._rows.columns(tables)).where(*where).limit(MOST_LEGS)
        return [self._rows.cdr(row) for row in sorted(connection.execute(query).fetchall(), key=in_time)]

    def _pager(
        self,
        connection: Connection,
        tables: CallTables,
        filters: Filters,
        columns: Sequence[ColumnElement[Any]],
        oldest_first: bool,
    ) -> Pager:
        where = self._where(tables, filters)
        return Pager(connection, tables, where, columns, oldest_first=oldest_first)

    def _where(self, tables: CallTables, filters: Filters) -> list[ColumnElement[bool]]:
        return conditions(tables, self._clock, filters, partial(self._numbers.holding, tables))

    @contextmanager
    def _open(self) -> Iterator[tuple[Connection, CallTables]]:
        tables = self._tables.get()
        try:
            with connect(self._engine) as connection:
                yield connection, tables
        except Timeout as error:
            raise Timeout(NARROW) from error
        except (Unavailable, NotSupported):
            # A platform's upgrade may have changed the table: it is looked at again.
            self._tables.forget()
            raise
