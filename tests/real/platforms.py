"""Databases as FreePBX and Issabel leave them after their installation: tables, settings, modules, no extension."""

from __future__ import annotations

import itertools
from pathlib import Path

from tests.real.configuration import Database
from tests.real.mariadb import MariaDB

SCHEMAS = Path(__file__).parent / "platform_schemas"
USUAL = {"freepbx17": ("InnoDB", "utf8mb4"), "freepbx13": ("MyISAM", "latin1"), "issabel": ("InnoDB", "utf8mb4")}
"""Storage engine and character set that a platform is usually found with."""

_numbers = itertools.count(1)


def platform_database(
    mariadb: MariaDB, name: str, *, engine: str | None = None, charset: str | None = None, called: str | None = None
) -> Database:
    """Make a new one of USUAL, `called` so or by a name of its own; whoever asks for it may drop it.

    The older schemas have keys that MyISAM can hold in latin1 only.
    """
    usual_engine, usual_charset = USUAL[name]
    statements = (SCHEMAS / f"{name}.sql").read_text().split(";\n")
    made = [
        f"{each} ENGINE={engine or usual_engine}" if each.startswith("CREATE") else each
        for each in statements
        if each.strip()
    ]
    return mariadb.create_database(called or f"{name}_{next(_numbers)}", *made, charset=charset or usual_charset)
