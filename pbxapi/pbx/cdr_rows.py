"""Rows of `cdr` as this API tells them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal, literal_column, null
from sqlalchemy.types import String

from pbxapi.db.call_tables import CallTables
from pbxapi.db.text import FIELDS, NUMBERS, date_text, json_text
from pbxapi.pbx.history import Cdr
from pbxapi.pbx.local_time import Clock

HEAD = 3
"""How many columns stand before those that a reader of pages asked for: second, uniqueid, sequence."""

RecordingId = Callable[[str, str, str], str | None]


def head(tables: CallTables) -> list[ColumnElement[Any]]:
    """What a row's place in the order of time is made of."""
    sequence = tables.cdr.c.sequence if "sequence" in tables.columns else literal(0)
    return [date_text(tables), tables.cdr.c.uniqueid, sequence.label("sequence_")]


class Rows:
    """Makes Cdr, or the JSON of one, of what is selected by `head` and `columns` or `text_columns`."""

    def __init__(self, clock: Clock, recording_id: RecordingId) -> None:
        self._clock = clock
        self._recording_id = recording_id
        self._texts: tuple[CallTables, list[ColumnElement[Any]]] | None = None

    def columns(self, tables: CallTables, fields: Sequence[str] = FIELDS) -> list[ColumnElement[Any]]:
        """Fields, all if not said otherwise; NULL for a column that the table has not."""
        return [tables.cdr.c[name] if name in tables.columns else null().label(name) for name in fields]

    def text_columns(self, tables: CallTables) -> list[ColumnElement[Any]]:
        """The recording's file, and all else as JSON, where the server can build it."""
        if not tables.builds_json:
            return self.columns(tables)
        if self._texts is None or self._texts[0] is not tables:
            self._texts = tables, [_compiled(tables, recorded_as(tables)), _compiled(tables, json_text(tables))]
        return self._texts[1]

    def cdr(self, row: Sequence[Any]) -> Cdr:
        """Of a row of `columns`."""
        values = dict(zip(FIELDS, row[HEAD:], strict=True))
        file = values["recordingfile"] or ""
        recording = self._recording_id(file, values["userfield"] or "", row[0] or "")
        plain: dict[str, Any] = {
            name: _number(value) if name in NUMBERS else _text(value) for name, value in values.items()
        }
        plain["duration"], plain["billsec"] = plain["duration"] or 0, plain["billsec"] or 0
        return Cdr(calldate=self._clock.moment(row[0], row[1]), recording=recording, **plain)

    def text(self, tables: CallTables, row: Sequence[Any]) -> str:
        """The JSON of a row of `text_columns`; the same as that of its Cdr."""
        if not tables.builds_json:
            return _as_json(self.cdr(row))
        second, uniqueid, _, file, rest = row
        return f"{self.opening(second, uniqueid, file)}{rest[1:]}"

    def opening(self, second: str | None, uniqueid: str | None, file: str | None) -> str:
        """What the JSON of a row begins with: the members that the server cannot tell."""
        recording = self._recording_id(file, file, second or "") if file else None
        date = self._clock.text(second, uniqueid) if second else None
        # An id is made of letters, digits, - and _: it needs no escaping, nor does a time.
        shown = f'"{recording}"' if recording else "null"
        if date:
            return f'{{"calldate":"{date}","recording":{shown},'
        return f'{{"calldate":null,"recording":{shown},'


def recorded_as(tables: CallTables) -> ColumnElement[str]:
    """The recording's file as the row names it: `recordingfile`, or `audio:<path>` of an Elastix of old."""
    cdr, empty = tables.cdr.c, literal("", String)
    if "userfield" not in tables.columns:
        return cdr.recordingfile if "recordingfile" in tables.columns else empty
    old = func.substr(cdr.userfield, 1, 6) == "audio:"
    if "recordingfile" not in tables.columns:
        return case((old, cdr.userfield), else_=empty)
    return case((and_(cdr.recordingfile == "", old), cdr.userfield), else_=cdr.recordingfile)


def _compiled(tables: CallTables, expression: ColumnElement[str]) -> ColumnElement[str]:
    """As one piece of SQL: SQLAlchemy would go through its hundred parts for every page, longer than the page takes."""
    return literal_column(
        str(expression.compile(dialect=tables.dialect, compile_kwargs={"literal_binds": True})), String
    )


def _text(value: Any) -> str | None:
    return None if value is None or value == "" else str(value)


def _number(value: Any) -> int | None:
    return None if value is None else int(value)


def _as_json(cdr: Cdr) -> str:
    values = {"calldate": cdr.calldate.isoformat() if cdr.calldate else None, "recording": cdr.recording}
    values |= {name: getattr(cdr, name) for name in FIELDS}
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))
