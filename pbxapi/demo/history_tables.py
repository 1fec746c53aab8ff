"""The tables `cdr` and `cel` as FreePBX 17 has them, in a SQLite file."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path

CDR = (
    "calldate", "clid", "src", "dst", "dcontext", "channel", "dstchannel", "lastapp", "lastdata", "duration", "billsec",
    "disposition", "amaflags", "accountcode", "uniqueid", "userfield", "did", "recordingfile", "cnum", "cnam",
    "outbound_cnum", "outbound_cnam", "dst_cnam", "linkedid", "peeraccount", "sequence",
)  # fmt: skip
CDR_INDEXES = ("calldate", "dst", "accountcode", "uniqueid", "did", "recordingfile", "linkedid")
CEL = (
    "eventtype", "eventtime", "cid_name", "cid_num", "cid_ani", "cid_rdnis", "cid_dnid", "exten", "context", "channame",
    "appname", "appdata", "amaflags", "accountcode", "uniqueid", "linkedid", "peer", "userdeftype", "extra",
)  # fmt: skip
CEL_INDEXES = ("uniqueid", "linkedid", "context")

_NUMBERS = frozenset({"duration", "billsec", "amaflags", "sequence"})


def write_tables(path: Path, records: Iterable[Sequence[object]], events: Iterable[Sequence[object]]) -> None:
    """Make the file and fill it. Raises sqlite3.Error, and so when the tables are there already."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        # Who is interrupted in here throws the file away.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("BEGIN")
        connection.execute(f"CREATE TABLE cdr ({_columns(CDR)})")
        connection.execute(f"CREATE TABLE cel (id INTEGER PRIMARY KEY, {_columns(CEL)})")
        connection.executemany(_insert("cdr", CDR), records)
        connection.executemany(_insert("cel", CEL), events)
        for name in CDR_INDEXES:
            connection.execute(f"CREATE INDEX cdr_{name} ON cdr ({name})")
        for name in CEL_INDEXES:
            connection.execute(f"CREATE INDEX cel_{name} ON cel ({name})")
        connection.execute("ANALYZE")
        connection.execute("COMMIT")
        # From here on it is written beside those who read.
        connection.execute("PRAGMA journal_mode = WAL")


def add_record(path: Path, record: Sequence[object]) -> None:
    """Write a row of `cdr` into a file that has the table, without waiting for who reads. Raises sqlite3.Error."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute(_insert("cdr", CDR), record)


def _columns(names: Sequence[str]) -> str:
    return ", ".join(f"{name} {'INTEGER' if name in _NUMBERS else 'TEXT'} NOT NULL" for name in names)


def _insert(table: str, names: Sequence[str]) -> str:
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 (our names)
