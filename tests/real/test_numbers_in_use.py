"""Which numbers are taken and mentioned, on the platforms' own tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import pytest
from sqlalchemy import Connection

from pbxapi.db.engine import Login, engine
from pbxapi.db.schema import look
from pbxapi.pbx.astdb import AstDb
from pbxapi.pbx.extension_reader import Reader
from pbxapi.pbx.numbers_in_use import mentions, taken
from tests.real.mariadb import MariaDB
from tests.real.platforms import platform_database

ROWS = (
    "INSERT INTO users (extension, name) VALUES ('200', 'Ålice')",
    "INSERT INTO ringgroups (grpnum, strategy, grptime, grplist, description, postdest)"
    " VALUES ('600', 'ringall', 20, '201-200-5551234#', 'Sales', 'ext-local,vmu200,1')",
    "INSERT INTO incoming (extension, cidnum, destination, description, mohclass)"
    " VALUES ('5551234', '', 'from-did-direct,200,1', 'Main', 'default')",
    "INSERT INTO ivr_details (id, name) VALUES (3, 'Main')",
    "INSERT INTO ivr_entries (ivr_id, selection, dest) VALUES (3, '2', 'ext-findmefollow,FM200,1')",
)


@pytest.fixture(params=["freepbx17", "freepbx13", "issabel"])
def connection(request: pytest.FixtureRequest, mariadb: MariaDB) -> Iterator[Connection]:
    database = platform_database(mariadb, request.param)
    login = Login(host=database.host, port=database.port, username=database.user, password=database.password)
    tables = engine(login, database.name)
    with tables.connect() as connection:
        for statement in ROWS:
            connection.exec_driver_sql(statement)
        yield connection
    tables.dispose()
    mariadb.run(f"DROP DATABASE {database.name}")


def test_numbers_of_a_platform_are_found(connection: Connection) -> None:
    schema = look(connection)
    numbers = ["200", "201", "600", *(str(number) for number in range(1000, 1900))]
    assert taken(connection, schema, numbers) == {"200": "extension 200 (Ålice)", "600": "ring group 600 (Sales)"}
    expected = (
        "inbound route 5551234 (Main)",
        "ring group 600 (Sales), no answer",
        "ring group 600 (Sales)",
        "IVR 3 (Main), key 2",
    )
    for some in (["200"], numbers):
        assert mentions(connection, schema, some)["200"] == expected


COLLATED = {
    "users": "latin1_general_ci",
    "devices": "utf8mb4_unicode_520_ci",
    "queues_config": "utf8mb4_general_ci",
    "ringgroups": "utf8mb4_unicode_ci",
    "sip": "utf8mb4_unicode_520_ci",
    "iax": "utf8mb4_unicode_ci",
}


def test_tables_of_different_collations_are_asked_together(connection: Connection) -> None:
    for name, collation in COLLATED.items():
        charset = collation.partition("_")[0]
        connection.exec_driver_sql(f"ALTER TABLE {name} CONVERT TO CHARACTER SET {charset} COLLATE {collation}")
    columns = "id, tech, dial, devicetype, user, description"
    connection.exec_driver_sql(f"INSERT INTO devices ({columns}) VALUES ('201', 'sip', '', '', '', 'Dësk')")
    connection.exec_driver_sql("INSERT INTO queues_config (extension, descr) VALUES ('400', 'Süpport')")
    assert taken(connection, look(connection), ["200", "201", "400", "500", "600"]) == {
        "200": "extension 200 (Ålice)", "201": "device 201 (Dësk)", "400": "queue 400 (Süpport)",
        "600": "ring group 600 (Sales)",
    }  # fmt: skip
    for name, word in (("sip", "Größe"), ("iax", "größe"), ("dahdi", "groesse")):
        connection.exec_driver_sql(f"INSERT INTO {name} (id, keyword, data, flags) VALUES ('300', 'k', '{word}', 7)")
    for name, word in (("sip", "Größe"), ("iax", "größe"), ("dahdi", "groesse")):
        left = Reader(connection, look(connection), NoEntries()).stored(["300"])["300"]
        assert (left.table, left.settings, left.flags) == (name, {"k": word}, {"k": 7})
        connection.exec_driver_sql(f"DELETE FROM {name}")


class NoEntries(AstDb):
    """Of an exchange with nothing in AstDB."""

    def __init__(self) -> None: ...

    def ask(
        self, trees: Sequence[tuple[str, str]] = (), entries: Sequence[tuple[str, str]] = ()
    ) -> Callable[[], list[dict[str, str]]]:
        return lambda: [{} for _ in (*trees, *entries)]
