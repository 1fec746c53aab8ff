"""Every call record that fits, as a stream: CSV for spreadsheets, and NDJSON for programs."""

from __future__ import annotations

import codecs
import re
import secrets
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, select

from pbxapi.db.call_tables import CallTables, TableLook
from pbxapi.db.streaming import batches
from pbxapi.db.text import FIELDS, csv_text, date_text, object_text
from pbxapi.errors import Invalid, Timeout, Unavailable
from pbxapi.pbx.cdr_filters import Infix, conditions
from pbxapi.pbx.cdr_rows import RecordingId, Rows, recorded_as
from pbxapi.pbx.history import Filters
from pbxapi.pbx.local_time import Clock

ROWS = 200
"""Rows a chunk: some 64 KiB."""
BUSY = 5.0
"""Seconds after which a caller may ask again when too many exports run."""
NARROW = "The call records could not be read in time. Narrow start and end, or filter by what has an index (dst, did)"

CSV_NAMES = ("calldate", *FIELDS)
CSV_HEAD = codecs.BOM_UTF8 + ",".join(CSV_NAMES).encode() + b"\r\n"
"""With a byte order mark: without one Excel takes UTF-8 for the code page of Windows, and spoils names."""
RUN = re.compile(',"(?= *[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20])')
"""The start of a cell that a spreadsheet would run: OWASP's list, the full-width signs among it.

No place within a cell looks like one, for there quotation marks come in pairs.
"""
CONTROL = re.compile("[\x00-\x1f]")
CONTROLS = bytes(set(range(0x20)) - {ord("\n")})


Row = Sequence[Any]


@dataclass(frozen=True, slots=True)
class _Form:
    head: bytes
    columns: Sequence[ColumnElement[Any]]
    lines: Callable[[Sequence[Row]], bytes]


class Exports:
    """Streams of call records, at most `at_once` at a time; `timeout` is that of the engine, in seconds."""

    def __init__(
        self,
        engine: Engine,
        tables: TableLook,
        clock: Clock,
        recording_id: RecordingId,
        *,
        at_once: int,
        timeout: float,
    ) -> None:
        self._engine = engine
        self._tables = tables
        self._clock = clock
        self._rows = Rows(clock, recording_id)
        self._slots = threading.BoundedSemaphore(at_once)
        self._timeout = timeout

    def stream(
        self, filters: Filters, form: str, *, oldest_first: bool = False, numbers: Infix | None = None
    ) -> Generator[bytes, None, None]:
        """The records in the order of time, as `csv` or `ndjson`, in chunks that end with a line.

        When this returns, the database has given the first rows. Who stops before the end closes it, which ends the
        statement on the server. Raises Timeout when the first rows take too long, Unavailable when the database does
        not answer or too many exports run, Invalid and NotSupported as the filters do. What is raised later has cut
        the export short.
        """
        if filters.start and filters.end and filters.start >= filters.end:
            raise Invalid("The range is empty", {"end": ["Must be after start."]})
        tables = self._tables.get()
        where = conditions(tables, self._clock, filters, numbers)
        made = _csv(tables) if form == "csv" else self._ndjson(tables)
        chunks = self._chunks(_query(tables, made.columns, where, oldest_first=oldest_first), made)
        try:
            next(chunks)
        except Timeout as error:
            raise Timeout(NARROW) from error
        except Unavailable as error:
            if error.part == "database":
                self._tables.forget()
            raise
        return chunks

    def _chunks(self, query: Select[Any], form: _Form) -> Generator[bytes, None, None]:
        """First nothing, when the first rows are there; then the export."""
        if not self._slots.acquire(blocking=False):
            raise Unavailable("As many exports as may run at once do", part="exports", retry_after=BUSY)
        try:
            with closing(batches(self._engine, query, size=ROWS, timeout=self._timeout)) as found:
                rows = next(found, ())
                yield b""
                yield form.head + form.lines(rows)
                for rows in found:
                    yield form.lines(rows)
        finally:
            self._slots.release()

    def _ndjson(self, tables: CallTables) -> _Form:
        # What no caller can foresee, as the border between the parts of a MIME message.
        quote = secrets.token_urlsafe(9)
        opening = self._rows.opening

        def finished(text: str) -> str:
            return text.replace("\\", "\\\\").replace(quote, '\\"').replace(':""', ":null")

        def lines(rows: Sequence[Row]) -> bytes:
            texts = [f"{opening(second, uniqueid, file)}{text[1:]}" for second, uniqueid, file, text in rows]
            made = finished("".join([f"{text}\n" for text in texts])).encode("utf-8", "replace")
            if made.count(b"\n") == len(texts) and len(made.translate(None, CONTROLS)) == len(made):
                return made
            texts = [CONTROL.sub(_escaped, finished(text)) for text in texts]
            return "".join([f"{text}\n" for text in texts]).encode("utf-8", "replace")

        columns = [date_text(tables), tables.cdr.c.uniqueid, recorded_as(tables), object_text(tables, quote)]
        return _Form(b"", columns, lines)


def _escaped(control: re.Match[str]) -> str:
    return f"\\u{ord(control[0]):04x}"


def _csv(tables: CallTables) -> _Form:
    def lines(rows: Sequence[Row]) -> bytes:
        text = "".join([f"{row[0]}\r\n" for row in rows])
        return RUN.sub("\\g<0>'", text).encode("utf-8", "replace")

    return _Form(CSV_HEAD, [csv_text(tables)], lines)


def _query(
    tables: CallTables,
    columns: Sequence[ColumnElement[Any]],
    where: Sequence[ColumnElement[bool]],
    *,
    oldest_first: bool,
) -> Select[Any]:
    query = select(*columns).select_from(tables.cdr).where(*where)
    if tables.date_index is not None:
        # Left to itself MySQL sorts the whole table before it gives a row.
        name = tables.dialect.identifier_preparer.quote_identifier(tables.date_index)
        query = query.with_hint(tables.cdr, f"FORCE INDEX FOR ORDER BY ({name})", "mysql")
    return query.order_by(tables.date.asc() if oldest_first else tables.date.desc())
