"""Calls that are placed in the demo are found in its table `cdr` when they have ended."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from pbxapi.demo.exchange import DemoExchange
from pbxapi.demo.history_tables import write_tables
from pbxapi.pbx.local_time import TEXT
from tests.demo.manager import Manager
from tests.real.deadline import eventually

KOLKATA = ZoneInfo("Asia/Kolkata")

Ended = Callable[[str], dict[str, Any]]


@pytest.fixture
def ended(exchange: DemoExchange, manager: Manager, tmp_path: Path) -> Ended:
    """Call a number from phone 100, with this id, hang up what still talks; give the row of it."""
    path = tmp_path / "cdr.db"
    write_tables(path, [], [])
    exchange.write_records(path, KOLKATA)

    def rows() -> list[dict[str, Any]]:
        with closing(sqlite3.connect(path)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute("SELECT * FROM cdr")]

    def place(number: str) -> dict[str, Any]:
        manager.ask(
            "Originate", Channel="PJSIP/100", Context="from-internal", Exten=number, Priority="1", Async="true",
            Channelid="demo-1795376941.7", CallerID='"Ana" <100>', Variable="RINGTIME=0.1",
        )  # fmt: skip
        (row,) = eventually(lambda: rows() or _hang_up(manager), "a row of the call", 10)
        return row

    return place


def _hang_up(manager: Manager) -> list[dict[str, Any]]:
    """End those who hear each other, or an echo."""
    for one in manager.channels():
        if one.get("Application") == "Echo" or (one.get("Application"), one.get("ChannelState")) == ("AppDial", "6"):
            manager.ask("Hangup", Channel=one.get("Channel"))
    return []


@pytest.mark.parametrize(
    ("number", "disposition", "application"),
    [("101", "ANSWERED", "Dial"), ("102", "BUSY", "Dial"), ("103", "NO ANSWER", "Dial"), ("104", "FAILED", "Dial"),
     ("600", "ANSWERED", "Echo")],
)  # fmt: skip
def test_a_call_leaves_one_row_that_tells_how_it_ended(
    ended: Ended, number: str, disposition: str, application: str
) -> None:
    row = ended(number)
    assert (row["disposition"], row["lastapp"], row["dst"]) == (disposition, application, number)
    assert (row["uniqueid"], row["linkedid"], row["src"]) == ("demo-1795376941.7", "demo-1795376941.7", "100")
    assert row["clid"] == '"Ana" <100>'
    assert row["channel"].startswith("PJSIP/100-")
    assert row["dstchannel"].startswith(f"PJSIP/{number}-") is (number in ("101", "102", "103"))
    assert row["duration"] >= row["billsec"] >= 0


def test_its_time_is_that_of_the_tables(ended: Ended) -> None:
    now = datetime.now(KOLKATA).replace(tzinfo=None)
    assert abs(datetime.strptime(ended("102")["calldate"], TEXT) - now) < timedelta(minutes=1)
