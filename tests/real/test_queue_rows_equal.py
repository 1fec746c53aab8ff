"""Queues in FreePBX's and Issabel's own schemas, beside the rows that they themselves wrote; and in Asterisk."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from pbxapi.ami import Client, ClientConfig
from pbxapi.db.engine import Login, engine
from pbxapi.errors import Conflict, Invalid, NotFound
from pbxapi.pbx.plan import KeyChange
from pbxapi.pbx.provisioning import Write
from pbxapi.pbx.queueing import NewMember, StaticMember
from tests import seen
from tests.pbx.provisioned import Provisioned, provisioned
from tests.real.api import Api
from tests.real.asterisk import Asterisk
from tests.real.configuration import Database
from tests.real.mariadb import MariaDB
from tests.real.platform_exchange import PlatformExchange
from tests.real.platforms import platform_database

SUPPORT = {"description": "Support", "autofill": True, "destination_if_no_answer": "app-blackhole,hangup,1"}
CAPTURES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("freepbx17", "freepbx14-07-queue-400.txt", "14.0.2.30", SUPPORT),
    ("freepbx17", "freepbx16-07-queue-400.txt", "16.0.25", SUPPORT),
    ("freepbx17", "freepbx17-07-queue-400.txt", "17.0.1.6", SUPPORT),
    ("issabel", "issabel-rows_after_queue_400.sql", "2.12.0.8", {"description": "Sales Q"}),
]
"""The schema, what was captured there, the version of the module, and what was asked for beside the members."""

MEMBERS = [{"extension": "200", "penalty": 0}, {"extension": "201", "penalty": 5}]
TABLES = ("queues_config", "queues_details")


def _engine(place: Database) -> Engine:
    return engine(Login(host=place.host, port=place.port, username=place.user, password=place.password), place.name)


@pytest.fixture(scope="module")
def ami(asterisk22: Asterisk) -> Iterator[Client]:
    client = Client(ClientConfig(port=asterisk22.ports.ami, username="api", secret="api-secret"))
    yield client
    client.close()


@pytest.fixture(scope="module", params=["freepbx17", "freepbx13", "issabel"])  # the second is MyISAM in latin1
def _tables(request: pytest.FixtureRequest, mariadb: MariaDB) -> Iterator[tuple[str, Engine]]:
    database = platform_database(mariadb, request.param)
    made = _engine(database)
    yield request.param, made
    made.dispose()
    mariadb.run(f"DROP DATABASE {database.name}")


@pytest.fixture
def exchange(_tables: tuple[str, Engine], ami: Client, tmp_path: Path) -> Iterator[Provisioned]:
    """Two extensions, and no queue."""
    kind, tables = _tables
    with provisioned(tables, ami, kind.rstrip("0123456789"), tmp_path) as made:
        made.run("DELETE FROM users")
        made.run("INSERT INTO users (extension, name, ringtimer) VALUES ('200', 'Alice', 0), ('201', 'Bob', 0)")
        made.waits()
        yield made
        for table in TABLES:
            made.run(f"DELETE FROM {table}")
        made.astdb.write([KeyChange("QPENALTY", key, None, None) for key in made.astdb.tree("QPENALTY")])


def _there(exchange: Provisioned) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """Every row of both tables, each value as text."""
    rows = [(table, row) for table in TABLES for row in exchange.run(f"SELECT * FROM {table}")]
    return _sorted(rows)


def _sorted(rows: Any) -> list[tuple[str, list[tuple[str, str | None]]]]:
    as_text = [
        (table, sorted((name, None if value is None else str(value)) for name, value in row.items()))
        for table, row in rows
    ]
    return sorted(as_text, key=str)


def test_a_queue_comes_changes_and_goes(exchange: Provisioned, _tables: tuple[str, Engine]) -> None:
    made, outcome = exchange.queues.create("400", {**SUPPORT, "static_members": MEMBERS, "password": "12"}, Write())
    assert outcome.plan.reload
    assert exchange.waits()
    assert exchange.queues.all() == (exchange.queues.get("400"),) == (made,)
    assert exchange.astdb.tree("QPENALTY", "400") == {"400/dynmemberonly": "no"}
    with pytest.raises(Conflict):
        exchange.queues.create("400", {}, Write())
    with pytest.raises(NotFound):
        exchange.queues.get("400 ")  # equal, for MySQL

    before = _there(exchange)
    exchange.queues.put("400", {"caller_id_prefix": "Tür: ", "ring_time": 20}, Write(), merge=True)
    exchange.queues.change_member("400", "201", 9, Write())
    member, _ = exchange.queues.add_member("400", NewMember(interface="PJSIP/210"), Write())
    assert member == StaticMember("PJSIP/210", 0, "210")
    after = _there(exchange)
    assert len([row for row in before if row not in after]) == 3
    assert len([row for row in after if row not in before]) == 4
    exchange.queues.remove_member("400", "PJSIP/210", Write())
    exchange.queues.change_member("400", "201", 5, Write())
    exchange.queues.put("400", {"caller_id_prefix": None, "ring_time": None}, Write(), merge=True)
    assert _there(exchange) == before
    exchange.waits()

    if _tables[0] == "freepbx13":
        with pytest.raises(Invalid) as caught:
            exchange.queues.put("400", {"description": "😀", "ring_time": 30}, Write(), merge=True)
        assert caught.value.fields.keys() == {"description"}
        assert _there(exchange) == before

    exchange.queues.delete("400", Write())
    assert exchange.waits()
    assert _there(exchange) == []
    assert exchange.astdb.tree("QPENALTY", "400") == {}


@pytest.mark.parametrize(("_tables", "capture", "version", "said"), CAPTURES, indirect=["_tables"], scope="module")
def test_a_new_queue_has_the_rows_that_the_platform_writes_itself(
    capture: str, version: str, said: dict[str, Any], exchange: Provisioned
) -> None:
    exchange.run("UPDATE modules SET version = :version WHERE modulename = 'queues'", version=version)
    exchange.queues.create("400", {**said, "static_members": MEMBERS}, Write())
    assert _there(exchange) == _sorted((table, row) for table, row in seen.rows(capture) if table in TABLES)
    assert exchange.astdb.tree("QPENALTY") == {"400/dynmemberonly": "no"}


def test_a_queue_of_a_post_runs_with_its_member_after_the_reload_and_is_gone_after_a_delete(
    platform: PlatformExchange, platform_api: Api
) -> None:
    phones = {}
    for number, name in (("200", "Alice"), ("201", "Bob")):
        made = platform_api.post("/extensions?apply=false", {"extension": number, "name": name}, status=201)
        phones[number] = platform.phone(number, made["secret"], chan_sip=made["technology"] == "sip")
    members = [{"extension": "200", "penalty": 5}]
    values = {"queue": "400", "description": "Support", "static_members": members, "strategy": "linear"}
    assert platform_api.post("/queues", values, status=201)["applied"]
    with platform.manager() as manager:
        rows = manager.ask("QueueStatus", Queue="400")
    [queue] = [row for row in rows if row.get("Event") == "QueueParams"]
    [member] = [row for row in rows if row.get("Event") == "QueueMember"]
    assert (queue["Strategy"], queue["ServiceLevel"]) == ("linear", "60")
    seen_there = [member[name] for name in ("Name", "Location", "Penalty", "Membership", "StateInterface")]
    assert seen_there == ["Alice", "Local/200@from-queue/n", "5", "static", "hint:200@ext-local"]
    assert [phone.register() for phone in phones.values()] == [200, 200]
    call = phones["201"].call("400").wait_answered()
    assert phones["200"].wait_incoming().invite
    assert call.sound.hears()
    call.hang_up()
    platform_api.send("DELETE", "/queues/400")
    with platform.manager() as manager:
        assert [row for row in manager.ask("QueueStatus", Queue="400") if row.get("Event") == "QueueParams"] == []
