"""Every call record that fits, as a stream: CSV for spreadsheets, and NDJSON for programs."""

from __future__ import annotations

import codecs
import json
import re
import secrets
import threading
from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

from sqlalchemy import ColumnElement, Engine, Select, select

from pbxapi.db.call_tables import CallTables, TableLook
from pbxapi.db.streaming import batches
from pbxapi.db.text import FIELDS, NUMBERS, cells_text
from pbxapi.errors import Timeout, Unavailable
from pbxapi.pbx.cdr_filters import Infix, conditions
from pbxapi.pbx.cdr_rows import RecordingId, Rows
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
RUN = re.compile(',"(?!-[0-9]+")(?= *[=+\\-@\\t\\r\\n\uff1d\uff0b\uff0d\uff20])')
"""The start of a cell that a spreadsheet would run: OWASP's list, the full-width signs among it; a
whole number is none.

No place within a cell looks like one, for there quotation marks come in pairs.
"""
CONTROL = re.compile("[\x00-\x1f]")

_MEMBERS = (f'"{name}":' + ("%s" if name in NUMBERS else '"%s"') for name in FIELDS)
LINE = f"%s{','.join(_MEMBERS)}}}\n"
UNIQUEID, FILE, USERFIELD = (CSV_NAMES.index(name) for name in ("uniqueid", "recordingfile", "userfield"))


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
        tables = self._tables.get()
        where = conditions(tables, self._clock, filters, numbers)
        # What no caller can foresee, as the border between the parts of a MIME message is, and printable.
        token = secrets.token_urlsafe(3)
        mark, end = f"\xac-{token}", f"\xac={token}"
        query = _query(tables, cells_text(tables, mark), where, oldest_first=oldest_first)
        chunks = self._chunks(query, form, mark, end)
        try:
            next(chunks)
        except Timeout as error:
            raise Timeout(NARROW) from error
        except Unavailable as error:
            if error.part == "database":
                self._tables.forget()
            raise
        return chunks

    def _chunks(self, query: Select[Any], form: str, mark: str, end: str) -> Generator[bytes, None, None]:
        """First nothing, when the first rows are there; then the export."""
        head, lines = (CSV_HEAD, _csv) if form == "csv" else (b"", self._ndjson)
        if not self._slots.acquire(blocking=False):
            raise Unavailable("As many exports as may run at once do", part="exports", retry_after=BUSY)
        try:
            with closing(batches(self._engine, query, size=ROWS, timeout=self._timeout)) as found:
                rows = next(found, [])
                yield b""
                yield head + (lines(rows, mark, end) if rows else b"")
                for rows in found:
                    yield lines(rows, mark, end)
        finally:
            self._slots.release()

    def _ndjson(self, rows: Sequence[str], mark: str, end: str) -> bytes:
        """Each row's cells between the names of their members; what is empty becomes null."""
        text = end.join(rows).replace("\\", "\\\\").replace('"', '\\"')
        # Nearly all text is printable, and that is the fastest thing to ask of it.
        if not text.isprintable():
            text = CONTROL.sub(_escaped, text)
        opening = self._rows.opening
        lines = []
        for line in text.split(end):
            cells = line.split(mark)
            file = cells[FILE]
            if not file and cells[USERFIELD].startswith("audio:"):
                file = cells[USERFIELD]
            if "\\" in file:
                file = _plain(file)
            cells[0] = opening(cells[0], cells[UNIQUEID], file)
            cells[-1] = cells[-1] or "null"
            lines.append(LINE % (*cells,))
        return "".join(lines).replace(':""', ":null").encode("utf-8", "replace")


def _csv(rows: Sequence[str], mark: str, end: str) -> bytes:
    text = end.join(rows).replace('"', '""').replace(end, '"\r\n"').replace(mark, '","')
    return RUN.sub("\\g<0>'", f'"{text}"\r\n').encode("utf-8", "replace")


def _plain(cell: str) -> str:
    """A cell before it was escaped for JSON."""
    return str(json.loads(f'"{cell}"'))


def _escaped(control: re.Match[str]) -> str:
    return f"\\u{ord(control[0]):04x}"


def _query(
    tables: CallTables,
    column: ColumnElement[str],
    where: Sequence[ColumnElement[bool]],
    *,
    oldest_first: bool,
) -> Select[Any]:
    query = select(column).select_from(tables.cdr).where(*where)
    if tables.date_index is not None:
        # Left to itself MySQL sorts the whole table before it gives a row.
        name = tables.dialect.identifier_preparer.quote_identifier(tables.date_index)
        query = query.with_hint(tables.cdr, f"FORCE INDEX FOR ORDER BY ({name})", "mysql")
    return query.order_by(tables.date.asc() if oldest_first else tables.date.desc())
