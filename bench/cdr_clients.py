"""Who reads call records in `bench.cdr`, each in a process of its own (see bench.contest): this project, and a driver.

The configuration is in the environment. The driver is the one that is installed for the Python that runs this.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from sqlalchemy import Engine, event

from pbxapi.app import build_pbx, build_store
from pbxapi.db.call_engines import call_engines
from pbxapi.db.call_tables import TableLook
from pbxapi.db.engine import DRIVER
from pbxapi.db.login import url_login
from pbxapi.pbx.call_records import DatabaseCallRecords
from pbxapi.pbx.call_statistics import DatabaseCallStatistics
from pbxapi.pbx.call_statistics_builder import RollUpBuilder
from pbxapi.pbx.history import CallStatistics, Filters
from pbxapi.pbx.local_time import Clock
from pbxapi.settings import Settings

Question = Mapping[str, Any]
"""Filters as JSON has them: times in ISO 8601, `contains` a list of pairs."""


class Records:
    """This project's readers of call records, with no web framework around them."""

    def __init__(self, _: int) -> None:
        settings = Settings.from_environ(os.environ)
        self._store = build_store(settings)
        pbx = build_pbx(settings, self._store)
        assert isinstance(pbx.call_records, DatabaseCallRecords)
        assert pbx.call_statistics is not None
        self._records, self._statistics = pbx.call_records, pbx.call_statistics
        engines = call_engines(settings.records.database_url, None, settings.records.timeout)
        assert engines is not None
        self._engine, self._clock = engines[0], Clock(UTC)
        self._tables = TableLook(self._engine)
        self._direct = DatabaseCallStatistics(self._engine, self._tables, self._clock, None)

    def page(self, count: int, question: Question, limit: int, cursor: str | None) -> str | None:
        """Read a page so many times; the cursor of the next one."""
        filters = _filters(question)
        for _ in range(count):
            texts = self._records.page(filters, limit=limit, cursor=cursor)
        return texts.next

    def statement(self, question: Question, limit: int, cursor: str | None) -> tuple[str, Any]:
        """The statement that a page is read with, and its values."""
        said: list[tuple[str, Any]] = []

        def listen(_: object, __: object, statement: str, values: Any, *___: object) -> None:
            said.append((statement, values))

        self.page(1, question, limit, cursor)
        event.listen(Engine, "before_cursor_execute", listen)
        self.page(1, question, limit, cursor)
        event.remove(Engine, "before_cursor_execute", listen)
        return said[0]

    def learn(self, question: Question) -> None:
        """Let the numbers of a column be read in the background, and wait until they are."""
        self.page(1, question, 1, None)
        for thread in threading.enumerate():
            if thread.name == "pbxapi-numbers":
                thread.join()

    def roll_up(self, most: int) -> int:
        """Build the roll-up for so many days more; how many were counted, fewer when it is complete."""
        builder = RollUpBuilder(self._engine, self._tables, self._clock, self._store.roll_up, owner="bench")
        days = 0
        while days < most and builder.step():
            days += 1
        return days

    def totals(self, count: int, start: str, end: str) -> Any:
        """Totals by the day, so many times: from the roll-up as far as it is."""
        return _totals(self._statistics, count, start, end)

    def counted(self, count: int, start: str, end: str) -> Any:
        """The same from the table of call records alone."""
        return _totals(self._direct, count, start, end)


class Driver:
    """PyMySQL or mysqlclient by itself, on one connection."""

    def __init__(self, _: int) -> None:
        login, name = url_login(os.environ["CDR_DATABASE_URL"])
        assert login is not None
        driver = import_module("MySQLdb" if DRIVER == "mysqldb" else "pymysql")
        self._connection = driver.connect(
            host=login.host, port=login.port, user=login.username, password=login.password, database=name,
            charset="utf8mb4", autocommit=True,
        )  # fmt: skip

    def rows(self, count: int, statement: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> int:
        """Run a statement so many times and fetch all its rows; how many they are."""
        for _ in range(count):
            with self._connection.cursor() as cursor:
                cursor.execute(statement, values)
                found = len(cursor.fetchall())
        return found


def _filters(question: Question) -> Filters:
    plain = dict(question)
    for name in {"start", "end"} & plain.keys():
        plain[name] = datetime.fromisoformat(plain[name])
    if "contains" in plain:
        plain["contains"] = tuple((column, text) for column, text in plain["contains"])
    if "disposition" in plain:
        plain["disposition"] = tuple(plain["disposition"])
    return Filters(**plain)


def _totals(statistics: CallStatistics, count: int, start: str, end: str) -> Any:
    for _ in range(count):
        found = statistics.totals(datetime.fromisoformat(start), datetime.fromisoformat(end), "day")
    shown = [{**item, "key": str(item["key"])} for item in found["items"]]
    return {"source": found["source"], "totals": found["totals"], "items": shown}
