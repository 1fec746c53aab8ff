"""A FreePBX 17 for tests: its tables in SQLite, and the demo exchange for AstDB and lamps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine

from pbxapi.ami import Client, ClientConfig
from pbxapi.db.platform_tables import metadata
from pbxapi.demo.exchange import DemoExchange
from tests.pbx.provisioned import Provisioned, provisioned

ROWS = """
INSERT INTO modules (modulename, version, enabled) VALUES
  ('core', '17.0.18', 1), ('findmefollow', '17.0.4.5', 1), ('queues', '17.0.1.6', 1);
INSERT INTO admin VALUES ('need_reload', 'false');
INSERT INTO users (extension, name, ringtimer) VALUES ('200', 'Alice', 0), ('201', 'Bob', NULL), ('1000', 'Eve', 0);
INSERT INTO recordings (id, displayname, filename) VALUES (3, 'Welcome', 'custom/welcome');
"""


@pytest.fixture
def demo_ami() -> Iterator[Client]:
    with DemoExchange(background_calls=False) as exchange:
        client = Client(ClientConfig(port=exchange.port, username="demo", secret="demo"))
        yield client
        client.close()


@pytest.fixture
def tables(tmp_path: Path) -> Iterator[Engine]:
    made = create_engine(f"sqlite:///{tmp_path}/platform.db")
    metadata.create_all(made)
    with made.begin() as connection:
        for statement in filter(str.strip, ROWS.split(";")):
            connection.exec_driver_sql(statement)
    yield made
    made.dispose()


@pytest.fixture
def freepbx(tables: Engine, demo_ami: Client, tmp_path: Path) -> Iterator[Provisioned]:
    with provisioned(tables, demo_ami, "freepbx", tmp_path) as made:
        yield made
