"""Statistics of calls on a real MariaDB, against a count in plain Python; the store in it as well as on SQLite."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pbxapi.db.call_tables import TableLook
from pbxapi.errors import Timeout
from pbxapi.pbx.call_statistics import DatabaseCallStatistics
from pbxapi.pbx.call_statistics_builder import RollUpBuilder
from pbxapi.pbx.call_statistics_groups import GROUPS
from pbxapi.pbx.local_time import TEXT, Clock
from pbxapi.store import Store
from pbxapi.store.migrate import migrate
from tests.pbx import plain_statistics as plain
from tests.real.cdr_table import CdrTable
from tests.real.mariadb import MariaDB
from tests.things_cdr import BERLIN, row

CLOCK = Clock(BERLIN)
NOW = datetime(2026, 10, 28, 14, 30, tzinfo=BERLIN)
START, END = "2026-10-21 09:20:00", "2026-10-28 11:40:00"
RANDOM = random.Random(3)


def rows() -> list[dict[str, Any]]:
    """A week of calls of one to three records, over the end of daylight saving."""
    found = []
    for call in range(400):
        begin = datetime(2026, 10, 21) + timedelta(seconds=RANDOM.randrange(8 * 86400))
        for leg in range(RANDOM.randint(1, 3)):
            duration = RANDOM.randint(0, 90)
            found.append(row(
                n=call * 10 + leg, linkedid=f"1.{call}", calldate=(begin + timedelta(seconds=leg * 20)).strftime(TEXT),
                channel=RANDOM.choice(["PJSIP/200-00000002", "Local/201@from-queue-00000003;1", "DAHDI/12-1"]),
                dstchannel=RANDOM.choice(["SIP/202-0000000a", "PJSIP/trunk-00000001", "", "PJSIP/7-00000001"]),
                lastapp=RANDOM.choice(["Queue", "Dial"]), lastdata=RANDOM.choice(["400,t,,", "Sales", "sales,t", ""]),
                did=RANDOM.choice(["", "4930123", "abc", "ABC"]), duration=duration,
                billsec=RANDOM.randint(0, duration), disposition=RANDOM.choice([*plain.RANKS, "ANSWERED"]),
            ))  # fmt: skip
    return [*found, row(calldate=None, n=1)]


@pytest.fixture(params=["sqlite", "mariadb"])
def store(request: pytest.FixtureRequest, mariadb: MariaDB, tmp_path: Path) -> Iterator[Store]:
    url = f"sqlite:///{tmp_path}/store.db"
    if request.param == "mariadb":
        name = f"statistics_{abs(hash(tmp_path))}"
        place = mariadb.create_database(name)
        url = f"mysql+pymysql://{place.user}:{place.password}@{place.host}:{place.port}/{place.name}"
    store = Store(url)
    migrate(store)
    yield store
    store.close()


@pytest.mark.parametrize("variant", ["freepbx17-InnoDB-utf8mb4", "freepbx13-MyISAM-latin1", "asterisk-InnoDB-utf8mb4"])
def test_the_server_counts_as_plain_python_does(
    cdr_tables: Callable[[str], CdrTable], store: Store, variant: str
) -> None:
    table = cdr_tables(variant)
    given = rows()
    dated = given if "start" not in table.columns else given[:-1]
    table.add(*dated)
    linked = "linkedid" in table.columns
    with ExitStack() as stack:
        engine = table.engine()
        stack.callback(engine.dispose)
        look = TableLook(engine)
        direct = DatabaseCallStatistics(engine, look, CLOCK, None)
        rolled_up = DatabaseCallStatistics(engine, look, CLOCK, store.roll_up)
        rolled_up.close()
        builder = RollUpBuilder(engine, look, CLOCK, store.roll_up, owner="me", now=lambda: NOW)
        start, end = (datetime.strptime(text, TEXT).replace(tzinfo=BERLIN) for text in (START, END))
        for steps in (4, 100):
            assert sum(1 for _ in range(steps) if builder.step()) > 3
            for group_by in GROUPS:
                if group_by == "did" and "did" not in table.columns:
                    continue
                found = direct.totals(start, end, group_by)
                assert plain.flattened(found) == plain.items(given, START, END, group_by, linked=linked), group_by
                assert found["totals"] == plain.totals(given, START, END, linked=linked)
                assert {**rolled_up.totals(start, end, group_by), "source": "", "roll_up": ""} == {
                    **found, "source": "", "roll_up": ""
                }, group_by  # fmt: skip
            assert rolled_up.progress()["done"] == (1.0 if steps == 100 else pytest.approx(0.5, abs=0.2))


@contextmanager
def slow_table(table: CdrTable, seconds: float) -> Iterator[None]:
    """A view in the table's place, in which each row takes its time."""
    table.run("RENAME TABLE cdr TO fast_cdr")
    table.run(f"CREATE VIEW cdr AS SELECT * FROM fast_cdr WHERE SLEEP({seconds}) = 0")
    try:
        yield
    finally:
        table.run("DROP VIEW cdr")
        table.run("RENAME TABLE fast_cdr TO cdr")


def test_a_day_that_takes_too_long_is_counted_by_the_hour_and_too_long_a_range_says_what_is_counted(
    cdr_tables: Callable[[str], CdrTable], tmp_path: Path
) -> None:
    table = cdr_tables("freepbx17-InnoDB-utf8mb4")
    table.add(*(row(n=n, calldate=f"2026-10-26 {n:02}:00:00") for n in range(6)))
    table.add(*(row(n=n, calldate=f"2026-09-26 {n:02}:00:00") for n in range(6)))
    with ExitStack() as stack:
        store = Store(f"sqlite:///{tmp_path}/store.db")
        stack.callback(store.close)
        migrate(store)
        engine = table.engine(limit=0.6)
        stack.callback(engine.dispose)
        look = TableLook(engine)
        statistics = DatabaseCallStatistics(engine, look, CLOCK, store.roll_up)
        statistics.close()
        builder = RollUpBuilder(engine, look, CLOCK, store.roll_up, owner="me", now=lambda: NOW)
        with slow_table(table, 0.15):
            while statistics.progress()["from"] != "2026-10-26T00:00:00+01:00":
                assert builder.step()
            begin = datetime(2026, 10, 26, tzinfo=BERLIN)
            assert statistics.totals(begin, begin + timedelta(days=1), "day")["totals"]["calls"] == 6
            assert len(statistics.totals(begin, begin + timedelta(days=1), "extension")["items"]) == 2
            with pytest.raises(Timeout, match="From 2026-10-26T00:00:00"):
                statistics.totals(begin - timedelta(days=60), begin, "day")
