"""Tables of call records on a real server, as the platforms make them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pymysql
from sqlalchemy import Engine

from pbxapi.db.engine import Login, engine
from tests.real.configuration import Database
from tests.real.mariadb import MariaDB

SCHEMAS = Path(__file__).parent / "cdr_schemas"


class CdrTable:
    """A table `cdr` in a database of its own, with the interface of CdrFile; `pbx` may do all in it.

    A variant is a schema of cdr_schemas, a storage engine and a character set: `freepbx17-InnoDB-utf8mb4`.
    """

    def __init__(self, server: MariaDB, variant: str, name: str = "") -> None:
        self.variant = variant
        schema, storage, charset = variant.split("-")
        name = name or f"cdr_{variant.replace('-', '_').lower()}"
        statements = (SCHEMAS / f"{schema}.sql").read_text().split(";\n")
        made = [f"{each} ENGINE={storage}" for each in statements if each.strip()]
        self.place = server.create_database(name, *made, charset=charset)
        self.server = server
        self._connection = self._connect()
        self.columns = tuple(str(column["Field"]) for column in server.run("SHOW COLUMNS FROM cdr", database=name))
        self._zero_date = None if "start" in self.columns else "0000-00-00 00:00:00"

    @property
    def login(self) -> Login:
        place = self.place
        return Login(host=place.host, port=place.port, username=place.user, password=place.password)

    @property
    def url(self) -> str:
        return database_url(self.place)

    def engine(self, *, timeout: float = 5.0, limit: float | None = 5.0) -> Engine:
        return engine(self.login, self.place.name, timeout=timeout, limit=limit)

    def add(self, *rows: Mapping[str, object]) -> None:
        names, marks = ", ".join(self.columns), ", ".join(["%s"] * len(self.columns))
        with self._connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO cdr ({names}) VALUES ({marks})",
                [self._values(row) for row in rows],
            )

    def _values(self, row: Mapping[str, object]) -> list[object]:
        date = row["calldate"] or self._zero_date
        given = {**row, "calldate": date, "start": date, "answer": None, "end": None}
        return [given.get(name, "") for name in self.columns]

    def run(self, statement: str, *values: object) -> list[dict[str, object]]:
        """As root."""
        return self.server.run(statement, *values, database=self.place.name)

    def explain(self, statement: str, values: object) -> dict[str, object]:
        """The plan of a statement of one table, whose values are as the driver was given them."""
        with self._connection.cursor(pymysql.cursors.DictCursor) as cursor:
            cursor.execute(f"EXPLAIN {statement}", values)
            [plan] = cursor.fetchall()
        return dict(plan)

    def clear(self) -> None:
        try:
            self._connection.ping(reconnect=False)
        except pymysql.MySQLError:  # some test has killed the server
            self._connection = self._connect()
        with self._connection.cursor() as cursor:
            cursor.execute("DELETE FROM cdr")

    def close(self) -> None:
        self._connection.close()

    def _connect(self) -> pymysql.Connection:
        return pymysql.connect(
            host=self.place.host, port=self.place.port, user=self.place.user, password=self.place.password,
            database=self.place.name, charset="utf8mb4", autocommit=True, ssl_disabled=True, read_timeout=10,
            sql_mode="",
        )  # fmt: skip


def database_url(place: Database) -> str:
    """What CDR_DATABASE_URL is to say."""
    return f"mysql://{place.user}:{place.password}@{place.host}:{place.port}/{place.name}"
