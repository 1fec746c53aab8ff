"""The reader of packets gives what PyMySQL gives, whatever is in the rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pymysql
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymysql.cursors import SSCursor

from pbxapi.db.packets import can_read, read_texts
from tests.real.mariadb import MariaDB

Connection = pymysql.connections.Connection

# Lengths on both sides of where the protocol takes two bytes for one, and three.
LENGTHS = st.sampled_from([0, 1, 2, 249, 250, 251, 252, 253, 254, 255, 256, 65_534, 65_535, 65_536, 70_000])
TEXTS = st.lists(st.tuples(st.sampled_from("aZ é\x00\xfb\xfe€\U0001f600"), LENGTHS), max_size=30)


def unread(connection: Connection, statement: str) -> Any:
    cursor = connection.cursor(SSCursor)
    cursor.execute(statement)
    return cursor


@pytest.fixture
def connection(mariadb: MariaDB) -> Iterator[Connection]:
    database = mariadb.create_database("packets_test")
    made = pymysql.connect(
        host=database.host, port=database.port, user=database.user, password=database.password, ssl_disabled=True,
        database=database.name, charset="utf8mb4", read_timeout=10,
    )  # fmt: skip
    with made.cursor() as cursor:
        cursor.execute("CREATE TABLE texts (n INT PRIMARY KEY, t LONGTEXT) CHARACTER SET utf8mb4")
    yield made
    made.close()
    mariadb.run("DROP DATABASE packets_test")


@given(parts=TEXTS, at_once=st.integers(1, 40))
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_row_comes_whole_and_in_order(connection: Connection, parts: list[tuple[str, int]], at_once: int) -> None:
    texts = [character * length for character, length in parts]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM texts")
        cursor.executemany("INSERT INTO texts VALUES (%s, %s)", list(enumerate(texts)))
    cursor = unread(connection, "SELECT t FROM texts ORDER BY n")
    found: list[str] = []
    while can_read(cursor._result):
        rows = read_texts(cursor._result, at_once)
        assert len(rows) <= at_once
        found += rows
    assert found == texts
    # The connection is where it was: the next statement has its own answer.
    with connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM texts")
        assert cursor.fetchone() == (len(texts),)


def test_a_statement_that_ends_in_the_middle_says_why(connection: Connection) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO texts SELECT seq, REPEAT('x', 1000) FROM seq_1_to_20000")
        cursor.execute("SET SESSION max_statement_time = 0.3")
    cursor = unread(connection, "SELECT CONCAT(t, SLEEP(n > 15000)) FROM texts ORDER BY n")
    with pytest.raises(pymysql.err.OperationalError) as caught:
        while can_read(cursor._result):
            read_texts(cursor._result, 500)
    assert caught.value.args[0] == 1969
