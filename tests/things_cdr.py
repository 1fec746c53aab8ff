"""Tables of call records as the platforms have them, and rows to put into them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import tzinfo
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from pbxapi.db.call_tables import TableLook
from pbxapi.db.engine import sqlite_engine
from pbxapi.pbx.call_records import DatabaseCallRecords
from pbxapi.pbx.cdr_export import Exports
from pbxapi.pbx.local_time import Clock

BERLIN = ZoneInfo("Europe/Berlin")

COMMON = (
    "clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata", "duration", "billsec",
    "disposition", "amaflags", "accountcode", "uniqueid", "userfield",
)  # fmt: skip
NAMES = ("did", "recordingfile", "cnum", "cnam", "outbound_cnum", "outbound_cnam", "dst_cnam")
LAYOUTS = {
    "freepbx17": ("calldate", *COMMON, *NAMES, "linkedid", "peeraccount", "sequence"),
    "freepbx13": ("calldate", *COMMON, *NAMES),
    "stock": ("start", "answer", "end", *COMMON, "linkedid", "peeraccount", "sequence"),
    "stock16": ("calldate", *COMMON),
}
NUMBERS = frozenset({"duration", "billsec", "sequence"})
INDEXED = {
    "freepbx17": ("calldate", "dst", "accountcode", "uniqueid", "did", "recordingfile", "linkedid"),
    "freepbx13": ("calldate", "dst", "accountcode", "uniqueid", "did"),
    "stock": (),
    "stock16": ("calldate",),
}


def row(**values: object) -> dict[str, object]:
    """A row with defaults; `n` makes uniqueid, linkedid and sequence."""
    n = values.pop("n", 1)
    uniqueid = values.get("uniqueid", f"1795376941.{n}")
    return {
        "calldate": "2026-11-22 19:49:01", "clid": '"Alice" <200>', "src": "200", "dst": "201",
        "dcontext": "from-internal", "channel": "PJSIP/200-00000002", "dstchannel": "PJSIP/201-00000003",
        "lastapp": "Dial", "lastdata": "PJSIP/201,25", "duration": 7, "billsec": 4, "disposition": "ANSWERED",
        "amaflags": 3, "accountcode": "", "uniqueid": uniqueid, "userfield": "", "did": "", "recordingfile": "",
        "cnum": "200", "cnam": "Alice", "outbound_cnum": "", "outbound_cnam": "", "dst_cnam": "",
        "linkedid": uniqueid, "peeraccount": "", "sequence": n, **values,
    }  # fmt: skip


class CdrFile:
    """A SQLite file with a table `cdr` of one layout."""

    def __init__(self, path: Path, layout: str = "freepbx17") -> None:
        self.path = path
        self.columns = LAYOUTS[layout]
        kinds = (f'"{name}" {"INTEGER" if name in NUMBERS else "TEXT"}' for name in self.columns)
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute(f"CREATE TABLE cdr ({', '.join(kinds)})")
        for name in INDEXED[layout]:
            self._connection.execute(f"CREATE INDEX ix_{name} ON cdr ({name})")

    def add(self, *rows: Mapping[str, object]) -> None:
        names = ", ".join(f'"{name}"' for name in self.columns)
        marks = ", ".join("?" * len(self.columns))
        values = [self._values(each) for each in rows]
        self._connection.execute("BEGIN")
        self._connection.executemany(f"INSERT INTO cdr ({names}) VALUES ({marks})", values)
        self._connection.execute("COMMIT")

    def _values(self, values: Mapping[str, object]) -> list[object]:
        given = {"start": values["calldate"], **values}
        return [given.get(name, "") for name in self.columns]

    def run(self, statement: str, values: Iterable[object] = ()) -> list[Any]:
        return self._connection.execute(statement, tuple(values)).fetchall()

    def close(self) -> None:
        self._connection.close()


class CdrReader:
    """The call records of such a file, or of what an engine connects to, and what has to be closed."""

    def __init__(self, source: Path | Engine, zone: tzinfo = BERLIN) -> None:
        self.engine = source if isinstance(source, Engine) else sqlite_engine(str(source))
        self.tables = TableLook(self.engine)
        clock = Clock(zone)
        exports = Exports(self.engine, self.tables, clock, no_recording, at_once=2, timeout=5.0)
        self.records = DatabaseCallRecords(self.engine, self.tables, clock, no_recording, exports)

    def close(self) -> None:
        self.engine.dispose()


def no_recording(recordingfile: str, userfield: str, calldate: str) -> str | None:
    return None
