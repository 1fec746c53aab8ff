"""Follow-me and features on FreePBX's and Issabel's own schemas, and a real Asterisk's AstDB and lamps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pbxapi.ami import Client, ClientConfig
from pbxapi.db.engine import Login, engine
from pbxapi.errors import Invalid
from pbxapi.pbx.plan import KeyChange
from pbxapi.pbx.provisioning import CallForward, Write
from tests.pbx.provisioned import Provisioned, provisioned
from tests.real.asterisk import Asterisk
from tests.real.mariadb import MariaDB
from tests.real.platforms import platform_database

FIRST = {"changecid", "ddial", "fixedcid", "grpconf", "grplist", "grptime", "prering"}
SECOND = FIRST | {"grppre", "rvolume"}
THIRD = SECOND | {"strategy", "dring", "annmsg", "remotealertmsg", "toolatemsg", "postdest", "ringing"}
WRITTEN = {"freepbx17": THIRD, "freepbx13": SECOND, "issabel": FIRST}
"""Entries that the platform's own screen writes at a save."""

FAMILIES = "AMPUSER", "DND", "CF", "CW", "CustomDevstate"
NO_RECORDING = {"freepbx17": None, "freepbx13": None, "issabel": 0}


@pytest.fixture(scope="module", params=["freepbx17", "freepbx13", "issabel"])  # the second is MyISAM in latin1
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def _exchange(
    kind: str, mariadb: MariaDB, asterisk22: Asterisk, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Provisioned]:
    database = platform_database(mariadb, kind)
    login = Login(host=database.host, port=database.port, username=database.user, password=database.password)
    tables = engine(login, database.name)
    ami = Client(ClientConfig(port=asterisk22.ports.ami, username="api", secret="api-secret"))
    with provisioned(tables, ami, kind.rstrip("0123456789"), tmp_path_factory.mktemp(kind)) as made:
        made.run("INSERT INTO users (extension, name, ringtimer) VALUES ('200', 'Alice', 0), ('201', 'Bob', 0)")
        yield made
    ami.close()
    tables.dispose()
    mariadb.run(f"DROP DATABASE {database.name}")


@pytest.fixture
def exchange(_exchange: Provisioned) -> Iterator[Provisioned]:
    """With no follow-me, nothing in AstDB and no reload asked for."""
    _exchange.run("DELETE FROM findmefollow")
    _exchange.waits()
    yield _exchange
    left = [(family, key) for family in FAMILIES for key in _exchange.astdb.tree(family) if "200" in key]
    _exchange.astdb.write(KeyChange(family, key, None, None) for family, key in left)


def test_a_follow_me_comes_changes_and_goes(exchange: Provisioned, kind: str) -> None:
    numbers = ["200", "201", "5551234"]
    made, outcome = exchange.follow_me.put("200", {"numbers": numbers, "caller_name_prefix": "Tür: "}, Write())
    assert outcome.plan.reload
    assert exchange.waits()
    entries = exchange.entries("200")
    assert entries.keys() == WRITTEN[kind]
    assert (entries["ddial"], entries["grplist"]) == ("DIRECT", "200-201-5551234#")
    [row] = exchange.run("SELECT * FROM findmefollow")
    assert (row["grplist"], row["grppre"], row["annmsg_id"]) == ("200-201-5551234#", "Tür: ", NO_RECORDING[kind])
    assert exchange.follow_me.all() == (exchange.follow_me.get("200"),) == (made,)
    assert exchange.astdb.state("Custom:FOLLOWME200") == "BUSY"

    changed, outcome = exchange.follow_me.put("200", {"enabled": False, "ring_time": 45}, Write(), merge=True)
    assert (changed.enabled, changed.ring_time, changed.numbers) == (False, 45, tuple(numbers))
    assert not outcome.plan.reload
    assert not exchange.waits()
    assert exchange.entries("200") == entries | {"ddial": "EXTENSION", "grptime": "45"}
    assert exchange.run("SELECT * FROM findmefollow") == [{**row, "grptime": 45}]
    assert exchange.astdb.state("Custom:FOLLOWME200") == "NOT_INUSE"

    exchange.follow_me.delete("200", Write())
    assert exchange.run("SELECT * FROM findmefollow") == []
    assert exchange.entries("200") == {}
    assert exchange.waits()


def test_what_the_table_cannot_hold_is_refused_and_nothing_written(exchange: Provisioned, kind: str) -> None:
    values = {"numbers": [f"{number:039d}" for number in range(7)], "caller_name_prefix": "😀"}
    with pytest.raises(Invalid) as caught:
        exchange.follow_me.put("200", values, Write())
    latin1 = {"caller_name_prefix"} if kind == "freepbx13" else set()
    assert caught.value.fields.keys() == {"numbers"} | latin1
    assert exchange.run("SELECT * FROM findmefollow") == []
    assert exchange.entries("200") == {}


def test_features_are_switched_at_once(exchange: Provisioned, kind: str) -> None:
    values = {"do_not_disturb": True, "call_forward": {"all": "5551234"}, "call_waiting": True, "ring_time": 30}
    features, outcome = exchange.features.change("200", values, Write())
    assert outcome.applied
    assert features == exchange.features.get("200")
    assert (features.do_not_disturb, features.call_forward) == (True, CallForward(all="5551234"))
    assert (features.call_waiting, features.ring_time) == (True, 30)
    assert exchange.run("SELECT ringtimer FROM users WHERE extension = '200'") == [{"ringtimer": 30}]
    assert [exchange.astdb.state(f"Custom:{lamp}200") for lamp in ("DND", "DEVDND", "CF")] == ["BUSY"] * 3
    exchange.features.change("200", {"do_not_disturb": False, "call_forward": None}, Write())
    off = "NOT_INUSE" if kind == "issabel" else "UNAVAILABLE"
    assert [exchange.astdb.state(f"Custom:{lamp}200") for lamp in ("DND", "CF")] == [off, "NOT_INUSE"]
    assert not exchange.waits()
