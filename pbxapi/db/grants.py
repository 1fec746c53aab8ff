"""What the database's server lets a login do, and how it is connected."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Engine

from pbxapi.db.engine import connect

_NAME = r"`(?:[^`]|``)*`"
GRANT = re.compile(rf"GRANT (?P<rights>.+?) ON (?:TABLE )?(?P<database>{_NAME}|[^`.\s]+)\.(?P<table>{_NAME}|\*) TO ")
CONNECTIONS = "SHOW GLOBAL VARIABLES LIKE 'max_connections'"
CIPHER = "SHOW SESSION STATUS LIKE 'Ssl_cipher'"


@dataclass(frozen=True)
class Grant:
    """Rights on a database's tables; `table` None: on all of them. `database` is a pattern, as GRANT takes it."""

    rights: frozenset[str]
    database: str
    table: str | None

    def covers(self, database: str, table: str) -> bool:
        """Whether it is on this table."""
        return (self.database == "*" or _like(self.database, database)) and self.table in {None, table}


@dataclass(frozen=True)
class Session:
    """`user` as the server's grants name it; `connections` is how many it takes in all, None: it does not say.

    With `roles` it has rights that are not among these grants.
    """

    user: str
    grants: tuple[Grant, ...]
    encrypted: bool
    connections: int | None
    roles: bool = False

    def lacks(self, wanted: Iterable[str], database: str, table: str) -> list[str]:
        """Which of these rights it has not on a table."""
        has = {right for grant in self.grants if grant.covers(database, table) for right in grant.rights}
        return [] if "ALL PRIVILEGES" in has else [right for right in wanted if right not in has]

    @property
    def may_all(self) -> bool:
        """Whether it may do anything to everything."""
        return any(each.database == "*" and "ALL PRIVILEGES" in each.rights for each in self.grants)


def session(engine: Engine) -> Session:
    """Ask a MySQL or MariaDB server about our own session. Raises Unavailable, Timeout."""
    with connect(engine) as connection:
        user = connection.exec_driver_sql("SELECT CURRENT_USER()").scalar_one()
        lines = [str(row[0]) for row in connection.exec_driver_sql("SHOW GRANTS")]
        cipher = connection.exec_driver_sql(CIPHER).one_or_none()
        limit = connection.exec_driver_sql(CONNECTIONS).one_or_none()
    return Session(
        user=str(user),
        grants=parse(lines),
        encrypted=bool(cipher and cipher[1]),
        connections=int(limit[1]) if limit else None,
        roles=any(" ON " not in line for line in lines),
    )


def parse(lines: Iterable[str]) -> tuple[Grant, ...]:
    """Read what SHOW GRANTS answers with. Rights on single columns are no rights on the table, and passed over."""
    found = []
    for line in lines:
        if match := GRANT.match(line):
            rights = re.sub(r"\w+ \([^)]*\)(, )?", "", match["rights"])
            names = frozenset(each.strip().upper() for each in rights.split(","))
            found.append(
                Grant(names, _plain(match["database"]), None if match["table"] == "*" else _plain(match["table"]))
            )
    return tuple(found)


def _plain(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def _like(pattern: str, name: str) -> bool:
    r"""A database in GRANT is a pattern: `%`, `_`, and `\_` for itself (MySQL's manual, GRANT)."""
    parts = re.findall(r"\\(.)|(.)", pattern, re.DOTALL)
    wild = {"%": ".*", "_": "."}
    as_regex = "".join(re.escape(escaped) if escaped else wild.get(plain, re.escape(plain)) for escaped, plain in parts)
    return re.fullmatch(as_regex, name, re.DOTALL) is not None
