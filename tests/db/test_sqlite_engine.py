"""SQLite files behind an engine: those that are only read, and those that several write."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pbxapi.db.engine import connect, sqlite_engine
from pbxapi.errors import Unavailable


def test_a_file_that_is_only_read_is_not_made(tmp_path: Path) -> None:
    engine = sqlite_engine(str(tmp_path / "a.db"))
    with pytest.raises(Unavailable), connect(engine):
        pass
    assert list(tmp_path.iterdir()) == []


def test_writers_take_turns_and_readers_wait_for_none_of_them(tmp_path: Path) -> None:
    engine = sqlite_engine(str(tmp_path / "a b.db"), only_read=False)
    with connect(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE numbers (value INTEGER)")
        connection.exec_driver_sql("INSERT INTO numbers VALUES (0)")
        connection.commit()

    def add(_: int) -> None:
        with connect(engine) as connection:
            connection.exec_driver_sql("UPDATE numbers SET value = value")
            (value,) = connection.exec_driver_sql("SELECT value FROM numbers").one()
            connection.exec_driver_sql("UPDATE numbers SET value = ?", (value + 1,))
            connection.commit()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(add, range(40)))
    with connect(engine) as writer, connect(engine) as reader:
        writer.exec_driver_sql("UPDATE numbers SET value = -1")
        assert reader.exec_driver_sql("SELECT value FROM numbers").one() == (40,)
    engine.dispose()
